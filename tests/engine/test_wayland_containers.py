"""Wayland clients in containers: uid 1000, a read-only root, the display put there by the hooks, drawn by a real Weston."""

import shutil
import signal
import subprocess

import pytest

import bed as beds
import host
import jobs
import test_redirect
import wayland_world as world

PANEL = {"name": "panel", "type": "wayland"}
USER = 1000
LXC_LINES = ["lxc.mount.entry = tmpfs dev/shm tmpfs rw,create=dir 0 0"]  # an OCI engine makes one by itself


@pytest.fixture
def desktop(bed):
    with world.running(world.WestonOnX(f"weston-{bed.mark}")) as one:
        yield one


@pytest.fixture(params=["runc", "crun", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


def as_user(config):
    config["process"]["user"] = {"uid": USER, "gid": USER}


def kiosk(bed, engine, desktop, args, wish=None, env=(), name="kiosk", roles=None, **more):
    """A container with the host's programs, read only, that asks for a panel."""
    offer = {**PANEL, "socket": str(desktop.socket), **({"roles": roles} if roles else {})}
    bed.host_services("panel.json", beds.services(offer))
    wish = {"name": "panel", **(wish if wish is not None else {"target": "/run/wayland-0"})}
    env = list(env) or ["WAYLAND_DISPLAY=/run/wayland-0", "XDG_RUNTIME_DIR=/tmp"]
    environment = [f"{k}={v}" for k, v in world.environment().items() if k != "PATH"]
    c = bed.container(name, args, run=beds.requires(wish), readonly=True, tmpfs=["/run", "/tmp"],
                      env=[*env, *environment], mounts=[("/usr", "/usr", ["ro"]), ("/etc/fonts", "/etc/fonts", ["ro"])],
                      edit_oci=as_user, lxc_lines=[*LXC_LINES, f"lxc.init.uid = {USER}", f"lxc.init.gid = {USER}"], **more)
    for directory in ("usr", "etc/fonts", "run/user"):
        (c.root / directory).mkdir(parents=True, exist_ok=True)
    for link in ("lib", "lib64"):
        (c.root / link).symlink_to(f"usr/{link}")
    return c


def test_a_client_draws_and_is_known_to_the_shim(bed, engine, desktop):
    before = desktop.settled()
    c = kiosk(bed, engine, desktop, ["/usr/bin/weston-simple-shm"])
    jobs.started(engine, c)
    drawn = host.wait_until(lambda: world.changed(before, desktop.pixels()) > 50_000, 15, 0.2)
    assert drawn, c.console_text() + bed.log_text()
    engine.stop(c)
    assert host.wait_until(lambda: world.changed(before, desktop.pixels()) < 50_000, 10, 0.2), "it stayed"


NAMELESS = ["XDG_RUNTIME_DIR=/nowhere"]  # so that no client finds a display by itself


def test_a_client_gets_its_display_by_descriptor_in_a_container(bed, engine, desktop):
    """A launcher in the image asks the rendezvous, which says what it hands over; a person's words do the same."""
    words = "/bin/xc-inject exec panel=fd:panel -- /bin/sh -c 'echo $WAYLAND_SOCKET $XC_PANEL_FD; exec /usr/bin/wayland-info'"
    c = kiosk(bed, engine, desktop, ["/bin/sh", "-c", f"{words} > /out/info 2>&1; exec /bin/sleep 600"],
              wish={"target": "fd:panel"}, env=NAMELESS)
    shutil.copy(beds.INJECT, c.root / "bin/xc-inject")
    jobs.started(engine, c)
    info = c.out / "info"
    assert host.wait_until(lambda: info.exists() and "xdg_wm_base" in info.read_text(), 15), info.read_text()
    assert info.read_text().startswith("3 3\n"), info.read_text()
    for word in ("panel=fd:panel", "panel"):
        done = subprocess.run([beds.INJECT, "exec", "--state", bed.state, "--config", bed.config, "--container", c.name, word,
                               "--", "/bin/sh", "-c", "echo $WAYLAND_SOCKET $XC_PANEL_FD; exec /usr/bin/wayland-info"],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.startswith("3 3\n") and "xdg_wm_base" in done.stdout, done


def test_a_client_gets_its_display_by_descriptor_on_the_host(bed, desktop):
    bed.host_services("panel.json", beds.services({**PANEL, "socket": str(desktop.socket)}))
    done = subprocess.run([beds.INJECT, "exec", "--state", bed.state, "--config", bed.config, "panel", "--", "/bin/sh", "-c",
                           "echo $WAYLAND_SOCKET $XC_PANEL_FD; exec wayland-info"], capture_output=True, text=True,
                          timeout=60, check=False, env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": "/nowhere"})
    assert done.stdout.startswith("3 3\n") and "xdg_wm_base" in done.stdout, done


def test_a_person_types_into_a_terminal_in_a_container(bed, desktop):
    engine = bed.engines["runc"]
    script = "echo ready > /out/typed; read line; echo $line > /out/typed; sleep 600"
    before = desktop.settled()
    c = kiosk(bed, engine, desktop, ["/usr/bin/foot", "--fullscreen", "sh", "-c", script])
    jobs.started(engine, c)
    typed = c.out / "typed"
    assert host.wait_until(lambda: typed.exists() and typed.read_text() == "ready\n", 15), c.console_text()
    assert host.wait_until(lambda: world.changed(before, desktop.pixels()) > 500_000, 10, 0.2), "no window"
    assert desktop.type("from outside", lambda: typed.read_text() == "from outside\n"), typed.read_text()


@pytest.mark.parametrize("env", [["XDG_RUNTIME_DIR=/run/user"], ["XDG_RUNTIME_DIR=/run/user", "WAYLAND_DISPLAY=wayland-7"],
                                 ["WAYLAND_DISPLAY=/dev/shm/display", "XDG_RUNTIME_DIR=/tmp"]])
def test_a_link_without_a_target_appears_where_the_environment_sends_clients(bed, desktop, env):
    engine = bed.engines["runc"]
    c = kiosk(bed, engine, desktop, ["/bin/sh", "-c", "exec /usr/bin/wayland-info > /out/info 2>&1"], wish={}, env=env)
    outcome = engine.run(c)
    info = (c.out / "info").read_text()
    assert outcome.code == 0 and "xdg_wm_base" in info, outcome.output + info + bed.log_text()


def test_host_policy_and_provider_bound_what_a_container_sees(bed, desktop):
    engine = bed.engines["runc"]
    bed.policy("p.json", {"#spec": "xconnect-policy@1", "allow": [
        {"consumer": "*", "service": "panel", "roles": {"*": {"wayland": {"roles": ["game"], "remove": ["wl_output"]}}}}]})
    c = kiosk(bed, engine, desktop, ["/bin/sh", "-c", "exec /usr/bin/wayland-info > /out/info 2>&1"],
              roles={"any": {"wayland": ["game", "input"]}})
    outcome = engine.run(c)
    shown = (c.out / "info").read_text()
    assert outcome.code == 0, shown + bed.log_text()
    assert "zwp_pointer_constraints_v1" in shown and "'wl_seat'" in shown
    assert "'wl_output'" not in shown and "zwp_input_method_v1" not in shown


def test_a_client_is_told_when_there_is_no_compositor(bed, desktop):
    engine = bed.engines["runc"]
    c = kiosk(bed, engine, desktop, ["/bin/sh", "-c", "/usr/bin/wayland-info > /out/info 2>&1; true"])
    desktop.processes[-1].kill()
    desktop.processes[-1].wait()
    assert engine.run(c).code == 0
    assert "this display" in (c.out / "info").read_text(), (c.out / "info").read_text()


def test_a_container_is_sandboxed_for_the_compositor_too(bed):
    """A Weston that offers security contexts learns the container's name, and hides from it what it hides from the sandboxed."""
    from test_wayland_context import HIDDEN, Weston
    engine = bed.engines["runc"]
    with world.running(Weston(f"guarded-{bed.mark}")) as weston:
        c = kiosk(bed, engine, weston, ["/bin/sh", "-c", "/usr/bin/wayland-info > /out/info 2>&1; /bin/sleep 600"])
        jobs.started(engine, c)
        info = c.out / "info"
        assert host.wait_until(lambda: info.exists() and "wl_shm" in info.read_text(), 15), info.read_text() + bed.log_text()
        assert HIDDEN not in info.read_text()
        engine.stop(c)
        said = weston.said()[0].split()  # "io.xconnect", its name, its entry
        assert said[0] == "io.xconnect" and said[1].endswith("kiosk") and said[2].startswith(said[1] + ".")
        assert host.wait_until(lambda: weston.said()[-1] == f"end of {said[1]}", 5), weston.said()


def draws(desktop, before):
    return host.wait_until(lambda: world.changed(before, desktop.pixels()) > 50_000, 15, 0.2)


def test_a_client_whose_display_is_no_file_at_all(bed, desktop):
    """connect:/path with an unmodified client, as user 1000, in a read-only root without any tmpfs of its own."""
    engine = bed.engines["runc"]
    before = desktop.settled()
    c = kiosk(bed, engine, desktop, ["/usr/bin/weston-simple-shm"], wish={"target": "connect:/magic/wayland-0"},
              env=["WAYLAND_DISPLAY=/magic/wayland-0", "XDG_RUNTIME_DIR=/tmp"])
    c.tmpfs = []
    test_redirect.redirected(bed, c)
    jobs.started(engine, c)
    assert draws(desktop, before), c.console_text() + bed.log_text()


def test_a_client_in_a_container_is_given_its_connection(bed, desktop):
    """WAYLAND_SOCKET, and no WAYLAND_DISPLAY."""
    engine = bed.engines["runc"]
    before = desktop.settled()
    c = kiosk(bed, engine, desktop, ["sleep", "600"], wish={"target": "fd:panel"}, env=["XDG_RUNTIME_DIR=/tmp"])
    jobs.started(engine, c)
    command = [beds.INJECT, "exec", "--state", bed.state, "--config", bed.config, "--container", c.name, "panel", "--",
               "/usr/bin/weston-simple-shm"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as person:
        drawn = draws(desktop, before)
        person.kill()
        assert drawn, person.stdout.read()


def test_a_program_of_the_host_is_given_its_connection(bed, desktop):
    bed.host_services("panel.json", beds.services({**PANEL, "socket": str(desktop.socket)}))
    before = desktop.settled()
    command = [beds.INJECT, "exec", "--state", bed.state, "--config", bed.config, "panel", "--",
               "/usr/bin/weston-simple-shm"]
    with subprocess.Popen(command, env={"PATH": "/usr/bin", "XDG_RUNTIME_DIR": "/tmp"}) as person:
        drawn = draws(desktop, before)
        person.send_signal(signal.SIGTERM)
        person.wait(60)
    assert drawn
