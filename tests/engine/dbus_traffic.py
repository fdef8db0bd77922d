"""Scenarios of tests/cases/dbus.json: the bus itself, descriptors, replies, resources, rules."""

import os
import subprocess
import threading
import time

import dbus_wire as wire
from dbus_world import *  # noqa: F403 (the vocabulary of every scenario)


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
    wait_until(lambda: link.sockets() == 0, report=link.sockets)


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

def case_res_many_conns(world, link):
    with link.peer() as first:
        peers, tries, end = [], 0, time.monotonic() + 60
        while (tries < 900 or len(peers) < 100) and time.monotonic() < end:
            tries += 1
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
        assert link.sockets() <= 200
        with Peer(world.path) as direct:
            assert direct.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
        for peer in peers:
            peer.close()
        wait_until(lambda: link.sockets() == 2, report=link.sockets)
        with link.peer() as last:
            assert last.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
    wait_until(lambda: link.sockets() == 0, report=link.sockets)


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
    wait_until(lambda: link.memory() < 3072, report=link.memory)  # the heap keeps some for the next


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
        thread.join(120)
        assert not thread.is_alive()
        assert max(highest, link.memory() - before) < 1024


def case_res_stop(world, link):
    peers = [link.peer() for _ in range(3)]
    workers = link.workers()
    assert len(workers) == 1 and link.sockets() == 6
    started = time.monotonic()
    link.end()
    for peer in peers:
        assert peer.closed()
        peer.close()
    link.process.wait(60)
    assert time.monotonic() - started < 25  # less than any patience of the link
    assert not os.path.exists(link.path)
    wait_until(lambda: not any(map(is_alive, workers)))


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
            heard = [h.args()[0] for h in (peer.next(), *peer.quiet(0.2))]
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
