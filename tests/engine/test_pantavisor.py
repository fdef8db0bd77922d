"""Pantavisor's own test plans on our hooks: its example containers with their service names, places and roles, laid out
as on a device; and what its manifests and its bus mean to us."""

import contextlib
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

import bed as beds
import dbus_wire as wire
import host
import wayland_world
from dbus_bus import wait_for
from dbus_house import HERE, PROGRAMS, environment
from dbus_world import DENIED, UNKNOWN, Service
from jobs import client, get, has, refused, serving, started
from pantavisor import HOSTED_BUS, PV_CTRL, Device, exports

RAW = {"name": "raw-unix", "type": "unix", "socket": "/run/example/raw.sock"}
REST = {"name": "network-manager", "type": "rest", "socket": "/run/nm/api.sock"}
BUS = {"name": "system-bus", "type": "dbus", "socket": "/run/dbus/system_bus_socket"}
PANEL = {"name": "wayland-0", "type": "wayland", "socket": "/run/wayland-0"}
CARD = {"name": "drm-master", "role": "master", "target": "/dev/dri/card0"}
AT = "/run/pv/services/"
BUS_AT = "/run/dbus/system_bus_socket"


@pytest.fixture(params=[("embedded", 0), ("appengine", 1)], ids=["embedded", "appengine"])
def device(request, bed):
    """pv-ctrl is there, and no hook and no shim may ever call it."""
    Path(PV_CTRL).parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(PV_CTRL)
        control.listen()
        control.setblocking(False)
        one = Device(bed, *request.param)
        yield one
        one.engine.hook_version = 0
        with pytest.raises(BlockingIOError):
            control.accept()
    os.unlink(PV_CTRL)


@pytest.fixture
def embedded(bed):
    return Device(bed)


def program(*words):
    return ["sh", "-c", "mkdir -p /run/example /run/nm && exec xc-test-provider " + " ".join(words)]


# --- the plans ----------------------------------------------------------------------------------------------------------

def test_plan_unix(device):
    run = device.engine
    server = device.container("unix-server", program("--raw", RAW["socket"]), services=exports(RAW))
    consumer = device.container("unix-client", ["sleep", "600"], required=[{"name": "raw-unix", "type": "unix",
                                                                           "target": AT + "raw-unix.sock"}])
    serving(run, server)
    pid = started(run, consumer)
    assert "hello" in client(pid, "echo", AT + "raw-unix.sock", "hello")


def test_plan_rest(device):
    run = device.engine
    serving(run, device.container("rest-server", program("--rest", REST["socket"]), services=exports(REST)))
    consumer = device.container("rest-client", ["sleep", "600"], required=[{"name": "network-manager", "role": "viewer"}])
    answer = get(started(run, consumer), "/status", socket=AT + "network-manager.sock")
    assert (answer["client"], answer["role"]) == (consumer.name, "viewer")


def test_plan_dbus(device):
    run = device.engine
    argv = ["/usr/bin/python3", str(HERE / "dbus_house.py"), "dbus-daemon", "org.pv.Allowed"]
    offer = {**BUS, "socket": "/run/bus/bus"}
    more = {"mounts": [*PROGRAMS, (HERE.parent, str(HERE.parent), ["ro"])], "env": environment()}
    serving(run, device.container("dbus-server", argv, services=exports(offer), **more))
    consumers = [device.container(f"dbus-client-{role}", ["sleep", "600"], required=[{"name": "system-bus", "role": role}])
                 for role in ("root", "nobody")]
    for consumer in consumers:
        with wire.Peer(f"/proc/{started(run, consumer)}/root{BUS_AT}") as peer:
            assert peer.ask("org.pv.Allowed", "Do", interface="org.any").args() == ["org.pv.Allowed"]


def test_plan_wayland(device):
    run = device.engine
    more = {"mounts": [("/usr", "/usr", ["ro"]), ("/usr/lib", "/lib", ["ro"]), ("/usr/lib64", "/lib64", ["ro"]),
                       ("/etc/fonts", "/etc/fonts", ["ro"])]}
    environ = [f"{k}={v}" for k, v in wayland_world.environment().items() if k != "PATH"]
    argv = ["/usr/bin/weston", "--backend=headless-backend.so", "--socket=wayland-0", "--idle-time=0"]
    server = device.container("wayland-server", argv, optional=[CARD], services=exports(PANEL),
                              env=[*environ, "XDG_RUNTIME_DIR=/run"], **more)
    consumer = device.container("wayland-client", ["sleep", "600"], required=[{"name": "wayland-0"}], **more)
    pid = started(run, server)
    assert host.wait_until(lambda: has(pid, "/run/wayland-0", "-S"), 10), server.console_text()
    shown = beds.inside(started(run, consumer), "/usr/bin/env", "XDG_RUNTIME_DIR=/run", "WAYLAND_DISPLAY=wayland-0",
                        "/usr/bin/wayland-info", timeout=60)
    assert shown.code == 0 and "xdg_wm_base" in shown.output, shown.output


@pytest.mark.parametrize("role, node", [("master", "card0"), ("render", "renderD128")])
def test_plan_drm_on_a_device_without_a_display(embedded, bed, role, node):
    """With one, see test_vm_drm.py: nodes need a kernel that has them."""
    run = embedded.engine
    offer = {"name": f"drm-{role}", "type": "drm", "socket": f"/dev/dri/{node}"}
    started(run, embedded.container("drm-provider", ["sleep", "600"], services=exports(offer)))
    wish = {"name": offer["name"], "role": role, "target": offer["socket"]}
    easy = started(run, embedded.container("drm-easy", ["sleep", "600"], optional=[wish]))
    assert not has(easy, offer["socket"])
    refused(bed, run, embedded.container(f"drm-{role}", ["sleep", "600"], required=[wish]), "is not there")


def test_the_printed_argument_of_pvr_is_all_that_a_container_needs(device, bed):
    said = subprocess.run([beds.INJECT, "hooks", "print", "pantavisor", "--hook", beds.HOOK], capture_output=True, text=True,
                          check=True).stdout
    extra = json.loads("{" + said + "}")["PV_LXC_EXTRA_CONF"].splitlines()
    lines = [" ".join([line, *bed.hook()[1:]]) for line in extra]
    consumer = device.container("dialer", ["sleep", "600"], required=[{"name": "raw-unix"}], hook=[], lxc_lines=lines)
    assert has(started(device.engine, consumer), AT + "raw-unix.sock", "-S")


def test_what_pv_xconnect_does_to_a_target_does_no_harm(device):
    """It unlinks it and binds a socket of its own there."""
    run = device.engine
    serving(run, device.container("unix-server", program("--raw", RAW["socket"]), services=exports(RAW)))
    pid = started(run, device.container("unix-client", ["sleep", "600"], required=[{"name": "raw-unix"}]))
    assert beds.inside(pid, "rm", "-f", AT + "raw-unix.sock").code != 0
    assert "hello" in client(pid, "echo", AT + "raw-unix.sock", "hello")


# --- what manifests mean --------------------------------------------------------------------------------------------------

def test_a_provider_may_come_later_and_go_and_the_first_form_of_services_json_counts(device):
    run = device.engine
    server = device.container("unix-server", program("--raw", RAW["socket"]), services=[RAW])
    consumer = device.container("unix-client", ["sleep", "600"], required=[{"name": "raw-unix"}])
    pid = started(run, consumer)
    for _ in range(2):
        serving(run, server)
        assert "hello" in client(pid, "echo", AT + "raw-unix.sock", "hello")
        run.stop(server)


def test_a_neighbour_that_is_not_up_tells_the_type(embedded):
    embedded.container("bus", ["sleep", "600"], services=exports(BUS))
    consumer = embedded.container("dialer", ["sleep", "600"], required=[{"name": "system-bus"}])
    assert has(started(embedded.engine, consumer), BUS_AT, "-S")


def test_the_state_document_speaks_for_files_that_are_missing(embedded):
    run = embedded.engine
    server = embedded.container("unix-server", program("--raw", RAW["socket"]), services=exports(RAW))
    consumer = embedded.container("unix-client", ["sleep", "600"], required=[{"name": "raw-unix"}])
    (server.home / "services.json").unlink()
    (consumer.home / "run.json").unlink()
    serving(run, server)
    assert "hello" in client(started(run, consumer), "echo", AT + "raw-unix.sock", "hello")


def test_a_configuration_outside_of_the_trail_is_served_by_the_storage_that_is_named(embedded, bed):
    run = embedded.engine
    hook = bed.hook("--storage", str(embedded.storage))
    consumer = embedded.container("dialer", ["sleep", "600"], required=[{"name": "raw-unix"}], hook=hook)
    run.prepare(consumer)
    aside = bed.home / "aside"
    (consumer.home / "lxc.container.conf").rename(aside)
    said = beds.engines.call(["lxc-start", "-P", run.place, "-n", consumer.name, "-f", aside, "-d"], output=consumer.console)
    assert said.code == 0, said.output
    assert has(run.pid(consumer), AT + "raw-unix.sock", "-S")
    stranger = embedded.container("stranger", ["sleep", "600"], hook=bed.hook("--storage", "/nowhere"))
    (embedded.revision / ".pvr/json").rename(bed.home / "json")
    refused(bed, run, stranger, 'has no trails/current with the container')


def test_required_fails_the_start_and_optional_does_not(embedded, bed):
    run = embedded.engine
    embedded.container("server", ["sleep", "600"], services=exports({**REST, "allow": ["admin"]}))
    wish = {"name": "network-manager", "role": "viewer"}
    assert started(run, embedded.container("easy", ["sleep", "600"], optional=[wish]))
    assert "it is optional, so the container starts without it" in bed.log_text()
    refused(bed, run, embedded.container("strict", ["sleep", "600"], required=[wish]), "does not grant")


def test_a_container_has_one_link_for_each_role_of_a_service(embedded):
    run = embedded.engine
    roles = {"viewer": {"rest": [{"methods": ["GET"], "paths": ["/**"]}]}, "admin": {"rest": "all"}}
    serving(run, embedded.container("server", program("--rest", REST["socket"]), services=exports({**REST, "roles": roles})))
    wishes = [{"name": "network-manager", "role": role, "target": f"{AT}{role}.sock"} for role in roles]
    pid = started(run, embedded.container("dialer", ["sleep", "600"], required=wishes))
    for role in roles:
        assert get(pid, "/x", socket=f"{AT}{role}.sock")["role"] == role


def test_words_of_later_versions_are_tolerated_and_grant_nothing_by_themselves(embedded, bed):
    run = embedded.engine
    offers = exports({"type": "dbus", "bus": "system-bus", "owns": "io.acme.Modem", "role": "modem",
                      "allow": {"dialer": {"interfaces": ["io.acme.Modem"]}, "viewer": {}},
                      "policy": "<allow send_destination='io.acme.Modem'/>", "roles": {"modem": {"uid": 90007}}},
                     {"type": "tcp", "name": "later", "port": 80}, RAW)
    embedded.container("modem", ["sleep", "600"], services=offers)
    wish = {"names": ["io.acme.Modem"], "activation": "on-owner", "role": "dialer"}
    pid = started(run, embedded.container("dialer", ["sleep", "600"], required=[wish, {"name": "raw-unix"}]))
    assert has(pid, AT + "raw-unix.sock", "-S") and not has(pid, BUS_AT)
    assert "asks for bus names" in bed.log_text()


def test_a_neighbours_mistake_is_its_own(embedded, bed):
    run = embedded.engine
    embedded.container("bad", ["sleep", "600"], services=exports({"name": "x", "type": "rest", "socket": 7}))
    embedded.container("bus", ["sleep", "600"], services=exports(BUS))
    one, other = (embedded.container(name, ["sleep", "600"], required=[{"name": "system-bus"}]) for name in ("one", "other"))
    assert has(started(run, one), BUS_AT, "-S")
    assert "/services/0/socket" in bed.log_text()
    (embedded.revision / ".pvr/json").write_text("{")
    assert has(started(run, other), BUS_AT, "-S")
    assert "the state of the revision cannot be used" in bed.log_text()


# --- the bus that Pantavisor runs ------------------------------------------------------------------------------------------

MODEM = {"type": "dbus", "bus": "system-bus", "owns": "io.acme.Modem", "role": "modem", "allow": ["dialer"]}
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type><listen>unix:path={place}/system_bus_socket</listen><auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow receive_type="method_call"/><allow receive_type="signal"/>
    <allow receive_type="method_return"/><allow receive_type="error"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
    <allow send_destination="org.freedesktop.DBus"/></policy>
  <policy user="pv-dbus-modem"><allow own="io.acme.Modem"/></policy>
  <policy user="pv-dbus-dialer"><allow send_destination="io.acme.Modem"/></policy>
</busconfig>
"""


@contextlib.contextmanager
def hosted_bus(uids):
    """dbus-daemon as Pantavisor starts it: default deny, users of the roles in a passwd that only it sees."""
    place = Path(HOSTED_BUS)
    place.mkdir(parents=True)
    (place / "system.conf").write_text(CONFIG.format(place=place))
    (place / "passwd").write_text(Path("/etc/passwd").read_text() + "".join(
        f"pv-dbus-{role}:x:{uid}:{uid}::/:/bin/false\n" for role, uid in uids.items()))
    start = f"mount --bind {place}/passwd /etc/passwd && exec dbus-daemon --config-file={place}/system.conf --nofork --nopidfile"
    process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", start])
    try:
        wait_for(str(place / "system_bus_socket"), process)
        yield
    finally:
        process.terminate()
        process.wait(60)
        subprocess.run(["rm", "-r", "/run/pv"], check=True)


def test_a_role_is_its_uid_on_the_hosted_bus_and_owns_and_calls_what_the_manifests_say(device):
    run = device.engine
    uids = {"modem": 90000, "dialer": 90001, "viewer": 90002}
    device.role_uids(uids)
    with hosted_bus(uids):
        owner = device.container("modem", ["sleep", "600"], required=[{"name": "system-bus", "role": "modem"}],
                                 services=exports(MODEM))
        callers = {role: device.container(role, ["sleep", "600"], required=[{"name": "system-bus", "role": role}])
                   for role in ("dialer", "viewer")}
        modem = Service(f"/proc/{started(run, owner)}/root{BUS_AT}", ["io.acme.Modem"])
        pids = {role: started(run, c) for role, c in callers.items()}
        try:
            with wire.Peer(f"/proc/{pids['dialer']}/root{BUS_AT}") as peer:
                assert peer.ask(wire.BUS, "GetConnectionUnixUser", "s", [peer.name]).args() == [90001]
                assert peer.ask("io.acme.Modem", "Dial", interface="io.acme.Modem").args() == ["io.acme.Modem"]
                assert peer.ask(wire.BUS, "RequestName", "su", ["io.acme.Modem", 0]).error == DENIED
            with wire.Peer(f"/proc/{pids['viewer']}/root{BUS_AT}") as peer:
                assert peer.ask("io.acme.Modem", "Dial", interface="io.acme.Modem").error == UNKNOWN
        finally:
            modem.stop()


def test_a_role_without_a_uid_is_nobody_on_the_hosted_bus(embedded, bed):
    embedded.container("modem", ["sleep", "600"], services=exports(MODEM))
    wish = {"name": "system-bus", "role": "root"}
    refused(bed, embedded.engine, embedded.container("one", ["sleep", "600"], required=[wish]), 'has no role "root"')
    assert "dbus-role-uids.json" in bed.log_text()
    embedded.role_uids({"dialer": 90001, "root": 0})
    refused(bed, embedded.engine, embedded.container("two", ["sleep", "600"], required=[wish]),
            "/root: expected a uid other than root's")
