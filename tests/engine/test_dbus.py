"""The D-Bus mediator between real clients and real buses: every scenario of tests/cases/dbus.json, and more of the
same kinds."""

import os
import subprocess
import sys
import threading
import time

import pytest

import dbus_speech
import dbus_traffic
import dbus_wire as wire
import host
from dbus_bus import Broker, Daemon
from dbus_world import *  # noqa: F403 (fixtures and vocabulary)


@pytest.mark.parametrize("case", CASES["scenarios"], ids=lambda c: c["id"])
def test_scenario(case, world, link):
    """Every scenario of the file has a function of its name here."""
    name = "case_" + case["id"].replace("-", "_")
    scenario = getattr(dbus_speech, name, None) or getattr(dbus_traffic, name)
    scenario(world, link)


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
        assert client.ask(second.unique, "Do", interface="org.any").kind == REPLY  # behind the signal
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
    assert host.wait_until(lambda: world.delivered("hidden"), 10)
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
        assert [h.interface for h in listener.settle().quiet()] == ["org.pv.Mine.Iface"]


def test_broadcasts_in_follow_the_rule_although_the_name_may_be_called(world, client):
    client.match("type='signal'")
    for interface, member, path in (("org.pv.Iface", "Ok", OBJ), ("org.pv.Iface", "Other", OBJ),
                                    ("org.pv.Iface", "Ok", "/else"), ("org.pv.Else", "Ok", OBJ)):
        world.partial.emit(interface, member, path)
    world.seen.emit("org.pv.Iface", "Ok")
    world.shared.emit("org.any", "Heard")
    world.delivered()  # the bus has every signal
    client.settle()
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


def test_a_burst_with_more_descriptors_than_may_be_in_flight_is_passed_on(world, link):
    with link.peer() as peer, open(os.devnull, "rb") as null:
        serials = [peer.write(CALL, destination="org.pv.Allowed", interface="org.any", member="Take", path=OBJ,
                              fds=[null.fileno()] * 16) for _ in range(100)]
        assert [peer.next().reply_serial for _ in serials] == serials
    wait_until(lambda: link.sockets() == 0, report=link.sockets)


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
            assert peer.closed(25)
        bus = Daemon(str(tmp_path))
        with link.peer() as peer:
            assert peer.ask(BUS, "GetId").kind == REPLY
    finally:
        link.stop()
        bus.stop()


def test_a_link_without_a_bus_says_so(world):
    link = Mediator(world, [], bus="/nowhere")
    try:
        with link.peer(login=False) as peer:
            peer.authenticate(fds=False)
            assert peer.ask(BUS, "Hello").error == "org.freedesktop.DBus.Error.NoServer"
            assert peer.closed(25)
    finally:
        link.stop()


# --- clients as people have them ----------------------------------------------------------------------------------------

GI_CLIENT = """
import sys
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync("unix:path=" + sys.argv[1], flags, None, None)
def call(name):
    return bus.call_sync(name, "/org/pv/obj/1", "org.pv.Iface", "Do", None, None, 0, 60000, None).unpack()[0]
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
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr
    assert good in run("org.pv.Partial")
    assert bad in run("org.pv.Hidden")


@pytest.mark.parametrize("script", [GI_CLIENT, PYTHON_DBUS_CLIENT], ids=["gi", "python-dbus"])
def test_a_python_library(link, script):
    done = subprocess.run(["/usr/bin/python3", "-c", script, link.path], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.stdout.split() == ["org.pv.Partial", UNKNOWN], done.stderr
