"""Programs that take what belongs to others: each succeeds on the compositor itself, fails through a link with the
ordinary role, and succeeds again with the role that is meant for it."""

import os
import signal
import subprocess

import pytest

import host
import wayland_world as world


@pytest.fixture(scope="module")
def sway():
    with world.running(world.Sway()) as one:
        yield one


@pytest.fixture(scope="module")
def weston():
    with world.running(world.Weston()) as one:
        yield one


def link(compositor, role):
    return world.running(world.Mediator(compositor, f'"{role}"'))


def grim(thing, patience):
    shot = thing.directory / "grim.png"
    shot.unlink(missing_ok=True)
    code, output = world.run(thing, "grim", shot, timeout=patience)
    return code == 0 and shot.stat().st_size > 100, output


def wf_recorder(thing, patience):
    """It records until it is interrupted; what it wrote is the evidence."""
    film = thing.directory / "film.mkv"
    film.unlink(missing_ok=True)
    with world.running(world.Client(thing, "wf-recorder", "-f", film)) as client:
        host.wait_until(lambda: not client.alive() or film.exists(), patience / host.BUSY)
        host.wait_until(lambda: not client.alive(), 0.5)
        client.process.send_signal(signal.SIGINT)
        host.wait_until(lambda: not client.alive(), 10)
        return film.exists() and film.stat().st_size > 500, client.output.read_text(errors="replace")


def wl_paste(thing, patience):
    """The clipboard of another client, without focus."""
    owner = subprocess.Popen(["wl-copy", "--foreground", "secret"], env=world.display_of(thing.compositor, thing.directory),
                             **world.QUIET)
    try:
        assert host.wait_until(lambda: "secret" in world.run(thing.compositor, "wl-paste", timeout=60)[1], 10)
        code, output = world.run(thing, "wl-paste", timeout=patience)
        return code == 0 and "secret" in output, output
    finally:
        owner.kill()
        owner.wait()


def wlr_randr(thing, patience):
    code, output = world.run(thing, "wlr-randr", timeout=patience)
    return code == 0 and "HEADLESS-1" in output, output


def wtype(thing, patience):
    code, output = world.run(thing, "wtype", "x", timeout=patience)
    return code == 0, output


ATTACKS = [(grim, "capture"), (wf_recorder, "capture"), (wl_paste, "capture"), (wlr_randr, "admin")]


def attempt(attack, thing, compositor, patience=60):
    thing.compositor = compositor
    return attack(thing, patience)


@pytest.mark.parametrize("attack", [grim, wf_recorder, wl_paste, wlr_randr, wtype])
def test_it_succeeds_directly(sway, attack):
    done, output = attempt(attack, sway, sway)
    assert done, output


@pytest.mark.parametrize("role", ["base", "ui", "gpu", "game", "shell"])
@pytest.mark.parametrize("attack", [grim, wf_recorder, wl_paste, wlr_randr, wtype])
def test_it_fails_with_a_role_that_is_not_meant_for_it(sway, attack, role):
    patience = 3 if attack is wl_paste else 60  # it waits for a focus that it never gets
    with link(sway, role) as one:
        done, output = attempt(attack, one, sway, patience)
    assert not done, output
    assert sway.alive()


@pytest.mark.parametrize("attack, role", ATTACKS)
def test_it_succeeds_with_the_role_that_is_meant_for_it(sway, attack, role):
    with link(sway, role) as one:
        done, output = attempt(attack, one, sway)
    assert done, output


def test_no_role_may_type_for_others_while_no_protocol_file_says_how(sway):
    """Debian packages no file for zwp_virtual_keyboard_v1: it stays hidden until a build is given one."""
    with link(sway, "input") as one:
        shown = world.globals_of(one)
        done, _ = attempt(wtype, one, sway)
    assert done == ("zwp_virtual_keyboard_manager_v1" in shown)
    assert "zwlr_virtual_pointer_manager_v1" in shown


def shoot(thing):
    before = set(os.listdir(thing.directory))
    code, output = world.run(thing, "weston-screenshooter", timeout=60)
    made = set(os.listdir(thing.directory)) - before
    return code == 0 and any(name.endswith(".png") for name in made), output


def test_the_screenshooter_of_weston_works_directly_and_through_no_link(weston):
    done, output = shoot(weston)
    assert done, output
    with link(weston, "ui") as one:
        done, output = shoot(one)
    assert not done and "support screenshooter" in output


def test_no_role_but_admin_sees_what_sway_offers_beyond_its_own(sway):
    direct = world.globals_of(sway)
    seen = {}
    for role in ("base", "ui", "gpu", "game", "shell", "capture", "input", "admin"):
        with link(sway, role) as one:
            seen[role] = set(world.globals_of(one))
    assert seen["base"] < seen["ui"] < seen["shell"] and seen["ui"] < seen["capture"] < seen["admin"] < set(direct)
    for role in ("base", "ui", "gpu", "game"):
        taken = [name for name in seen[role] if name.startswith("zwlr_")]
        assert taken == [], role
