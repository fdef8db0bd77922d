"""Real clients live through the mediator: on Weston with a seat, on Weston without one, on sway."""

import time

import pytest

import host
import wayland_world as world

MATRIX = """weston-simple-shm weston-flower weston-terminal weston-smoke weston-subsurfaces weston-stacking weston-dnd
weston-cliptest weston-clickdot weston-eventdemo weston-resizor weston-scaler weston-transformed weston-fullscreen
weston-confine weston-editor weston-presentation-shm weston-simple-damage weston-simple-touch weston-multi-resource foot
gtk3-widget-factory gtk3-demo gtk3-icon-browser""".split()
NESTED = ["weston", "--backend=wayland-backend.so", "--use-pixman", "--no-config", "--socket=nested", "--width=320",
          "--height=200"]


@pytest.fixture(scope="module")
def desktop():
    with world.running(world.WestonOnX()) as one:
        yield one


@pytest.fixture(scope="module")
def mediated(desktop):
    with world.running(world.Mediator(desktop)) as one:
        yield one


@pytest.fixture(scope="module")
def matrix(mediated):
    """All of them at once, as on a busy desktop: {name: still alive after some seconds}."""
    clients = [world.Client(mediated, name) for name in MATRIX] + [world.Client(mediated, *NESTED)]
    time.sleep(6)
    seen = {" ".join(c.argv[:1]): (c.alive(), c.output.read_text(errors="replace")) for c in clients}
    for client in clients:
        client.stop()
    return seen


@pytest.mark.parametrize("name", [*MATRIX, "weston"])
def test_a_real_client_lives_through_the_mediator(matrix, name):
    alive, output = matrix[name]
    assert alive, output[-2000:]


def test_the_compositor_lives_as_well(matrix, desktop):
    assert len(matrix) >= 24 and desktop.alive(), desktop.log()


def test_what_a_client_draws_appears(desktop, mediated):
    before = desktop.settled()
    with world.running(world.Client(mediated, "weston-simple-shm"), world.Client(mediated, "weston-smoke")):
        assert host.wait_until(lambda: world.changed(before, desktop.pixels()) > 100_000, 20, 0.2), "nothing was drawn"
    assert host.wait_until(lambda: world.changed(before, desktop.pixels()) < 100_000, 20, 0.2), "it stayed"


def test_what_a_person_types_arrives_in_a_mediated_terminal(desktop, mediated):
    result = mediated.directory / "typed"
    before = desktop.settled()
    with world.running(world.Client(mediated, "foot", "--fullscreen", "sh", "-c", f"echo ready > {result}; read line; echo $line > {result}")):
        assert host.wait_until(lambda: result.exists() and result.read_text() == "ready\n", 10)
        assert host.wait_until(lambda: world.changed(before, desktop.pixels()) > 500_000, 10, 0.2), "no window"
        text = "hello from outside"
        assert desktop.type(text, lambda: result.read_text() == text + "\n"), result.read_text()


def test_a_client_finds_its_socket_by_name_in_its_runtime_directory(desktop, mediated):
    code, output = world.run(mediated, "env", f"XDG_RUNTIME_DIR={mediated.directory}",
                             f"WAYLAND_DISPLAY={mediated.socket.name}", "wayland-info", timeout=60)
    assert code == 0 and "xdg_wm_base" in output


def test_globals_are_those_of_the_role_and_no_newer_than_the_tables(desktop, mediated):
    direct, shown = world.globals_of(desktop), world.globals_of(mediated)
    assert {"wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat", "wl_output"} <= set(shown)
    assert all(shown[name] <= direct[name] for name in shown)
    assert set(direct) - set(shown) >= {"weston_desktop_shell", "zwp_input_panel_v1", "zwp_linux_dmabuf_v1"} & set(direct)


@pytest.mark.parametrize("role, visible, hidden", [
    ("base", {"wl_shm"}, {"wl_seat", "zwp_pointer_constraints_v1"}),
    ("ui", {"wl_shm", "wl_seat"}, {"zwp_pointer_constraints_v1"}),
    ("game", {"wl_shm", "wl_seat", "zwp_pointer_constraints_v1"}, {"zwp_input_method_v1"}),
    ("input", {"wl_shm", "wl_seat", "zwp_input_method_v1"}, {"zwp_pointer_constraints_v1"})])
def test_a_role_shows_its_globals(desktop, role, visible, hidden):
    with world.running(world.Mediator(desktop, f'"{role}"')) as link:
        shown = set(world.globals_of(link))
    assert visible <= shown and not hidden & shown


def test_policy_adds_and_removes_globals(desktop):
    rules = '{"roles": "ui", "add": ["zwp_pointer_constraints_v1"], "remove": ["wl_data_device_manager"]}'
    with world.running(world.Mediator(desktop, rules)) as link:
        shown = set(world.globals_of(link))
    assert "zwp_pointer_constraints_v1" in shown and "wl_data_device_manager" not in shown


def test_clients_live_on_a_compositor_without_a_seat():
    with world.running(world.Weston()) as weston, world.running(world.Mediator(weston)) as link:
        clients = [world.Client(link, name) for name in ("weston-simple-shm", "weston-flower", "gtk3-widget-factory")]
        time.sleep(3)
        assert [c.alive() for c in clients] == [True] * 3
        for client in clients:
            client.stop()


def test_clients_live_on_sway_and_carry_the_name_the_link_gives_them():
    import json
    import subprocess
    rules = '{"app-id": {"pin": "box.{client}"}, "title": {"prefix": "[{client}] "}}'
    with world.running(world.Sway()) as sway, world.running(world.Mediator(sway, rules, "kiosk")) as link:
        with world.running(world.Client(link, "foot", "--app-id=org.gnome.Settings", "--title=Settings", "sleep", "100000"),
                           world.Client(link, "gtk3-demo")) as clients:
            assert host.wait_until(lambda: list(sway.directory.glob("sway-ipc.*")), 5)
            ipc = next(sway.directory.glob("sway-ipc.*"))

            def windows():
                tree = json.loads(subprocess.run(["swaymsg", "-s", ipc, "-t", "get_tree"], capture_output=True,
                                                 check=True).stdout)
                found, todo = [], [tree]
                while todo:
                    node = todo.pop()
                    todo += node["nodes"]
                    if node.get("app_id") or node.get("pid"):
                        found.append((node["app_id"], node["name"]))
                return sorted(found, key=str)

            assert host.wait_until(lambda: len(windows()) == 2 and all(name for _, name in windows()), 15), windows()
            time.sleep(1)
            assert all(client.alive() for client in clients)
            assert {app_id for app_id, _ in windows()} == {"box.kiosk"}
            assert ("box.kiosk", "[kiosk] Settings") in windows()
