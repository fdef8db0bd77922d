"""The compositor's own wall behind ours: a Weston that offers wp_security_context_v1 (tests/weston) knows what comes through
a link as sandboxed; one that offers it and does not keep its word lets nobody past."""

import os
import time

import pytest

import bed as beds
import host
import wayland_wire as wire
import wayland_world as world

MODULE = beds.BUILD / "tests/xc-weston-context.so"
HIDDEN = "wp_presentation"  # the module hides it from the sandboxed
MANAGER = "wp_security_context_manager_v1"


class Weston(world.Weston):
    def __init__(self, name, how=""):
        os.environ.pop("XC_CONTEXT", None)
        self.how = how
        super().__init__(name, f"--modules={MODULE}")

    def launch(self, argv, env=(), ready=None, **options):
        return super().launch(argv, {**dict(env), "XC_CONTEXT": self.how}, ready, **options)

    def said(self):
        text = (self.directory / "log").read_text(errors="replace")
        return [line.removeprefix("context: ") for line in text.splitlines() if line.startswith("context: ")]


def serves(link):
    """A client gets all it needs, and is not refused any more."""
    try:
        return wire.works(link.socket)
    except (wire.Closed, OSError):
        return False


@pytest.fixture(scope="module")
def weston():
    with world.running(Weston("guarded")) as one:
        yield one


def test_clients_of_a_link_are_sandboxed_for_the_compositor_too(weston):
    with world.running(world.Mediator(weston, client="panel")) as link:
        direct, shown = world.globals_of(weston), world.globals_of(link)
        again = world.globals_of(link)
    assert {HIDDEN, MANAGER} <= set(direct)
    assert "wl_compositor" in shown and not {HIDDEN, MANAGER} & set(shown) and shown == again
    said = weston.said()
    assert said[0] == "io.xconnect panel panel"
    assert said.count("io.xconnect panel panel") == 1, "one context serves the link"
    assert said.count("a client of panel") == 3, "its first visitor is the herald"
    assert host.wait_until(lambda: weston.said()[-1] == "end of panel", 5), "the link ended, and its context did not"


def test_the_name_that_the_link_pins_is_the_one_that_counts(weston):
    with world.running(world.Mediator(weston, '{"app-id": {"pin": "box.{client}"}}', client="kiosk")) as link:
        assert HIDDEN not in world.globals_of(link)
    assert "io.xconnect box.kiosk kiosk" in weston.said()


def test_real_clients_live_behind_both_walls_and_nothing_is_left_in_the_file_system(weston):
    with world.running(world.Mediator(weston)) as link:
        before = set(os.listdir(weston.directory))
        clients = [world.Client(link, name) for name in ("weston-simple-shm", "weston-flower", "gtk3-widget-factory")]
        time.sleep(2)
        assert [c.alive() for c in clients] == [True] * 3, [c.output.read_text() for c in clients]
        for client in clients:
            client.stop()
        left = {name for name in set(os.listdir(weston.directory)) - before if not name.startswith("out-")}
        assert left == set()
        assert host.wait_until(lambda: len(host.named("xc-worker")) == 1), "the herald is gone"


def test_a_compositor_that_was_started_anew_is_asked_anew():
    with world.running(Weston("renewed")) as renewed, world.running(world.Mediator(renewed)) as link:
        assert wire.works(link.socket)
        with wire.Peer(link.socket) as peer:
            peer.socket.settimeout(60)
            renewed.processes[0].terminate()
            assert peer.fate() is None
        renewed.processes[0].wait()
        renewed.launch(["weston", "--backend=headless-backend.so", "--use-pixman", "--no-config", "--socket=wayland-0",
                        f"--modules={MODULE}"], ready=lambda: world.accepts(renewed.socket))
        assert host.wait_until(lambda: serves(link), 5)
        with wire.Peer(link.socket) as peer:
            assert HIDDEN not in peer.globals
        assert renewed.said().count("io.xconnect panel panel") == 2


def test_one_that_is_started_anew_without_contexts_serves_without():
    with world.running(Weston("plainer")) as plainer, world.running(world.Mediator(plainer)) as link:
        assert wire.works(link.socket)
        plainer.processes[0].terminate()
        plainer.processes[0].wait()
        plainer.launch(["weston", "--backend=headless-backend.so", "--use-pixman", "--no-config", "--socket=wayland-0"],
                       ready=lambda: world.accepts(plainer.socket))
        assert host.wait_until(lambda: serves(link), 5)
        with wire.Peer(link.socket) as peer:
            assert HIDDEN in peer.globals


@pytest.mark.parametrize("how", ["refuse", "leave", "deaf", "silent"])
def test_a_context_that_is_offered_and_not_given_refuses_the_client(how):
    with world.running(Weston(f"bad-{how}", how)) as weston, world.running(world.Mediator(weston)) as link:
        began = time.monotonic()
        with wire.Peer(link.socket, registry=False) as peer:
            peer.socket.settimeout(60)
            about, code, text = peer.fate()
        assert (about, code, text) == (wire.DISPLAY, 3, "this display could not be reached")
        assert time.monotonic() - began < 25
        assert "a client of panel" not in weston.said() and weston.alive()
        assert host.named("xc-worker"), "a worker told the client"


def test_a_context_that_ends_by_itself_lets_nobody_past():
    with world.running(Weston("brief-one", "brief")) as weston, world.running(world.Mediator(weston)) as link:
        for _ in range(2):
            with wire.Peer(link.socket, registry=False) as peer:
                peer.socket.settimeout(60)
                assert peer.fate() == (wire.DISPLAY, 3, "this display could not be reached")

        def visits_and_contexts():
            said = weston.said()
            return said.count("a client of panel"), said.count("io.xconnect panel panel")

        assert host.wait_until(lambda: len(set(visits_and_contexts())) == 1), visits_and_contexts()
        assert weston.alive()
