"""A world for D-Bus tests: real buses with services on them, and a mediated link to each."""

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time

import pytest

import dbus_wire as wire
from dbus_bus import Broker, Daemon, children_of
from dbus_wire import BUS, BUS_PATH, CALL, ERROR, REPLY, SIGNAL, Closed, Peer

SOURCE = os.environ.get("XC_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("XC_BUILD", os.path.join(SOURCE, "build", "dev"))
MEDIATOR = os.path.join(BUILD, "xc-inject")
with open(os.path.join(SOURCE, "tests", "cases", "dbus.json"), encoding="utf-8") as cases_file:
    CASES = json.load(cases_file)
DEFAULT_POLICY = CASES["default_policy"]

DENIED = "org.freedesktop.DBus.Error.AccessDenied"
UNKNOWN = "org.freedesktop.DBus.Error.ServiceUnknown"
NO_OWNER = "org.freedesktop.DBus.Error.NameHasNoOwner"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJ = "/org/pv/obj/1"
ALL_CHANGES = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"


class Service(threading.Thread):
    """A peer on the bus that owns names and answers every call with its first name, unless it is mute."""

    def __init__(self, path, names, mute=False):
        super().__init__(daemon=True)
        self.peer, self.names, self.mute, self.heard = Peer(path), names, mute, []
        self.lock = threading.Lock()
        for name in names:
            self.peer.own(name)
        self.unique = self.peer.name
        self.start()

    def run(self):
        try:
            while True:
                heard = self.peer.next(3600)
                if heard.sender == BUS:
                    continue
                for fd in heard.fds:
                    os.close(fd)
                heard.fds = [f"was {len(heard.fds)}"] if heard.fds else []
                self.heard.append(heard)  # whole: who has the answer may look at once
                if heard.kind == CALL and not self.mute and not heard.flags & wire.NO_REPLY:
                    self.write(REPLY, "s", [self.names[0]], destination=heard.sender, reply_serial=heard.serial)
        except (Closed, OSError, TimeoutError, ValueError):
            pass

    def write(self, *args, **more):
        with self.lock:
            return self.peer.write(*args, **more)

    def emit(self, interface, member, path=OBJ, **more):
        self.write(SIGNAL, interface=interface, member=member, path=path, **more)

    def ask_bus(self, member, sig, args):
        self.write(CALL, sig, args, destination=BUS, interface=BUS, member=member, path=BUS_PATH)

    def stop(self):
        try:
            self.peer.socket.shutdown(2)
        except OSError:
            pass
        self.join(60)
        self.peer.close()


class World:
    """A bus with the services of the cases."""

    def __init__(self, bus_class):
        self.directory = tempfile.TemporaryDirectory(prefix="xcd.")
        self.bus = bus_class(self.directory.name)
        self.path = self.bus.path
        self.services = {}
        for key, names in {"allowed": ["org.pv.Allowed"], "partial": ["org.pv.Partial"], "seen": ["org.pv.Seen"],
                           "hidden": ["org.pv.Hidden"], "shared": ["org.pv.Shared.Open", "org.pv.Shared.Closed"],
                           "mute": ["org.pv.Mute"]}.items():
            self.services[key] = Service(self.path, names, mute=key == "mute")
        self.count = 0

    def __getattr__(self, key):
        return self.services[key]

    def new_path(self):
        self.count += 1
        return os.path.join(self.directory.name, f"link{self.count}")

    def forget(self):
        for service in self.services.values():
            service.heard.clear()

    def delivered(self, *keys):
        """What services were reached, once everything sent so far has arrived."""
        time.sleep(0.05)
        for service in self.services.values():
            with Peer(self.path) as probe:  # a reply of each service is behind everything the bus gave it before
                if not service.mute:
                    probe.ask(service.names[0], "Probe", interface="org.pv.Probe")
        return [h for key in keys or self.services for h in self.services[key].heard if h.interface != "org.pv.Probe"]

    def stop(self):
        for service in self.services.values():
            service.stop()
        self.bus.stop()
        self.directory.cleanup()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def rules_of(words):
    """The words of xdg-dbus-proxy as the rules of a role."""
    rules = {}
    for word in words:
        name, _, value = word.removeprefix("--").partition("=")
        if name in ("write", "no-introspect"):
            rules[name.removeprefix("no-")] = name == "write"
        else:
            rules.setdefault(name, []).append(value)
    return rules


def descriptors(pid):
    """Number and kind of each descriptor of a process."""
    table = {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                table[number] = os.readlink(f"/proc/{pid}/fd/{number}").split(":")[0]
    return table


class Mediator:
    """The mediator under test: `xc-inject mediate dbus`, the same monitor and sandboxed worker as in a container."""

    def __init__(self, world, words=None, bus=None):
        self.path = world.new_path()
        rules = self.path + ".json"
        with open(rules, "w", encoding="ascii") as file:
            json.dump(rules_of(DEFAULT_POLICY + ["--talk=org.pv.Mute"] if words is None else words), file)
        self.ready, theirs = os.pipe()
        self.process = subprocess.Popen([MEDIATOR, "mediate", "dbus", "--listen", self.path, "--connect",
                                         bus or world.path, "--rules", rules, "--ready-fd", str(theirs)],
                                        pass_fds=[theirs])
        os.close(theirs)
        assert os.read(self.ready, 1) == b"x"

    def peer(self, **more):
        return Peer(self.path, **more)

    def workers(self):
        return [pid for pid in children_of(self.process.pid) if is_alive(pid)]

    def sockets(self):
        """How many sockets of connections the workers hold: two for each, but where there is no bus."""
        return sum(list(descriptors(pid).values()).count("socket") - 1 for pid in self.workers())

    def memory(self):
        """KiB of memory of their own that the processes of the mediator have."""
        total = 0
        for pid in [str(self.process.pid), *self.workers()]:
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
            except OSError:
                pass
        return total

    def end(self):
        """Lets it know that it is not needed any more."""
        if self.ready >= 0:
            os.close(self.ready)
            self.ready = -1

    def stop(self):
        workers = [] if self.process.returncode is not None else self.workers()
        self.end()
        assert self.process.wait(60) == 0
        wait_until(lambda: not any(map(is_alive, workers)))  # so that the bus tells nobody later of their names


@pytest.fixture(scope="module", params=[Daemon, Broker], ids=lambda b: b.name)
def world(request):
    one = World(request.param)
    yield one
    one.stop()


@pytest.fixture
def link(world):
    world.forget()
    one = Mediator(world)
    yield one
    one.stop()


@pytest.fixture
def client(link):
    with link.peer() as one:
        yield one


def works(peer):
    peer.hello()
    reply = peer.ask("org.pv.Allowed", "Do", interface="org.any")
    return reply.kind == REPLY and reply.args() == ["org.pv.Allowed"]


def wait_until(condition, seconds=60, report=str):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen in time: {report()}"
        time.sleep(0.02)
