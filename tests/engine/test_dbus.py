"""The D-Bus mediator between raw clients and real buses: every scenario of cases/dbus.json, and more of the same kinds."""

import json
import os
import subprocess
import tempfile
import threading
import time

import pytest

import dbus_wire as wire
from dbus_bus import Broker, Daemon
from dbus_wire import BUS, BUS_PATH, CALL, ERROR, REPLY, SIGNAL, Closed, Peer

SOURCE = os.environ.get("XC_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("XC_BUILD", os.path.join(SOURCE, "build", "dev"))
MEDIATOR = os.environ.get("XC_DBUS_MEDIATOR", os.path.join(BUILD, "tests", "xc-dbus-relay"))
with open(os.path.join(SOURCE, "tests", "cases", "dbus.json"), encoding="utf-8") as cases_file:
    CASES = json.load(cases_file)
DEFAULT_POLICY = CASES["default_policy"]

DENIED = "org.freedesktop.DBus.Error.AccessDenied"
UNKNOWN = "org.freedesktop.DBus.Error.ServiceUnknown"
NO_OWNER = "org.freedesktop.DBus.Error.NameHasNoOwner"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJ = "/org/pv/obj/1"


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
                self.heard.append(heard)
                if heard.kind == CALL and not self.mute and not heard.flags & wire.NO_REPLY:
                    self.write(REPLY, "s", [self.names[0]], destination=heard.sender, reply_serial=heard.serial)
                for fd in heard.fds:
                    os.close(fd)
                    heard.fds = [f"was {len(heard.fds)}"]
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
        self.join(10)
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


class Mediator:
    """The mediator under test, listening."""

    def __init__(self, world, words=None, bus=None):
        self.path = world.new_path()
        words = DEFAULT_POLICY + ["--talk=org.pv.Mute"] if words is None else words
        self.process = subprocess.Popen([MEDIATOR, self.path, bus or world.path, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline() == b"ready\n"

    def peer(self, **more):
        return Peer(self.path, **more)

    def children(self):
        """Its connections' processes that live."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return [pid for pid in file.read().split() if is_alive(pid)]

    def memory(self):
        """Bytes of memory of their own that all processes of the mediator have, in KiB."""
        total = 0
        for pid in [str(self.process.pid), *self.children()]:
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
            except OSError:
                pass
        return total

    def stop(self):
        self.process.stdin.close()
        self.process.wait(5)
        self.process.stdout.close()


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


# --- auth -----------------------------------------------------------------------------------------------------------

def works(peer):
    peer.hello()
    reply = peer.ask("org.pv.Allowed", "Do", interface="org.any")
    return reply.kind == REPLY and reply.args() == ["org.pv.Allowed"]


def case_auth_bare(world, link):
    with link.peer(login=False) as peer:
        peer.send(b"\0AUTH EXTERNAL\r\n")
        assert peer.line() == b"DATA"
        peer.send(b"DATA\r\n")
        assert peer.line().startswith(b"OK ")
        peer.send(b"BEGIN\r\n")
        assert works(peer)
    with link.peer(login=False) as peer:  # all at once, as sd-bus does
        peer.send(b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
        assert [peer.line()[:2] for _ in range(3)] == [b"DA", b"OK", b"AG"]
        assert works(peer)


def case_auth_onestep(world, link):
    with link.peer(login=False) as peer:
        who = str(os.getuid()).encode().hex().encode()
        peer.send(b"\0AUTH EXTERNAL " + who + b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
        assert [peer.line()[:2] for _ in range(2)] == [b"OK", b"AG"]
        assert works(peer)


def case_auth_foreign_uid(world, link):
    with link.peer(login=False) as peer:
        peer.authenticate(claim="12345")
        assert works(peer)
        assert peer.ask(BUS, "GetConnectionUnixUser", "s", [peer.name]).args() == [os.getuid()]


def case_auth_begin_variants(world, link):
    hidden = wire.message(CALL, 2, destination="org.pv.Hidden", interface="org.any", member="Do", path=OBJ)
    hello = wire.message(CALL, 1, destination=BUS, interface=BUS, member="Hello", path=BUS_PATH)
    for begin in (b"BEGIN \r\n", b"BEGIN\t\r\n", b"BEGIN x\r\n", b"begin\r\n", b"BEGIN\n", b" BEGIN\r\n", b"BEGIN\r\r\n",
                  b"BEGIN\0\r\n", b"\r\nBEGIN\r\n", b"BEGI", b"BEGINN\r\n"):
        for tail in (hello + hidden, hidden, b"BEGIN\r\n" + hello + hidden):
            with link.peer(login=False) as peer:
                peer.send(b"\0AUTH EXTERNAL 30\r\n")
                peer.line()
                try:
                    peer.send(begin + tail)
                    peer.quiet(0.05)
                except (Closed, AssertionError, IndexError):
                    pass
    assert not world.delivered("hidden")


def case_auth_msg_before_begin(world, link):
    with link.peer(login=False) as peer:
        peer.send(b"\0AUTH EXTERNAL 30\r\n")
        peer.line()
        peer.send(wire.message(CALL, 1, destination="org.pv.Allowed", interface="org.any", member="Do", path=OBJ))
        peer.send(b"\n" * 10)
        assert peer.closed()
    assert not world.delivered()


def case_auth_endless_line(world, link):
    with link.peer(login=False) as peer:
        before = link.memory()
        with pytest.raises(Closed):
            peer.send(b"\0AUTH EXTERNAL ")
            for _ in range(1024):
                peer.send(b"3" * 1024)
            peer.receive()
        assert link.memory() - before < 1024


# --- header ---------------------------------------------------------------------------------------------------------

def hostile(world, link, fields, kind=CALL):
    """Sends one message made by hand; true when nobody but who may got it."""
    with link.peer() as peer:
        base = [(1, "o", OBJ), (2, "s", "org.pv.Iface"), (3, "s", "Do")]
        taken = {code for code, _, _ in fields}
        try:
            peer.send(wire.raw_message(kind, 99, [f for f in base if f[0] not in taken] + fields))
            peer.quiet(0.05)
        except Closed:
            pass


def case_hdr_bad_dest(world, link):
    for value in (b"org.pv.Hidden\0", b"org.pv.Allowed\0org.pv.Hidden", b"org.pv.Hidden ", b"org.pv.\xff", b"",
                  b"org..pv.Hidden", b"org.pv.Hidden.", b"o" * 300 + b".pv", b".org.pv.Hidden"):
        hostile(world, link, [(6, "s", value)])
    assert not world.delivered()
    with link.peer() as peer:
        assert peer.ask("org.pv.Allowed", "Do").kind == REPLY


def case_hdr_bad_sig(world, link):
    for code, kind, value in ((6, "o", "/org/pv/Allowed"), (6, "g", "s"), (6, "u", 1), (1, "s", OBJ), (1, "g", "s"),
                              (2, "o", "/a"), (3, "o", "/a"), (8, "s", "s")):
        extra = [] if code == 6 else [(6, "s", "org.pv.Allowed")]
        hostile(world, link, [(code, kind, value), *extra])
    assert not world.delivered()


def case_hdr_dup_dest(world, link):
    for first, second in (("org.pv.Allowed", "org.pv.Hidden"), ("org.pv.Hidden", "org.pv.Allowed")):
        hostile(world, link, [(6, "s", first), (6, "s", second)])
    assert not world.delivered("hidden")


def case_hdr_dup_iface(world, link):
    good = [(1, "o", OBJ), (2, "s", "org.pv.Iface"), (3, "s", "Do"), (6, "s", "org.pv.Partial")]
    for code, kind, value in ((1, "o", "/else"), (2, "s", "org.pv.Other"), (3, "s", "Other")):
        for fields in ([(code, kind, value), *good], [*good, (code, kind, value)]):
            hostile(world, link, fields)
    assert not world.delivered("partial")


def case_hdr_type_unknown(world, link):
    for kind in (0, 5, 200, 255):
        for name in ("org.pv.Hidden", "org.pv.Allowed"):
            hostile(world, link, [(6, "s", name)], kind)
    assert not world.delivered("hidden")


def case_hdr_long_path(world, link):
    with link.peer() as peer:
        big = "x" * (1 << 20)
        reply = peer.ask("org.pv.Allowed", "Do", "s", [big], interface="org.any", path="/" + "p" * 999)
        assert reply.kind == REPLY
        got = world.delivered("allowed")
        assert len(got) == 1 and len(got[0].path) == 1000 and got[0].args() == [big]


def case_hdr_split(world, link):
    with link.peer() as peer:
        data = wire.message(CALL, 77, "s", ["slow"], destination="org.pv.Allowed", interface="org.any", member="Do",
                            path=OBJ)
        for at in range(len(data)):
            peer.send(data[at:at + 1])
        assert peer.answer(77).args() == ["org.pv.Allowed"]
        three = [wire.message(CALL, 78 + i, "s", [str(i)], destination="org.pv.Allowed", interface="org.any",
                              member="Do", path=OBJ) for i in range(3)]
        peer.send(b"".join(three))
        assert [peer.next().reply_serial for _ in range(3)] == [78, 79, 80]
    assert [h.args() for h in world.delivered("allowed")] == [["slow"], ["0"], ["1"], ["2"]]


# --- names ----------------------------------------------------------------------------------------------------------

ALL_CHANGES = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"


def case_name_noc_allowed(world, link):
    with link.peer() as peer:
        peer.match(ALL_CHANGES)
        late = Service(world.path, ["org.pv.Late"])
        try:
            signal = peer.next()
            assert signal.member == "NameOwnerChanged" and signal.args() == ["org.pv.Late", "", late.unique]
            for name in ("org.pv.Late", late.unique):
                assert peer.ask(name, "Do", interface="org.any").args() == ["org.pv.Late"]
        finally:
            late.stop()
        gone = [h.args() for h in (peer.next(), peer.next())]
        assert sorted(gone) == sorted([["org.pv.Late", late.unique, ""], [late.unique, late.unique, ""]])


def case_name_noc_hidden(world, link):
    with link.peer() as peer:
        for rule in (ALL_CHANGES, "", "arg0namespace='org'", "arg0='org.pv.Hidden.Too'"):
            peer.match(rule)
        other = Service(world.path, ["org.pv.Hidden.Too"])
        other.emit("org.any", "Shout")
        other.stop()
        assert peer.quiet() == []


def case_name_queries(world, link):
    with link.peer() as peer:
        for name in ("org.pv.Hidden", world.hidden.unique, "org.pv.Shared.Closed", "org.pv.Never", ":1.9999"):
            assert peer.ask(BUS, "NameHasOwner", "s", [name]).args() == [0]
            for member in ("GetNameOwner", "ListQueuedOwners", "GetConnectionUnixProcessID", "GetConnectionUnixUser",
                           "GetConnectionCredentials", "GetConnectionSELinuxSecurityContext",
                           "GetAdtAuditSessionData"):
                reply = peer.ask(BUS, member, "s", [name])
                assert (reply.kind, reply.error) == (ERROR, NO_OWNER), member
        assert peer.ask(BUS, "GetNameOwner", "s", ["org.pv.Seen"]).args() == [world.seen.unique]
        assert peer.ask(BUS, "GetConnectionUnixUser", "s", [world.seen.unique]).args() == [os.getuid()]
        names = peer.ask(BUS, "ListNames").args()[0]
        assert set(names) == {BUS, peer.name, "org.pv.Allowed", "org.pv.Partial", "org.pv.Seen", "org.pv.Shared.Open",
                              "org.pv.Mute", *(world.services[k].unique
                                               for k in ("allowed", "partial", "seen", "shared", "mute"))}


def case_name_shared_conn(world, link):
    with link.peer() as peer:
        assert peer.ask("org.pv.Shared.Closed", "Do", interface="org.any").error == UNKNOWN
        assert peer.ask("org.pv.Shared.Open", "Do", interface="org.any").kind == REPLY
    assert [h.destination for h in world.delivered("shared")] in (["org.pv.Shared.Open"], [world.shared.unique])


def case_name_start(world, link):
    start = ("StartServiceByName", "su")
    with link.peer() as peer, Peer(world.path) as direct:
        for name in ("org.pv.Hidden", "org.pv.Hidden.Sleeping", "org.pv.Never"):
            reply = peer.ask(BUS, *start, [name, 0])
            assert reply.error == UNKNOWN and "was not provided by any .service files" in reply.args()[0]
        assert peer.ask(BUS, *start, ["org.pv.Seen", 0]).error == DENIED
        passed, same = (who.ask(BUS, *start, ["org.pv.Late", 0]) for who in (peer, direct))
        assert (passed.error, passed.args()) == (same.error, same.args())
        if world.bus.activates:
            assert passed.error.startswith("org.freedesktop.DBus.Error.Spawn.")


def case_name_unique_hidden(world, link):
    with link.peer() as peer:
        assert peer.ask(world.hidden.unique, "Do", interface="org.any").error == UNKNOWN
        for number in range(41):
            for flags in (0, wire.NO_AUTO_START, wire.NO_REPLY):
                peer.write(CALL, destination=f":1.{number}", interface="org.sweep", member="Do", path=OBJ, flags=flags)
        peer.settle()
    assert not world.delivered("hidden", "seen", "partial")


# --- bus ------------------------------------------------------------------------------------------------------------

def case_bus_match_odd(world, link):
    with link.peer() as peer:
        def add(sig, args):
            return peer.ask(BUS, "AddMatch", sig, args)
        assert add("", []).kind == ERROR
        assert add("u", [1]).kind == ERROR
        assert add("ss", ["type='signal'", "x"]).kind == ERROR
        assert add("s", ["member='" + "x" * 100000 + "'"]).kind == ERROR
        kinds = [add("s", [f"type='signal',member='M{i}'"]).kind for i in range(2000)]
        assert kinds[:500] == [REPLY] * 500 and kinds[-1] == ERROR
        assert peer.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
        assert link.memory() < 4096


def case_bus_peer(world, link):
    with link.peer() as peer:
        assert peer.ask(BUS, "Ping", interface="org.freedesktop.DBus.Peer").kind == REPLY
        machine = peer.ask(BUS, "GetMachineId", interface="org.freedesktop.DBus.Peer")
        assert machine.kind == REPLY or machine.error != DENIED
        reply = peer.ask(BUS, "Introspect", interface="org.freedesktop.DBus.Introspectable")
        assert reply.kind == REPLY and "<node" in reply.args()[0]


def case_bus_privileged(world, link):
    with link.peer() as peer:
        for path in (BUS_PATH, "/", "/org/pv"):
            for interface, member, sig, args in (
                    (BUS, "UpdateActivationEnvironment", "", []), (BUS, "ReloadConfig", "", []),
                    ("org.freedesktop.DBus.Monitoring", "BecomeMonitor", "asu", [[], 0]),
                    ("org.freedesktop.DBus.Debug.Stats", "GetStats", "", []),
                    ("org.freedesktop.DBus.Debug.Stats", "GetConnectionStats", "s", [peer.name]),
                    ("org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules", "", []),
                    ("org.freedesktop.DBus.Verbose", "EnableVerbose", "", []),
                    ("org.freedesktop.DBus.Containers1", "AddServer", "", []), (BUS, "NoSuchMethod", "", []),
                    ("org.no.Such", "Hello", "", []), (None, "BecomeMonitor", "asu", [[], 0])):
                reply = peer.ask(BUS, member, sig, args, interface=interface, path=path)
                assert (reply.kind, reply.error) == (ERROR, DENIED), (interface, member)


def case_bus_properties(world, link):
    with link.peer() as peer:
        for name in ("Features", "Interfaces"):
            assert peer.ask(BUS, "Get", "ss", [BUS, name], interface=PROPERTIES).kind == REPLY
        assert peer.ask(BUS, "GetAll", "s", [BUS], interface=PROPERTIES).kind == REPLY
        assert peer.ask(BUS, "Set", "ssv", [BUS, "Features", "x"], interface=PROPERTIES).error == DENIED
        assert peer.ask(BUS, "Get", "ss", [BUS, "Other"], interface=PROPERTIES).error == DENIED


# --- fds ------------------------------------------------------------------------------------------------------------

def case_fd_mismatch(world, link):
    with open(os.devnull, "rb") as null:
        for announced, sent in ((2, 1), (0, 1), (1, 0), (1, 2)):
            with link.peer() as peer:
                try:
                    fields = {"fds": announced} if announced else {}
                    data = wire.message(CALL, 50, destination="org.pv.Allowed", interface="org.any", member="Bad",
                                        path=OBJ, **fields)
                    peer.send(data, [null.fileno()] * sent)
                    peer.send(wire.message(CALL, 51, destination="org.pv.Allowed", interface="org.any", member="Next",
                                           path=OBJ, fds=1))
                    peer.settle()
                except (Closed, AssertionError):
                    pass
    assert not [h for h in world.delivered("allowed") if h.fds]
    wait_until(lambda: not link.children())


def case_fd_without_negotiation(world, link):
    with open(os.devnull, "rb") as null, link.peer(fds=False) as peer:
        try:
            peer.write(CALL, destination="org.pv.Allowed", interface="org.any", member="Do", path=OBJ,
                       fds=[null.fileno()])
            peer.quiet(0.1)
        except Closed:
            pass
    assert not world.delivered("allowed")


# --- reply ----------------------------------------------------------------------------------------------------------

def case_rep_call_with_replyserial(world, link):
    with link.peer() as peer:
        peer.own("org.pv.Mine.A")
        world.allowed.write(CALL, destination="org.pv.Mine.A", interface="org.pv.Mine", member="Serve", path=OBJ)
        serial = next(h.serial for h in iter(peer.next, None) if h.kind == CALL)
        for kind in (CALL, SIGNAL):
            for target in ("org.pv.Hidden", world.hidden.unique):
                peer.write(kind, destination=target, interface="org.any", member="Do", path=OBJ, reply_serial=serial)
        peer.settle()
        assert not world.delivered("hidden")


def case_rep_noreply_flag(world, link):
    with link.peer() as peer:
        for target in ("org.pv.Hidden", "org.pv.Seen", world.hidden.unique):
            peer.write(CALL, destination=target, interface="org.any", member="Do", path=OBJ, flags=wire.NO_REPLY)
        peer.write(CALL, destination=BUS, interface=BUS, member="ReloadConfig", path=BUS_PATH, flags=wire.NO_REPLY)
        peer.settle()
        assert peer.quiet(0.1) == []
    assert not world.delivered("hidden", "seen")


def case_rep_to_other_peer(world, link):
    with link.peer() as peer:
        peer.own("org.pv.Mine.A")
        asked = world.allowed.write(CALL, destination="org.pv.Mine.A", interface="org.pv.Mine", member="Serve", path=OBJ)
        serial = next(h.serial for h in iter(peer.next, None) if h.kind == CALL)
        assert serial == asked
        for kind, extra in ((REPLY, {}), (ERROR, {"error": "org.pv.Error"})):
            for target in ("org.pv.Hidden", world.hidden.unique, world.seen.unique):
                peer.write(kind, destination=target, reply_serial=serial, **extra)
        peer.settle()
        assert not world.delivered("hidden", "seen")
        peer.write(REPLY, destination=world.allowed.unique, reply_serial=serial)
        peer.settle()
        assert [h.kind for h in world.delivered("allowed")] == [REPLY]


def case_rep_unsolicited(world, link):
    with link.peer() as peer:
        for target in ("org.pv.Hidden", world.hidden.unique, "org.pv.Allowed", world.allowed.unique):
            for serial in (1, 2, 3, 0xffffffff):
                peer.write(REPLY, destination=target, reply_serial=serial)
                peer.write(ERROR, destination=target, reply_serial=serial, error="org.pv.Error")
        peer.settle()
    assert not world.delivered()


# --- resources ------------------------------------------------------------------------------------------------------

def wait_until(condition, seconds=10, report=str):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen in time: {report()}"
        time.sleep(0.02)


def case_res_many_conns(world, link):
    with link.peer() as first:
        peers = []
        for _ in range(900):
            try:
                peers.append(Peer(link.path, login=False, patient=False))
                peers[-1].send(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n" if len(peers) % 2 else b"\0AUTH")
            except (BlockingIOError, Closed):  # a limit, or a backlog that is full for the moment
                time.sleep(0.001)
            if len(peers) == 300:
                break
        assert len(peers) >= 100
        time.sleep(0.2)
        assert first.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
        assert len(link.children()) <= 300
        with Peer(world.path) as direct:
            assert direct.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
        for peer in peers:
            peer.close()
        wait_until(lambda: len(link.children()) == 1, report=link.children)
        with link.peer() as last:
            assert last.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
    wait_until(lambda: not link.children())


def case_res_pending_calls(world, link):
    with link.peer() as peer:
        refused = []
        one = [wire.message(CALL, i, destination="org.pv.Mute", interface="org.any", member="Do", path=OBJ)
               for i in range(1, 50001)]
        for at in range(0, 50000, 100):
            peer.send(b"".join(one[at:at + 100]))
            try:
                while True:
                    refused.append(peer.next(0))
            except TimeoutError:
                pass
        peer.serial = 60000
        peer.ask(BUS, "GetId")
        assert all(h.error == "org.freedesktop.DBus.Error.LimitsExceeded" for h in refused + peer.kept)
        assert len(refused) + len(peer.kept) >= 40000
        assert link.memory() < 6144
    wait_until(lambda: link.memory() < 1024)


def case_res_slow_reader(world, link):
    with link.peer() as slow, link.peer() as other:
        slow.match("type='signal'")
        before = link.memory()
        payload = "x" * 60000

        def emit():
            try:
                for _ in range(1000):
                    world.allowed.write(SIGNAL, "s", [payload], interface="org.any", member="Flood", path=OBJ)
            except (Closed, OSError):
                pass
        thread = threading.Thread(target=emit, daemon=True)
        thread.start()
        highest = 0
        for _ in range(20):
            highest = max(highest, link.memory() - before)
            assert other.ask("org.pv.Partial", "Do", interface="org.pv.Iface").kind == REPLY
            time.sleep(0.02)
        thread.join(30)
        assert not thread.is_alive()
        assert max(highest, link.memory() - before) < 1024


def case_res_stop(world, link):
    peers = [link.peer() for _ in range(3)]
    children = link.children()
    assert len(children) == 3
    started = time.monotonic()
    link.process.stdin.close()
    for peer in peers:
        assert peer.closed()
        peer.close()
    link.process.wait(1)
    assert time.monotonic() - started < 1
    assert not os.path.exists(link.path)
    wait_until(lambda: not any(map(is_alive, children)), 1)
    link.stop = lambda: link.process.stdout.close()


# --- rules ----------------------------------------------------------------------------------------------------------

def case_rule_allowed(world, link):
    with link.peer() as peer:
        for name in ("org.pv.Partial", world.partial.unique):
            assert peer.ask(name, "Anything", interface="org.pv.Iface", path=OBJ).kind == REPLY
            assert peer.ask(name, "Get", interface="org.pv.One", path="/org/pv/one").kind == REPLY
            assert peer.ask(name, "Anything", interface="org.pv.Iface", path="/org/pv/obj").kind == REPLY
            for interface, member, path in (("org.pv.One", "Set", "/org/pv/one"), ("org.pv.One", "Get", "/org/pv/two"),
                                            ("org.pv.Iface", "X", "/org/pv/object"), (None, "X", OBJ),
                                            ("org.pv.IfaceX", "X", OBJ), ("org.pv.Iface", "X", "/")):
                assert peer.ask(name, member, interface=interface, path=path).error == DENIED


def case_rule_introspect(world, link):
    calls = (("org.freedesktop.DBus.Introspectable", "Introspect"), ("org.freedesktop.DBus.Peer", "Ping"))
    with link.peer() as peer:
        for name in ("org.pv.Allowed", "org.pv.Partial"):
            for interface, member in calls:
                assert peer.ask(name, member, interface=interface).kind == REPLY
        assert peer.ask("org.pv.Seen", "Ping", interface="org.freedesktop.DBus.Peer").error == DENIED
    strict = Mediator(world, DEFAULT_POLICY + ["--no-introspect"])
    try:
        with strict.peer() as peer:
            for interface, member in calls:
                assert peer.ask("org.pv.Partial", member, interface=interface).error == DENIED
    finally:
        strict.stop()


def case_rule_objectmanager(world, link):
    manager = "org.freedesktop.DBus.ObjectManager"
    with link.peer() as peer:
        peer.match("type='signal'")
        assert peer.ask("org.pv.Partial", "GetManagedObjects", interface=manager).error == DENIED
        world.partial.emit(manager, "InterfacesAdded")
        world.delivered("partial")
        assert peer.quiet(0.1) == []


def case_rule_properties_scope(world, link):
    only = Mediator(world, ["--interface=org.pv.Partial"])
    write = Mediator(world, ["--interface=org.pv.Partial", "--write"])
    try:
        with only.peer() as peer, write.peer() as writer:
            def get(who, member, sig, *args):
                return who.ask("org.pv.Partial", member, sig, list(args), interface=PROPERTIES).error
            assert get(peer, "Get", "ss", "org.pv.Partial", "X") is None
            assert get(peer, "GetAll", "s", "org.pv.Partial.Device") is None
            assert get(peer, "Get", "ss", "org.pv.Other", "X") == DENIED
            assert get(peer, "GetAll", "s", "org.pv.PartialX") == DENIED
            assert get(peer, "Get", "u", 7) == DENIED
            assert get(peer, "Set", "ssv", "org.pv.Partial", "X", "y") == DENIED
            assert get(writer, "Set", "ssv", "org.pv.Partial", "X", "y") is None
            assert get(writer, "Set", "ssv", "org.pv.Other", "X", "y") == DENIED
            peer.match("type='signal'")
            for interface in ("org.pv.Partial", "org.pv.Other"):
                world.partial.write(SIGNAL, "sas", [interface, []], interface=PROPERTIES, member="PropertiesChanged",
                                    path=OBJ)
            heard = [h.args()[0] for h in peer.quiet(0.2)]
            assert heard == ["org.pv.Partial"]
    finally:
        only.stop()
        write.stop()


def case_rule_role(world, link):
    viewer = Mediator(world, ["--call=org.pv.Partial=org.pv.Iface.Get"])
    try:
        with link.peer() as admin, viewer.peer() as peer:
            assert admin.ask("org.pv.Partial", "Set", interface="org.pv.Iface").kind == REPLY
            assert peer.ask("org.pv.Partial", "Set", interface="org.pv.Iface").error == DENIED
            assert peer.ask("org.pv.Partial", "Get", interface="org.pv.Iface").kind == REPLY
            assert peer.ask("org.pv.Allowed", "Get", interface="org.pv.Iface").error == UNKNOWN
            admin.own("org.pv.Mine.A")
            assert peer.ask(admin.name, "Do", interface="org.any").error == UNKNOWN
    finally:
        viewer.stop()


def case_rule_signal_to(world, link):
    with link.peer() as peer:
        for target in ("org.pv.Hidden", world.hidden.unique, "org.pv.Seen", world.seen.unique):
            peer.write(SIGNAL, destination=target, interface="org.pv.Iface", member="Ok", path=OBJ)
        for target in ("org.pv.Partial", world.partial.unique):
            peer.write(SIGNAL, destination=target, interface="org.pv.Other", member="Ok", path=OBJ)
            peer.write(SIGNAL, destination=target, interface="org.pv.Iface", member="Ok", path="/else")
        peer.settle()
    assert not world.delivered()


@pytest.mark.parametrize("case", CASES["scenarios"], ids=lambda c: c["id"])
def test_scenario(case, world, link):
    """Every scenario of the file has a function of its name here."""
    globals()["case_" + case["id"].replace("-", "_")](world, link)


# --- more of the same kinds -------------------------------------------------------------------------------------------

def test_rights_go_with_the_name(world, link, client):
    first = Service(world.path, ["org.pv.Moving"])
    second = Service(world.path, [])
    try:
        client.match(ALL_CHANGES)
        assert client.ask(first.unique, "Do", interface="org.any").kind == REPLY
        first.ask_bus("ReleaseName", "s", ["org.pv.Moving"])
        second.names.append("org.pv.Moving")
        assert client.next().args() == ["org.pv.Moving", first.unique, ""]
        second.ask_bus("RequestName", "su", ["org.pv.Moving", 0])
        assert client.next().args() == ["org.pv.Moving", "", second.unique]
        assert client.ask(first.unique, "Do", interface="org.any").error == UNKNOWN
        assert client.ask(second.unique, "Do", interface="org.any").kind == REPLY
        client.match("type='signal'")
        first.emit("org.any", "Old")
        second.emit("org.any", "New")
        assert [h.member for h in client.quiet() if h.interface == "org.any"] == ["New"]
    finally:
        first.stop()
        second.stop()


def test_top_serials_are_the_clients_to_use(client):
    for serial in (0xffffffff, 0xfffffffe, 0xffff0000, 1, 0x80000000):
        client.write(CALL, destination="org.pv.Allowed", interface="org.any", member="Do", path=OBJ, serial=serial)
        assert client.answer(serial).kind == REPLY


def test_mediators_can_be_nested(world, link):
    inner = Mediator(world, DEFAULT_POLICY, bus=link.path)
    try:
        with inner.peer() as peer:
            assert peer.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
            assert peer.ask("org.pv.Hidden", "Do", interface="org.any").error == UNKNOWN
    finally:
        inner.stop()


def test_answers_come_in_the_order_of_the_questions(client):
    serials = []
    for _ in range(50):
        serials.append(client.write(CALL, destination=BUS, interface=BUS, member="GetId", path=BUS_PATH))
        serials.append(client.write(CALL, destination="org.pv.Hidden", interface="org.any", member="Do", path=OBJ))
    assert [client.next().reply_serial for _ in serials] == serials


def test_undeclared_peers_cannot_reach_the_client(world, client):
    world.hidden.write(CALL, destination=client.name, interface="org.any", member="Push", path=OBJ)
    world.hidden.write(SIGNAL, destination=client.name, interface="org.any", member="Push", path=OBJ)
    world.hidden.write(REPLY, destination=client.name, reply_serial=1)
    client.match("type='signal'")
    world.hidden.emit("org.any", "Shout")
    assert client.quiet() == []
    assert [h.error for h in world.delivered("hidden")] == [DENIED]


def test_an_owned_name_serves_everybody(world, client):
    client.own("org.pv.Mine.A")
    caller = Peer(world.path)
    serial = caller.write(CALL, "s", ["x"], destination="org.pv.Mine.A", interface="org.any", member="Do", path=OBJ)
    call = next(h for h in iter(client.next, None) if h.kind == CALL)
    assert call.sender == caller.name and call.args() == ["x"]
    assert client.ask(BUS, "GetConnectionUnixUser", "s", [caller.name]).kind == REPLY
    client.write(SIGNAL, destination=caller.name, interface="org.pv.Mine", member="Progress", path=OBJ)
    client.write(REPLY, "s", ["y"], destination=caller.name, reply_serial=call.serial)
    assert caller.answer(serial).args() == ["y"]
    assert [h.member for h in caller.kept if h.sender == client.name] == ["Progress"]
    caller.close()
    wait_until(lambda: client.ask(BUS, "GetConnectionUnixUser", "s", [caller.name]).error == NO_OWNER)
    assert client.ask(BUS, "RequestName", "su", ["org.pv.Other", 0]).error == DENIED


def test_broadcasts_only_in_the_name_of_what_the_client_may_own(world, client):
    with Peer(world.path) as listener:
        listener.match("type='signal',interface='org.pv.Iface'")
        listener.match("type='signal',interface='org.pv.Mine.Iface'")
        listener.match("type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.pv.Fake'")
        client.own("org.pv.Mine.A")
        client.write(SIGNAL, interface="org.pv.Iface", member="Ok", path=OBJ)
        client.write(SIGNAL, "sss", ["org.pv.Fake", "", ":1.1"], interface=BUS, member="NameOwnerChanged", path=BUS_PATH)
        client.write(SIGNAL, interface="org.pv.Mine.Iface", member="Ok", path=OBJ)
        client.settle()
        assert [h.interface for h in listener.quiet()] == ["org.pv.Mine.Iface"]


def test_broadcasts_in_follow_the_rule_although_the_name_may_be_called(world, client):
    client.match("type='signal'")
    for interface, member, path in (("org.pv.Iface", "Ok", OBJ), ("org.pv.Iface", "Other", OBJ),
                                    ("org.pv.Iface", "Ok", "/else"), ("org.pv.Else", "Ok", OBJ)):
        world.partial.emit(interface, member, path)
    world.seen.emit("org.pv.Iface", "Ok")
    world.shared.emit("org.any", "Heard")
    assert {(h.interface, h.member, h.path) for h in client.quiet()} == {("org.pv.Iface", "Ok", OBJ),
                                                                        ("org.any", "Heard", OBJ)}


def test_eavesdropping_is_refused_however_it_is_written(client):
    for rule in ("eavesdrop='true'", "eavesdrop=true", "eavesdrop ='true'", " eavesdrop='true'",
                 "eavesdrop\t='true'", "type='signal',eavesdrop='true'", "eavesdrop='tr''ue'", "eavesdrop=\\'true"):
        assert client.ask(BUS, "AddMatch", "s", [rule]).kind == ERROR, rule
    assert client.ask(BUS, "AddMatch", "s", ["eavesdrop='false',type='signal'"]).kind == REPLY


def test_descriptors_arrive_with_their_message(world, client):
    with open(os.devnull, "rb") as null:
        for count in (1, 3, 16):
            reply = client.answer(client.write(CALL, destination="org.pv.Allowed", interface="org.any", member="Take",
                                               path=OBJ, fds=[null.fileno()] * count))
            assert reply.kind == REPLY
        assert client.answer(client.write(CALL, destination="org.pv.Allowed", interface="org.any", member="Take",
                                          path=OBJ, fds=[null.fileno()] * 17)).error == DENIED
        client.own("org.pv.Mine.A")
        world.hidden.write(CALL, destination="org.pv.Mine.A", interface="org.any", member="Take", path=OBJ,
                           fds=[null.fileno()] * 2)
        call = next(h for h in iter(client.next, None) if h.kind == CALL)
        assert len(call.fds) == 2
        for fd in call.fds:
            os.close(fd)


def test_a_declared_body_of_128_mebibytes_costs_nothing(world, link):
    peers = []
    before = link.memory()
    for _ in range(50):
        peer = link.peer()
        peers.append(peer)
        data = bytearray(wire.message(CALL, 9, "ay", [b""], destination="org.pv.Allowed", interface="org.any",
                                      member="Do", path=OBJ))
        data[4:8] = (127 << 20).to_bytes(4, "little")
        peer.send(bytes(data) + b"x")
    time.sleep(0.2)
    assert link.memory() - before < 50 * 512
    for peer in peers:
        peer.close()


def test_a_bus_that_restarts_is_a_new_connection_away(tmp_path):
    bus = Daemon(str(tmp_path))
    holder = type("Holder", (), {"path": bus.path, "new_path": lambda self: str(tmp_path / "link")})()
    link = Mediator(holder, ["--talk=org.pv.Allowed"])
    try:
        with link.peer() as peer:
            bus.stop()
            assert peer.closed()
        bus = Daemon(str(tmp_path))
        with link.peer() as peer:
            assert peer.ask(BUS, "GetId").kind == REPLY
    finally:
        link.stop()
        bus.stop()


@pytest.mark.parametrize("upstream, error", [("absent", "org.freedesktop.DBus.Error.NoServer"), ("denied", DENIED)])
def test_a_link_without_a_bus_says_so(world, upstream, error):
    link = Mediator(world, [], bus=upstream)
    try:
        with link.peer(login=False) as peer:
            peer.authenticate(fds=False)
            assert peer.ask(BUS, "Hello").error == error
            assert peer.closed()
    finally:
        link.stop()


# --- clients as people have them ----------------------------------------------------------------------------------------

GI_CLIENT = """
import sys
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync("unix:path=" + sys.argv[1], flags, None, None)
def call(name):
    return bus.call_sync(name, "/org/pv/obj/1", "org.pv.Iface", "Do", None, None, 0, 5000, None).unpack()[0]
print(call("org.pv.Partial"))
try:
    call("org.pv.Hidden")
except GLib.Error as error:
    print(Gio.DBusError.get_remote_error(error))
"""

PYTHON_DBUS_CLIENT = """
import sys, dbus
bus = dbus.bus.BusConnection("unix:path=" + sys.argv[1])
def call(name):
    return bus.call_blocking(name, "/org/pv/obj/1", "org.pv.Iface", "Do", "", ())
print(call("org.pv.Partial"))
try:
    call("org.pv.Hidden")
except dbus.DBusException as error:
    print(error.get_dbus_name())
"""


@pytest.mark.parametrize("client, good, bad", [
    (["dbus-send", "--bus=unix:path={path}", "--print-reply", "--dest={name}", OBJ, "org.pv.Iface.Do"],
     'string "org.pv.Partial"', UNKNOWN),
    (["gdbus", "call", "--address", "unix:path={path}", "--dest", "{name}", "--object-path", OBJ, "--method",
      "org.pv.Iface.Do"], "('org.pv.Partial',)", UNKNOWN),
    (["busctl", "--address=unix:path={path}", "call", "{name}", OBJ, "org.pv.Iface", "Do"], 's "org.pv.Partial"',
     "The name org.pv.Hidden was not provided by any .service files"),
], ids=["dbus-send", "gdbus", "busctl"])
def test_a_command_line_client(link, client, good, bad):
    def run(name):
        words = [word.format(path=link.path, name=name) for word in client]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout + done.stderr
    assert good in run("org.pv.Partial")
    assert bad in run("org.pv.Hidden")


@pytest.mark.parametrize("script", [GI_CLIENT, PYTHON_DBUS_CLIENT], ids=["gi", "python-dbus"])
def test_a_python_library(link, script):
    done = subprocess.run(["/usr/bin/python3", "-c", script, link.path], capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.stdout.split() == ["org.pv.Partial", UNKNOWN], done.stderr
