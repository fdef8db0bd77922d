"""Hostile clients on the wire, against a real Weston: what one does is refused in the compositor's own words and hurts
nobody else."""

import contextlib
import os
import random
import signal
import socket
import struct
import time

import pytest

import host
import wayland_wire as wire
import wayland_world as world
from wayland_wire import BIND, CREATE_POOL, DISPLAY, GET_REGISTRY, REGISTRY, SYNC, message

HIDDEN = "weston_debug_v1"


@pytest.fixture(scope="module")
def weston():
    with world.running(world.Weston()) as one:
        yield one


@pytest.fixture(scope="module")
def link(weston):
    with world.running(world.Mediator(weston)) as one:
        yield one


@pytest.fixture(autouse=True)
def nobody_else_is_hurt(weston, link):
    """Around every test: a client that was there before, and one that comes after."""
    with wire.Peer(link.socket) as bystander:
        worker = host.named("xc-worker")
        yield
        bystander.roundtrip()
        assert bystander.error is None
    assert wire.works(link.socket) and weston.alive()
    assert host.wait_until(lambda: host.named("xc-worker") == worker), "a worker died"  # that of another link may be ending


def number(peer, interface):
    return peer.globals[interface][0]


# What a client may get wrong, as bytes; `p` is its connection.
MISTAKES = {
    "unknown global": lambda p: message(REGISTRY, BIND, 9999, "wl_shm", 1, p.new_id()),
    "wrong interface": lambda p: message(REGISTRY, BIND, number(p, "wl_shm"), "wl_compositor", 1, p.new_id()),
    "version too high": lambda p: message(REGISTRY, BIND, number(p, "wl_compositor"), "wl_compositor", 99, p.new_id()),
    "version zero": lambda p: message(REGISTRY, BIND, number(p, "wl_compositor"), "wl_compositor", 0, p.new_id()),
    "bad object": lambda p: message(77, 0),
    "bad opcode": lambda p: message(DISPLAY, 9),
    "id in use": lambda p: message(DISPLAY, SYNC, REGISTRY),
    "id with a gap": lambda p: message(DISPLAY, SYNC, 5000),
    "id of the compositor": lambda p: message(DISPLAY, SYNC, 0xff000000),
    "id null": lambda p: message(DISPLAY, SYNC, 0),
    "string without end": lambda p: message(REGISTRY, BIND, 1, struct.pack("<I", 8) + b"a" * 8, 1, p.new_id()),
    "string that is longer": lambda p: message(REGISTRY, BIND, 1, struct.pack("<I", 4000) + b"a" * 8, 1, p.new_id()),
    "string without length": lambda p: message(REGISTRY, BIND, 1, struct.pack("<I", 0xffffffff), 1, p.new_id()),
    "arguments missing": lambda p: message(DISPLAY, SYNC),
}
OUR_OWN = {
    "arguments too many": lambda p: message(DISPLAY, SYNC, p.new_id(), 0),
    "length 0": lambda p: message(DISPLAY, SYNC, p.new_id(), size=0),
    "length 4": lambda p: message(DISPLAY, SYNC, p.new_id(), size=4),
    "length odd": lambda p: message(DISPLAY, SYNC, p.new_id(), size=13) + bytes(1),
    "length endless": lambda p: message(DISPLAY, SYNC, p.new_id(), size=65532),
    "endless string": lambda p: message(REGISTRY, BIND, 1, "a" * 8000, 1, p.new_id()),
    "an object of another interface": lambda p: message(DISPLAY, GET_REGISTRY, p.bind("wl_shm")),
}


def refusal(path, mistake):
    with wire.Peer(path) as peer:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.send(mistake(peer))
        return peer.fate()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_in_the_compositors_own_words(weston, link, name):
    direct, mediated = refusal(weston.socket, MISTAKES[name]), refusal(link.socket, MISTAKES[name])
    assert mediated == direct and mediated is not None


@pytest.mark.parametrize("name", OUR_OWN)
def test_what_the_compositor_may_tolerate_is_refused_all_the_same(link, name):
    about, code, text = refusal(link.socket, OUR_OWN[name])
    assert code == 1 and text.startswith("invalid "), (about, text)


def test_a_hidden_global_does_not_exist(weston, link):
    with wire.Peer(weston.socket) as direct:
        hidden = number(direct, HIDDEN)
    error = refusal(link.socket, lambda p: message(REGISTRY, BIND, hidden, HIDDEN, 1, p.new_id()))
    assert error == (REGISTRY, 0, f"invalid global {HIDDEN} ({hidden})")
    for name in range(64):  # every number, under every name it could have
        error = refusal(link.socket, lambda p, name=name: message(REGISTRY, BIND, name, HIDDEN, 1, p.new_id()))
        assert error[1] == 0 and error[2].startswith("invalid ")


def test_a_pool_without_a_descriptor_is_refused_as_directly(weston, link):
    def attempt(path):
        return refusal(path, lambda p: message(p.bind("wl_shm"), CREATE_POOL, p.new_id(), 4096))
    assert attempt(link.socket) == attempt(weston.socket) == (1, 1, "invalid arguments for wl_shm@4.create_pool")


@contextlib.contextmanager
def memory(size, directory=None):
    """A descriptor of a file with so many bytes; without a directory it is a memfd."""
    number = os.memfd_create("pool") if directory is None else os.open(directory, os.O_TMPFILE | os.O_RDWR)
    try:
        os.truncate(number, size)
        yield number
    finally:
        os.close(number)


def pool_of(peer, number, size=4096):
    shm = peer.bind("wl_shm")
    peer.send(message(shm, CREATE_POOL, peer.new_id(), size), [number])
    return shm


@pytest.mark.parametrize("size", [0, 1, 4095])
def test_a_pool_larger_than_its_memory_is_refused_before_the_compositor_maps_it(link, size):
    with wire.Peer(link.socket) as peer, memory(size) as number:
        shm = pool_of(peer, number)
        assert peer.fate() == (shm, 2, "the descriptor is not shared memory of 4096 bytes")


def test_a_pool_of_memory_is_passed_on_with_its_size(link):
    for size in (4096, 4097, 1 << 20):
        for directory in (None, "/dev/shm", os.path.dirname(__file__)):
            with wire.Peer(link.socket) as peer, memory(size, directory) as number:
                pool_of(peer, number)
                peer.roundtrip()
                assert peer.error is None


def test_a_size_that_is_none_gets_the_compositors_own_answer(weston, link):
    def attempt(path, size):
        with wire.Peer(path) as peer, memory(4096) as number:
            pool_of(peer, number, size)
            return peer.fate()
    for size in (0, 0xffffffff, 0x80000000):
        assert attempt(link.socket, size) == attempt(weston.socket, size) is not None


@contextlib.contextmanager
def no_memory(sort):
    """Descriptors that whoever maps or reads them may have to wait for, or that cannot be mapped at all."""
    with contextlib.ExitStack() as stack:
        if sort == "pipe":
            ends = os.pipe()
            yield ends[0]
            os.close(ends[0])
            os.close(ends[1])
        elif sort == "socket":
            yield stack.enter_context(socket.socket(socket.AF_UNIX)).fileno()
        else:
            number = os.open(sort, os.O_RDONLY)
            stack.callback(os.close, number)
            yield number


@pytest.mark.parametrize("sort", ["pipe", "socket", "/dev/zero", "/dev/null", "/proc/self/maps", "/dev/shm",
                                  "/sys/kernel/notes"])
def test_a_pool_of_what_is_no_memory_is_refused(link, sort):
    with wire.Peer(link.socket) as peer, no_memory(sort) as number:
        shm = pool_of(peer, number)
        assert peer.fate() == (shm, 2, "the descriptor is not shared memory of 4096 bytes")


def test_253_descriptors_at_once_end_the_connection(link):
    with wire.Peer(link.socket) as peer, open("/dev/null", "rb") as null:
        with contextlib.suppress(OSError):
            peer.send(message(DISPLAY, SYNC, peer.new_id()), [null.fileno()] * 253)
        assert peer.fate() == (DISPLAY, 1, "descriptors that no request claims")


def test_a_flood_of_descriptors_ends_early_and_leaves_none_behind(link):
    worker = host.named("xc-worker")[0]
    before = len(host.descriptors(worker))
    with wire.Peer(link.socket) as peer, open("/dev/null", "rb") as null:
        most = 0
        with contextlib.suppress(OSError):
            for _ in range(100):
                peer.send(message(DISPLAY, SYNC, peer.new_id()), [null.fileno()] * 28)
                most = max(most, len(host.descriptors(worker)))
        assert peer.fate() == (DISPLAY, 1, "descriptors that no request claims")
        assert most < before + 400
    assert wire.eventually(lambda: len(host.descriptors(worker)) <= before)


def test_a_message_cut_short_is_never_delivered(weston, link):
    with wire.Peer(link.socket) as peer:
        peer.send(message(DISPLAY, SYNC, peer.new_id())[:10])
    log = weston.log()
    assert "invalid" not in log[-300:]


def test_a_conversation_byte_by_byte(link):
    with wire.Peer(link.socket, registry=False) as peer:
        for byte in message(DISPLAY, GET_REGISTRY, REGISTRY) + message(DISPLAY, SYNC, 3):
            peer.send(bytes([byte]))
        peer.wait_for(3)
        assert "wl_shm" in peer.globals and HIDDEN not in peer.globals


def pools(peer, count, together=28):
    """As libwayland flushes: the descriptors of many requests with the first bytes."""
    shm = peer.bind("wl_shm")
    memory = os.memfd_create("pool")
    os.truncate(memory, 4096)
    for first in range(0, count, together):
        here = min(together, count - first)
        peer.send(b"".join(message(shm, CREATE_POOL, peer.new_id(), 4096) for _ in range(here)), [memory] * here)
    os.close(memory)


@pytest.mark.parametrize("together", [1, 28])
def test_a_burst_of_300_pools_passes(link, together):
    with wire.Peer(link.socket) as peer:
        pools(peer, 300, together)
        peer.roundtrip()
        assert peer.error is None


def test_a_burst_waits_for_a_compositor_that_is_busy(weston, link):
    with wire.Peer(link.socket) as peer:
        os.kill(weston.processes[0].pid, signal.SIGSTOP)
        try:
            pools(peer, 300)
            time.sleep(0.5)
        finally:
            os.kill(weston.processes[0].pid, signal.SIGCONT)
        peer.roundtrip()
        assert peer.error is None


def stalled(path, count):
    """Asks `count` times and reads nothing meanwhile; how many answers there were in the end."""
    with wire.Peer(path) as peer:
        first = peer.next_id
        try:
            for start in range(0, count, 100):
                peer.send(b"".join(message(DISPLAY, SYNC, peer.new_id()) for _ in range(min(100, count - start))))
                time.sleep(0.0005)
        except OSError:
            pass
        answers = 0
        with contextlib.suppress(wire.Closed, OSError):
            while answers < count:
                target, opcode, _ = peer.event()
                answers += opcode == 0 and target >= first
        return answers


def test_a_client_that_does_not_read_lives_where_it_would_die_without_us(weston, link):
    assert stalled(weston.socket, 60000) < 60000
    assert stalled(link.socket, 60000) == 60000  # 1.44 MB of events


def test_a_client_that_never_reads_ends_at_the_bound(link):
    worker = host.named("xc-worker")[0]
    assert stalled(link.socket, 150000) < 150000
    resident = lambda: int(host.status_of(worker)["VmRSS"].split()[0])
    assert host.wait_until(lambda: resident() < 12 * 1024), "KiB"


def test_noise_hurts_nobody(link):
    dice = random.Random(20)
    good = [message(DISPLAY, SYNC, 4), message(REGISTRY, BIND, 1, "wl_compositor", 1, 4), message(DISPLAY, GET_REGISTRY, 4)]
    for _ in range(300):
        with wire.Peer(link.socket) as peer:
            data = bytearray(dice.choice(good) + dice.choice(good))
            for _ in range(dice.randrange(1, 4)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            with contextlib.suppress(OSError):
                peer.send(bytes(data[:dice.randrange(1, len(data) + 1)]))


def test_a_compositor_that_leaves_takes_its_clients_with_it_and_comes_back():
    with world.running(world.Weston("brief")) as brief, world.running(world.Mediator(brief)) as link:
        with wire.Peer(link.socket) as peer:
            brief.processes[0].terminate()
            assert peer.fate() is None
        brief.processes[0].wait(60)  # it lets its clients go before its socket
        with wire.Peer(link.socket, registry=False) as peer:
            about, code, text = peer.fate()
            assert (about, code) == (DISPLAY, 3) and text.endswith("now") or "reached" in text
        brief.launch(["weston", "--backend=headless-backend.so", "--use-pixman", "--no-config", "--socket=wayland-0"],
                     ready=lambda: world.accepts(brief.socket))
        assert wire.eventually(lambda: wire.works(link.socket))
