"""Scenarios of tests/cases/dbus.json: the handshake, headers of messages, names."""

import os
import subprocess
import threading
import time

import dbus_wire as wire
from dbus_world import *  # noqa: F403 (the vocabulary of every scenario)


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
        peer.send(wire.message(CALL, 1, destination="org.pv.Allowed", interface="org.any", member="Do", path=OBJ) +
                  b"\n" * 10)
        assert peer.closed()
    assert not world.delivered()


def case_auth_endless_line(world, link):
    with link.peer(login=False) as peer:
        before = link.memory()
        with pytest.raises(Closed):
            peer.send(b"\0AUTH EXTERNAL ")
            for _ in range(1024):
                peer.send(b"3" * 1024)
            peer.receive(25)  # before the time for a greeting is over
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
