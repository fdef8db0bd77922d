"""Buses, services and clients for containers: a bus of the host or of a provider container, and consumers that have the
host's programs, so that the clients people use run behind their link."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import bed as beds
import dbus_wire as wire
import host
from dbus_bus import BUSES
from dbus_world import OBJ, Service
from jobs import started

HERE = Path(__file__).resolve().parent
BUS_AT = "/run/dbus/system_bus_socket"  # where clients look when nobody tells them
PROGRAMS = [("/usr", "/usr", ["ro"]), ("/usr/lib", "/lib", ["ro"]), ("/usr/lib64", "/lib64", ["ro"])]

GI_CLIENT = """
import sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
try:
    print(bus.call_sync(sys.argv[1], "/org/pv/obj/1", "org.pv.Iface", "Do", None, None, 0, 60000, None).unpack()[0])
except GLib.Error as error:
    print(Gio.DBusError.get_remote_error(error))
"""
PYTHON_DBUS_CLIENT = """
import sys, dbus
try:
    print(dbus.SystemBus().call_blocking(sys.argv[1], "/org/pv/obj/1", "org.pv.Iface", "Do", "", ()))
except dbus.DBusException as error:
    print(error.get_dbus_name())
"""
CLIENTS = {
    "dbus-send": ["dbus-send", "--system", "--print-reply", "--dest={name}", OBJ, "org.pv.Iface.Do"],
    "gdbus": ["gdbus", "call", "--system", "--dest", "{name}", "--object-path", OBJ, "--method", "org.pv.Iface.Do"],
    "busctl": ["busctl", "--system", "call", "{name}", OBJ, "org.pv.Iface", "Do"],  # sd-bus
    "qdbus": ["qdbus", "--system", "{name}", OBJ, "org.pv.Iface.Do"],  # Qt
    "gi": ["python3", "-c", GI_CLIENT, "{name}"],
    "python-dbus": ["python3", "-c", PYTHON_DBUS_CLIENT, "{name}"],
}


@contextmanager
def bus_of_host(bed, kind="dbus-daemon", names=("org.pv.Allowed", "org.pv.Hidden"), **offer):
    """A bus of the host with services on it, offered as system-bus."""
    directory = bed.home / "bus"
    directory.mkdir()
    directory.chmod(0o755)
    bus = BUSES[kind](str(directory))
    os.chmod(bus.path, 0o666)
    services = [Service(bus.path, [name]) for name in names]
    bed.host_services("bus.json", beds.services({"name": "system-bus", "type": "dbus", "socket": bus.path, **offer}))
    try:
        yield bus, {service.names[0]: service for service in services}
    finally:
        for service in services:
            service.stop()
        bus.stop()


NETWORK_MANAGER = "org.freedesktop.NetworkManager"
NM_PATH = "/org/freedesktop/NetworkManager"
MOCK = "org.freedesktop.DBus.Mock"


@contextmanager
def network_manager(bed, **offer):
    """NetworkManager's API (python-dbusmock) on a bus of the host, and a peer beside the link that steers it."""
    with bus_of_host(bed, names=(), **offer) as (bus, _):
        mock = subprocess.Popen(["/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "networkmanager"],
                                env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus.path}"})
        try:
            with wire.Peer(bus.path) as steer:
                assert host.wait_until(lambda: steer.ask(wire.BUS, "NameHasOwner", "s", [NETWORK_MANAGER]).args() == [1], 10)
                yield steer
        finally:
            mock.kill()
            mock.wait(60)


def provider_with_bus(bed, kind="dbus-daemon", name="provider", **offer):
    """A container with a bus and services on it, as its own manifest offers them; the program is the last part of this
    file."""
    program = ["/usr/bin/python3", str(HERE / "dbus_house.py"), kind, "org.pv.Allowed", "org.pv.Hidden"]
    offered = {"name": "system-bus", "type": "dbus", "socket": "/run/bus/bus", **offer}
    return bed.container(name, program, services=beds.services(offered), env=environment(),
                         mounts=[*PROGRAMS, (HERE.parent, str(HERE.parent), ["ro"])])


def environment():
    return [f"{name}={os.environ[name]}" for name in ("XC_SOURCE", "XC_BUILD") if name in os.environ]


def consumer(bed, args=("sleep", "600"), name="dialer", role="any", wish=None, **more):
    """A container that asks for system-bus at the customary place."""
    more.setdefault("mounts", PROGRAMS)
    c = bed.container(name, args, run=beds.requires({"name": "system-bus", "type": "dbus", "role": role, **(wish or {})}), **more)
    (c.root / "var/run").symlink_to("/run")
    return c


def socket_of(pid):
    """The link's socket, by a path of the host."""
    return f"/proc/{pid}/root{BUS_AT}"


def run_client(pid, kind, name):
    """Calls the name from inside the container, with a client as people have it."""
    words = [word.format(name=name) if "{" in word and len(word) < 40 else word for word in CLIENTS[kind]]
    return beds.inside(pid, f"/usr/bin/{words[0]}", *words[1:], timeout=60)


def consuming(bed, engine, **options):
    """A running consumer: its pid."""
    return started(engine, consumer(bed, **options))


def serve(kind, names):
    """In a provider container: the bus at /run/bus/bus, and its services."""
    os.environ["PATH"] = "/usr/bin:/bin"
    os.makedirs("/run/bus", exist_ok=True)
    bus = BUSES[kind]("/run/bus")
    services = [Service(bus.path, [name]) for name in names]
    print("ready", flush=True)
    for service in services:
        service.join()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
