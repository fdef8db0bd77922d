"""Both ends of a Wayland link at their worst: compositors that lie to the herald or to a client, and clients that use what
they no longer have. Nobody but the liar's own connection is hurt."""

import array
import contextlib
import os
import socket
import threading
import time
from types import SimpleNamespace

import pytest

import host
import house
import wayland_wire as wire
import wayland_world as world
from wayland_wire import BIND, CREATE_POOL, DELETE_ID, DISPLAY, DONE, ERROR, GET_REGISTRY, GLOBAL, REGISTRY, SYNC, message

CONTEXTS = "wp_security_context_manager_v1"


class Liar:
    """A compositor that answers what a herald asks, and then `lies` to clients; `herald` is told lies at once."""

    def __init__(self, name, lie, herald=False):
        self.directory = house.WORK / name
        self.directory.mkdir(mode=0o700)
        self.socket = self.directory / "wayland-0"
        self.lie, self.herald, self.served, self.open = lie, herald, 0, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                self.open.append(peer)
                self.served += 1
                threading.Thread(target=self.talk, args=[peer, self.served == 1], daemon=True).start()

    def talk(self, peer, first):
        with contextlib.suppress(OSError):
            peer.recv(4096)
            if first and not self.herald:
                peer.sendall(message(REGISTRY, GLOBAL, 1, "wl_shm", 1) + message(3, DONE, 0))
                return
            if not first:
                peer.sendall(message(REGISTRY, GLOBAL, 1, "wl_shm", 1))
            self.lie(peer)

    def stop(self):
        for one in [self.listener, *self.open]:
            one.close()
        world.subprocess.run(["rm", "-rf", str(self.directory)], check=True)


def endless(peer):
    end = time.monotonic() + 7
    while time.monotonic() < end:
        peer.sendall(message(REGISTRY, GLOBAL, 1, "wl_shm", 1) * 100)


def with_descriptors(peer, count=253):
    with open("/dev/null", "rb") as null:
        peer.sendmsg([message(DISPLAY, DELETE_ID, 99)],
                     [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null.fileno()] * count))])
    peer.recv(1)


LIES = {
    "noise": lambda peer: peer.sendall(os.urandom(4000)),
    "length 0": lambda peer: peer.sendall(message(DISPLAY, DELETE_ID, 3, size=0)),
    "length odd": lambda peer: peer.sendall(message(DISPLAY, DELETE_ID, 3, size=13) + b"x"),
    "string without end": lambda peer: peer.sendall(message(REGISTRY, GLOBAL, 1, b"\x08\0\0\0aaaaaaaa", 1)),
    "253 descriptors": with_descriptors,
}
TO_A_CLIENT = {
    **LIES,
    "unknown object": lambda peer: peer.sendall(message(77, 0)),
    "unknown event": lambda peer: peer.sendall(message(DISPLAY, 9)),
    "event of an object of its own": lambda peer: peer.sendall(message(0xff000000, 0)),
}
TO_A_HERALD = {
    **LIES,
    "the end": lambda peer: peer.shutdown(socket.SHUT_RDWR),
    "an error": lambda peer: peer.sendall(message(DISPLAY, ERROR, 1, 0, "go away")),
    "an offer and the end": lambda peer: (peer.sendall(message(REGISTRY, GLOBAL, 5, CONTEXTS, 1) + message(3, DONE, 0)),
                                          peer.recv(4096), peer.shutdown(socket.SHUT_RDWR)),
    "globals without end": endless,
}


@pytest.mark.parametrize("name", TO_A_CLIENT)
def test_a_compositor_that_breaks_the_protocol_loses_that_connection(name):
    with world.running(Liar("liar", TO_A_CLIENT[name])) as liar, world.running(world.Mediator(liar)) as link:
        for _ in range(2):
            with wire.Peer(link.socket, registry=False) as peer:
                peer.send(message(DISPLAY, GET_REGISTRY, REGISTRY) + message(DISPLAY, SYNC, 3))
                peer.socket.settimeout(60)
                error = peer.fate()
                assert error in [(DISPLAY, 3, "the compositor broke the protocol"), None]
        assert liar.served == 3 and len(host.named("xc-worker")) == 1


@pytest.mark.parametrize("name", TO_A_HERALD)
def test_a_herald_that_is_lied_to_brings_no_client_in(name):
    with world.running(Liar("liar", TO_A_HERALD[name], herald=True)) as liar, world.running(world.Mediator(liar)) as link:
        with wire.Peer(link.socket, registry=False) as peer:
            peer.socket.settimeout(60)
            assert peer.fate() == (DISPLAY, 3, "this display could not be reached")
        assert liar.served == 1 and len(host.named("xc-worker")) == 1


@pytest.fixture(scope="module")
def weston():
    with world.running(world.Weston("weston-hostile")) as one:
        yield one


@pytest.fixture(scope="module")
def link(weston):
    with world.running(world.Mediator(weston)) as one:
        yield one


def surface_of(peer):
    compositor, surface = peer.bind("wl_compositor"), peer.new_id()
    peer.send(message(compositor, 0, surface))
    return SimpleNamespace(compositor=compositor, surface=surface)


def used_after_its_end(peer):
    had = surface_of(peer)
    peer.send(message(had.surface, 0) + message(had.surface, 6))


def ended_twice(peer):
    had = surface_of(peer)
    peer.send(message(had.surface, 0) + message(had.surface, 0))


def a_registry_that_was_never_there(peer):
    peer.send(message(peer.new_id(), BIND, 1, "wl_shm", 1, peer.new_id()))


@pytest.mark.parametrize("misuse", [used_after_its_end, ended_twice, a_registry_that_was_never_there])
def test_what_is_gone_is_gone_as_it_is_directly(weston, link, misuse):
    def fate(path):
        with wire.Peer(path) as peer:
            misuse(peer)
            return peer.fate()
    assert fate(link.socket) == fate(weston.socket) is not None
    assert wire.works(link.socket)


def test_every_registry_shows_the_same_and_serves(link):
    with wire.Peer(link.socket) as peer:
        seen = [set(peer.globals)]
        for _ in range(3):
            registry = peer.new_id()
            peer.send(message(DISPLAY, GET_REGISTRY, registry) + message(DISPLAY, SYNC, peer.next_id))
            callback, names = peer.new_id(), set()
            while (event := peer.event())[:2] != (callback, DONE):
                if event[:2] == (registry, GLOBAL):
                    names.add(event[2][8:].split(b"\0")[0].decode())
            seen.append(names)
            peer.send(message(registry, BIND, peer.globals["wl_shm"][0], "wl_shm", 1, peer.new_id()))
        peer.roundtrip()
        assert peer.error is None and seen[1:] == seen[:1] * 3 and "weston_debug_v1" not in seen[0]


def test_a_descriptor_that_came_with_another_message_is_looked_at_as_well(link):
    with wire.Peer(link.socket) as peer, open("/dev/zero", "rb") as zero:
        shm = peer.bind("wl_shm")
        peer.send(message(DISPLAY, SYNC, peer.new_id()), [zero.fileno()])
        peer.send(message(shm, CREATE_POOL, peer.new_id(), 4096))
        assert peer.fate() == (shm, 2, "the descriptor is not shared memory of 4096 bytes")


@pytest.mark.parametrize("size", [1, 7, 8, 11])
def test_half_a_request_and_then_the_end_is_an_end(weston, link, size):
    with wire.Peer(link.socket) as peer:
        peer.send(message(DISPLAY, SYNC, peer.new_id())[:size])
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.fate() is None
    assert wire.works(link.socket) and weston.alive()


def test_a_thousand_clients_that_come_and_go_leave_nothing(weston, link):
    assert wire.works(link.socket)
    worker = host.named("xc-worker")[0]
    processes = worker, weston.processes[0].pid
    before = [len(host.descriptors(pid)) for pid in processes]
    for _ in range(1000):
        with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(BlockingIOError):
            one.connect(str(link.socket))
            one.send(message(DISPLAY, GET_REGISTRY, REGISTRY))
    assert host.wait_until(lambda: all(len(host.descriptors(pid)) <= had for pid, had in zip(processes, before)), 20)
    assert host.named("xc-worker") == [worker] and wire.works(link.socket)
