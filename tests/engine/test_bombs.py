"""Messages that promise more than they bring, and clients that are gone before anybody could ask who they were."""

import ctypes
import os
import random
import signal
import socket
import struct
import time

import pytest

import bed as beds
import host
import wayland_wire
import wayland_world
from dbus_bus import Daemon
from dbus_wire import Closed, Peer
from dbus_world import Mediator as DbusMediator, World
from jobs import RAW_WISH, dialer, started

CONNECTIONS = 500
GROWTH = 4096  # KiB
CLONE_NEWNET = 0x40000000


def resident():
    return sum(int(host.status_of(pid).get("VmRSS", "0 kB").split()[0]) for pid in host.named("xc-worker"))


def bomb(path, words, bait):
    """Many connections, each saying `words` and then nothing more; how much the workers grew."""
    with bait(path):
        before, most = resident(), 0
        wires = []
        for _ in range(CONNECTIONS):
            wire = socket.socket(socket.AF_UNIX)
            wire.setblocking(False)
            try:
                wire.connect(path)
                wire.sendall(words)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass  # the backlog is full: the limit of connections holds
            wires.append(wire)
            most = max(most, resident())
        time.sleep(0.3)
        most = max(most, resident())
        for wire in wires:
            wire.close()
    return most - before


def test_res_09_a_length_of_d_bus_is_believed_only_as_far_as_bytes_came():
    world = World(Daemon)
    mediator = DbusMediator(world)
    try:
        head = struct.pack("<cBBBIII", b"l", 1, 0, 1, 128 << 20, 1, 100)
        login = b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\nBEGIN\r\n"
        assert bomb(mediator.path, login + head + b"x", Peer) < GROWTH
        with pytest.raises(Closed), Peer(mediator.path, hello=False) as peer:
            peer.send(head + b"x")
            while True:
                peer.receive()
        assert mediator.peer().hello
    finally:
        mediator.stop()
        world.stop()


def answers(path):
    """As soon as those who left are taken from the backlog."""
    try:
        return wayland_wire.works(path)
    except (BlockingIOError, TimeoutError):
        return False


def test_res_09_a_length_of_wayland_is_believed_only_as_far_as_bytes_came():
    with wayland_world.running(wayland_world.Weston()) as weston, \
            wayland_world.running(wayland_world.Mediator(weston)) as link:
        assert bomb(str(link.socket), struct.pack("=II", 1, 65532 << 16) + b"x", wayland_wire.Peer) < GROWTH
        assert host.wait_until(lambda: answers(link.socket), 20)


def stranger(libc, network, stays):
    """In a process of its own, which never comes back from here."""
    try:
        libc.setns(network, CLONE_NEWNET)
        one = socket.socket(socket.AF_UNIX)
        one.connect("\0modem-raw")
        one.send(b"stranger")
        if stays:
            signal.pause()
    finally:
        os._exit(0)


def test_idn_16_whoever_is_gone_before_it_is_known_is_nobody(bed, runc):
    """Strangers in the container's network namespace talk to its abstract name and are killed at once, or a little
    later: the provider must not even see them knock."""
    path = bed.home / "raw.sock"
    provider = socket.socket(socket.AF_UNIX)
    provider.bind(str(path))
    provider.listen(64)
    provider.settimeout(0)
    bed.host_services("raw.json", beds.services({"name": "modem-raw", "type": "unix", "socket": str(path)}))
    pid = started(runc, dialer(bed, wishes=[{**RAW_WISH, "target": "@modem-raw"}]))
    libc = ctypes.CDLL(None, use_errno=True)
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    heard = b""
    for number in range(300):
        child = os.fork()
        if child == 0:
            stranger(libc, network, stays=number % 2)
        time.sleep(random.random() / 200)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        heard += take_all(provider)
    os.close(network)
    time.sleep(0.3)
    heard += take_all(provider)
    assert heard == b"", "somebody was let in"
    with beds.in_background(pid, "xc-test-client", "echo", "@modem-raw", "a friend"):
        assert host.wait_until(lambda: b"a friend" in take_all(provider), 20), "nor does anybody else's"
    provider.close()


def take_all(listener):
    """Who waits there, and what they say."""
    heard = b""
    while True:
        try:
            one, _ = listener.accept()
        except BlockingIOError:
            return heard
        heard += b"somebody: "
        one.settimeout(60)  # who comes says something or ends, and that may be a moment behind it
        try:
            heard += one.recv(100)
        except (TimeoutError, ConnectionResetError):
            pass
        one.close()
