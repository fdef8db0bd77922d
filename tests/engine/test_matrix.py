"""Every engine with every sort of link: what works, and what is refused in which words. The rows of README's table are
made of what this file records (matrix.py)."""

import subprocess
import time

import pytest

import bed as beds
import dbus_wire
import engines
import host
import matrix
import podman
import rootless
import versions
import wayland_wire
import wayland_world
from dbus_bus import Daemon
from dbus_world import Service
from jobs import client, started
from pantavisor import Device
from vchan_cat import cat, talk, with_cat

HERE = "/run/matrix/"
OFFERS = [{"name": "api", "type": "rest", "socket": HERE + "api"},
          {"name": "raw", "type": "unix", "socket": HERE + "raw", "roles": {"any": {"unix": {"fds": 28}}}},
          {"name": "bus", "type": "dbus", "socket": HERE + "bus"},
          {"name": "gui", "type": "vchan", "domain": 5, "port": 6000, "socket": HERE + "vchan"},
          {"name": "panel", "type": "wayland", "socket": HERE + "panel"},
          {"name": "fuse", "type": "char", "socket": "/dev/fuse"}]
WISHES = [{"name": "api", "type": "rest", "target": "/run/svc/api"}, {"name": "raw", "target": "/run/svc/raw"},
          {"name": "raw", "target": "@raw"}, {"name": "bus", "type": "dbus", "target": "/run/svc/bus"},
          {"name": "gui", "type": "vchan", "domain": 7, "server": 5, "port": 6000},
          {"name": "panel", "type": "wayland", "target": "/run/svc/panel"},
          {"name": "fuse", "type": "char", "target": "/dev/fuse"}]
VARIANTS = {"": {}, "user namespace": {"idmap": True}, "read-only": {"readonly": True}}
SHARED = "abstract endpoint with host network"
READ_ONLY = "the container's file system is read-only there"
POD = "abstract endpoint with shared network"
ENGINES = {"runc": "runc", "runc-v2": "runc", "crun": "crun", "podman-crun-here": "podman", "podman-runc": "podman",
           "rootless-crun": "podman", "rootless-runc": "podman", "lxc0": "lxc", "lxc": "lxc", "lxc-v2": "lxc", "pantavisor": "lxc",
           **({"runc-v1": "runc", "crun-v1": "crun", "lxc-v1": "lxc"} if engines.HYBRID else {})}
if versions.is_older("runc", "1.1"):  # it makes no group where an ordinary user may
    del ENGINES["rootless-runc"]
PODS = [engine for engine in ENGINES if engine.startswith("podman")]
# What is refused, and in which words.
REFUSED = {("pantavisor", "", "abstract name"): SHARED,
           # OCI engines call us before they make the root read-only, LXC and crun 0 after; the tests' image has no /var/run of its own.
           **{(engine, "read-only", "vchan"): READ_ONLY for engine in ENGINES
              if ENGINES[engine] == "lxc" or ("crun" in engine and versions.is_older("crun", "1.0"))},
           **{(engine, "pod", "abstract name"): POD for engine in PODS}}
# A device of Pantavisor has containers of one sort, and an ordinary user's are all in a user namespace.
CASES = [(engine, variant) for engine in ENGINES for variant in VARIANTS
         if not (engine == "pantavisor" and variant) and not (engine.startswith("rootless") and variant == "user namespace")]
CASES += [(engine, "pod") for engine in PODS]


@pytest.fixture(scope="module")
def users_room():
    one = rootless.Room()
    yield one
    one.leave()


@pytest.fixture(scope="module")
def services(users_room):  # whose user a bus must know
    """One of each sort on the host, for all rows."""
    subprocess.run(["mkdir", "-p", HERE + "vchan"], check=True)
    provider = subprocess.Popen([beds.BUILD / "tests/xc-test-provider", "--rest", HERE + "api", "--raw", HERE + "raw"],
                                stdout=subprocess.DEVNULL)
    assert host.wait_until(lambda: all(wayland_world.accepts(HERE + name) for name in ("api", "raw")), 5)
    bus = Daemon(HERE)
    named = Service(bus.path, ["org.pv.Allowed"])
    panel = wayland_world.Weston("matrix")
    for path in (HERE + "api", HERE + "raw", HERE + "bus", panel.socket):
        subprocess.run(["chmod", "666", path], check=True)  # for an ordinary user, too
    subprocess.run(["chmod", "755", panel.socket.parent], check=True)
    yield {"panel": str(panel.socket)}
    named.stop()
    bus.stop()
    panel.stop()
    provider.kill()
    provider.wait()


@pytest.fixture
def engine(bed, room, users_room, name):
    if name.startswith("rootless"):
        bed.engines = {name: rootless.Podman(users_room, name.removeprefix("rootless-"))}
        return bed.engines[name]
    if name.startswith("podman"):
        return podman.serving_bed(bed, room, name.removeprefix("podman-"))
    if name == "pantavisor":
        return Device(bed).engine
    others = {"lxc-v2": lambda: engines.Lxc(name, 1, engines.PURE_V2), "lxc-v1": lambda: engines.Lxc(name, 1, engines.PURE_V1),
              "runc-v1": lambda: engines.Oci(name, "runc", engines.PURE_V1),
              "crun-v1": lambda: engines.Oci(name, "crun", engines.PURE_V1, engines.crun_environment())}
    if name in others:
        bed.engines = {name: others[name]()}
    return bed.engines[name]


@pytest.fixture
def pod(bed, engine, variant):
    """Its name in podman's words; nothing for a container of another sort."""
    if variant != "pod":
        yield []
        return
    engine.make_pod(f"{bed.mark}-pod")
    yield ["--pod", f"{bed.mark}-pod"]
    engine.remove_pod(f"{bed.mark}-pod")


# --- probes: what a program in the container sees -------------------------------------------------------------------------

def over_rest(_engine, _c, pid):
    return '"role":"any"' in client(pid, "get", "/run/svc/api", "/x")


def over_raw(_engine, _c, pid):
    return "descriptor: seen" in client(pid, "pass", "/run/svc/raw", "seen")


def over_name(engine, c, _pid):
    return "hello" in engine.execute(c, "/bin/xc-test-client", "echo", "@raw", "hello").output


def over_dbus(_engine, _c, pid):
    with dbus_wire.Peer(f"/proc/{pid}/root/run/svc/bus") as peer:
        return peer.ask("org.pv.Allowed", "Do", interface="org.any").args() == ["org.pv.Allowed"]


def over_wayland(_engine, _c, pid):
    with wayland_wire.Peer(f"/proc/{pid}/root/run/svc/panel") as peer:
        return "xdg_wm_base" in peer.globals


def over_vchan(_engine, _c, pid):
    with cat(0, 5, "server", 7, 6000, variables={"VCHAN_SOCKET_DIR": HERE + "vchan"}, umask=0) as server, \
            cat(pid, 7, "client", 5, 6000) as client:
        talk(server, client, 1)
        return True


def at_device(engine, c, _pid):
    return "open" in engine.execute(c, "/bin/sh", "-c", "(: <>/dev/fuse) 2>&1 && echo open").output.splitlines()


PROBES = {"rest": (over_rest, "/run/svc/api"), "unix, descriptors": (over_raw, "/run/svc/raw"),
          "abstract name": (over_name, "@raw"), "dbus": (over_dbus, "/run/svc/bus"),
          "wayland": (over_wayland, "/run/svc/panel"), "vchan": (over_vchan, "gui"),
          "device node": (at_device, "fuse")}


def outcome_of(probe, place, text, *arguments):
    """"works", or the sentence that refused it."""
    for line in text.splitlines():
        if f'"{place}"' in line or f"service {place} is left out" in line:
            return "refused: " + line.split(": ", 4)[-1].split("; it is optional")[0]
    return "works" if probe(*arguments) else "fails"


@pytest.mark.parametrize("name, variant", CASES, ids=[" ".join(filter(None, case)) for case in CASES])
def test_each_sort_of_link(bed, engine, pod, services, name, variant, record_property):
    offers = [{**offer, "socket": services.get(offer["name"], offer["socket"])} for offer in OFFERS]
    bed.host_services("all.json", beds.services(*offers))
    lines = [f"lxc.cgroup{v}.devices.{rule}" for v in ("", "2") for rule in (
        "deny = a", "allow = c *:* m", "allow = c 1:* rwm", "allow = c 5:* rwm", "allow = c 136:* rwm")]
    c = with_cat(bed.container("one", run=beds.requires(optional=WISHES), lxc_lines=lines, podman_words=pod,
                               **VARIANTS.get(variant, {})))
    began = time.monotonic()
    pid = started(engine, c)
    took = round((time.monotonic() - began) * 1000)
    text = bed.log_text()
    cells = {what: outcome_of(probe, place, text, engine, c, pid) for what, (probe, place) in PROBES.items()}
    record_property(matrix.KEY, {"engine": name, "version": versions.of(ENGINES[name]), "variant": variant,
                                 "system": matrix.system(), "groups": matrix.layout_of(name), "start_ms": took, "links": cells})
    expected = {what: REFUSED.get((name, variant, what), "works") for what in PROBES}
    for what, words in expected.items():
        assert words in cells[what], f"{what}: {cells[what]}\n{text}"
