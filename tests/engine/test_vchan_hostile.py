"""Peers that lie: about descriptors, about indices, about where the stream ends. A hostile peer may end its own channel;
it must not crash us, hold us up, make us read what nobody wrote, or leave a descriptor behind."""

import array
import contextlib
import ctypes
import fcntl
import mmap
import os
import select
import socket
import struct
import time

import pytest

from vchan_ends import CONNECTED, DISCONNECTED, Failed, soon, street, watchdog  # noqa: F401
from waiting import in_thread, readable

PAGE, RING = 4096, 1 << 20
HEAD, SWITCHED, SWITCH_AT, FINISHED, TAIL, ACCEPTED, LEFT, READER_WAITS, WRITER_WAITS = \
    64, 68, 72, 80, 128, 132, 136, 192, 256
F_ADD_SEALS, SHRINK, GROW, WRITE = 1033, 2, 4, 8
libc = ctypes.CDLL(None, use_errno=True)


def memory(size=PAGE + RING, seals=SHRINK | GROW, magic=b"xcvring1", flags=os.MFD_ALLOW_SEALING):
    descriptor = os.memfd_create("test", flags | os.MFD_CLOEXEC)
    os.truncate(descriptor, size)
    if magic and size > len(magic):
        os.pwrite(descriptor, magic, 0)
    if seals:
        fcntl.fcntl(descriptor, F_ADD_SEALS, seals)
    return descriptor


def bell(flags=os.O_NONBLOCK, count=1):
    return libc.eventfd(count, flags | os.O_CLOEXEC)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


class Liar:
    """A client made of a raw socket that offers a ring for what it says."""

    def __init__(self, street, offer=None):
        self.server = street.server()
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(street.path())
        self.offer = offer or [memory(), bell(), bell()]
        self.map = None

    def say(self, data=b"hello"):
        """The first bytes, and the offer with them."""
        self.line.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", self.offer))])
        assert self.server.recv(len(data)) == data

    def join(self):
        """Has the server read in our ring."""
        self.say()
        self.map = mmap.mmap(self.offer[0], PAGE + RING)
        assert self.word(ACCEPTED) == 1
        struct.pack_into("<Q", self.map, SWITCH_AT, 5)
        self.set(SWITCHED, 1)
        return self

    def word(self, at):
        return struct.unpack_from("<I", self.map, at)[0]

    def set(self, at, value):
        struct.pack_into("<I", self.map, at, value)

    def close(self):
        self.line.close()
        for one in self.offer:
            os.close(one)
        self.server.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def offers():
    """What no honest peer offers."""
    pipe = lambda: os.pipe()[0]
    yield "memory that can shrink", lambda: [memory(seals=0), bell(), bell()]
    yield "memory that can grow", lambda: [memory(seals=SHRINK), bell(), bell()]
    yield "memory that cannot be written", lambda: [memory(seals=SHRINK | GROW | WRITE), bell(), bell()]
    yield "another size", lambda: [memory(size=PAGE + RING + 1), bell(), bell()]
    yield "three quarters of a ring", lambda: [memory(size=PAGE + 3 * RING // 4), bell(), bell()]
    yield "a gibibyte for the reader to pay", lambda: [memory(size=PAGE + (1 << 30)), bell(), bell()]
    yield "a page alone", lambda: [memory(size=PAGE), bell(), bell()]
    yield "nothing at all", lambda: [memory(size=0), bell(), bell()]
    yield "another word in front", lambda: [memory(magic=b"xcvring2"), bell(), bell()]
    yield "huge pages that are not there", lambda: [memory(size=4 << 20, magic=b"", flags=os.MFD_HUGETLB |
                                                           os.MFD_ALLOW_SEALING), bell(), bell()]
    yield "a file", lambda: [os.open("/dev/zero", os.O_RDWR), bell(), bell()]
    yield "pipes for bells", lambda: [memory(), pipe(), pipe()]
    yield "bells that block", lambda: [memory(), bell(0), bell(0)]
    yield "bells that wake nobody", lambda: [memory(), bell(count=0), bell(count=0)]
    yield "sockets for bells", lambda: [memory(), *(s.detach() for s in socket.socketpair())]
    yield "one descriptor", lambda: [memory()]
    yield "four descriptors", lambda: [bell(), memory(), bell(), bell()]
    yield "two hundred descriptors", lambda: [bell() for _ in range(200)]


@pytest.mark.parametrize("offer", [pytest.param(make, id=name.replace(" ", "-")) for name, make in offers()])
def test_what_is_no_ring_is_not_used_and_not_kept(street, offer):
    before = descriptors()
    with Liar(street, offer()) as liar:
        without = descriptors()
        liar.say()
        with open("/proc/self/maps", encoding="ascii") as maps:
            assert "memfd:test" not in maps.read()
        assert descriptors() - without == 1  # the server's end of the stream, and nothing of the offer
        ours = descriptors()
        liar.line.sendall(b"more over the stream")
        assert liar.server.recv(20) == b"more over the stream"
        liar.server.write(b"answer")
        assert liar.line.recv(100) == b"answer"
        assert liar.server.state == CONNECTED
        assert descriptors() - ours <= 2  # the bells of our own offer
    assert descriptors() - before <= 2  # the far ends of what the table made


def test_a_ring_that_is_one_is_used(street):
    with Liar(street).join() as liar:
        liar.map[PAGE:PAGE + 4] = b"ring"
        liar.set(HEAD, 4)
        assert liar.server.recv(4) == b"ring"
        assert liar.word(TAIL) == 4


@pytest.mark.parametrize("lie", [RING + 1, 1 << 31, 0xffffffff])
def test_a_head_that_cannot_be_true_ends_the_channel(street, lie):
    with Liar(street).join() as liar:
        liar.set(HEAD, lie)
        with pytest.raises(Failed):
            liar.server.read(100)
        assert (liar.server.ready, liar.server.state) == (0, DISCONNECTED)
        liar.set(HEAD, 4)
        with pytest.raises(Failed):
            liar.server.read(100)


def test_a_switch_before_what_was_said_ends_the_channel(street):
    with Liar(street) as liar:
        liar.say()
        liar.map = mmap.mmap(liar.offer[0], PAGE + RING)
        struct.pack_into("<Q", liar.map, SWITCH_AT, 3)
        liar.set(SWITCHED, 1)
        with pytest.raises(Failed):
            liar.server.read(1)
        assert liar.server.state == DISCONNECTED


def test_a_switch_that_never_comes_is_waiting_and_nothing_else(street):
    with Liar(street) as liar:
        liar.say()
        liar.map = mmap.mmap(liar.offer[0], PAGE + RING)
        struct.pack_into("<Q", liar.map, SWITCH_AT, 1 << 60)
        liar.set(SWITCHED, 1)
        liar.server.set_blocking(False)
        assert liar.server.read(1) == b""
        liar.line.sendall(b"still the stream")
        assert liar.server.recv(16) == b"still the stream"


@pytest.mark.parametrize("lie", [1 << 31, 0xffffffff])
def test_a_tail_that_cannot_be_true_ends_the_writing(street, lie):
    with street.server() as server, socket.socket(socket.AF_UNIX) as line:
        line.connect(street.path())
        server.write(b"first")
        _, [(_, _, rights)], _, _ = line.recvmsg(100, socket.CMSG_SPACE(12))
        numbers = struct.unpack("3i", rights[:12])
        ring = mmap.mmap(numbers[0], PAGE + RING)
        struct.pack_into("<I", ring, ACCEPTED, 1)
        assert server.write(b"second") == 6  # in the ring
        assert ring[PAGE:PAGE + 6] == b"second"
        struct.pack_into("<I", ring, TAIL, lie)
        server.set_blocking(False)
        with pytest.raises(Failed):
            for _ in range(RING // 4096 + 2):
                server.write(bytes(4096))
        for number in numbers:
            os.close(number)


def test_a_ring_changed_all_the_time_is_survived(street):
    """Everything in the page is rewritten at random while the server reads, writes, waits and looks."""
    deadline = time.monotonic() + 3
    rounds = 0
    while time.monotonic() < deadline or rounds <= 100:
        with Liar(street).join() as liar:
            liar.server.fileno()
            liar.server.set_blocking(False)
            for _ in range(50):
                for at in (HEAD, SWITCHED, TAIL, READER_WAITS, WRITER_WAITS, FINISHED, LEFT):
                    if os.urandom(1)[0] < 64:
                        liar.set(at, struct.unpack("<I", os.urandom(4))[0] >> (os.urandom(1)[0] % 32))
                try:
                    assert len(liar.server.read(5000)) <= 4096
                    assert 0 <= liar.server.ready <= 4096 and 0 <= liar.server.space <= 4096
                    liar.server.write(b"x" * 100)
                    liar.server.wait()
                except Failed:
                    break
            rounds += 1
    assert rounds > 100


@contextlib.contextmanager
def sleeping_reader(street):
    """A server whose client, a raw socket, took its ring and says that it sleeps: its bell too."""
    with street.server() as server, socket.socket(socket.AF_UNIX) as line:
        line.connect(street.path())
        server.write(b"first")
        _, [(_, _, rights)], _, _ = line.recvmsg(100, socket.CMSG_SPACE(12))
        numbers = struct.unpack("3i", rights[:12])
        ring = mmap.mmap(numbers[0], PAGE + RING)
        struct.pack_into("<I", ring, ACCEPTED, 1)
        struct.pack_into("<I", ring, READER_WAITS, 1)
        yield server, numbers[1]
        for number in numbers:
            os.close(number)


def test_a_writer_is_not_held_up_by_a_bell_that_is_jammed(street):
    """The peer fills the bell's count and lets it block: ringing it must not hang."""
    with sleeping_reader(street) as (server, rung):
        fcntl.fcntl(rung, fcntl.F_SETFL, 0)
        os.write(rung, struct.pack("<Q", (1 << 64) - 3))
        writing = in_thread(lambda: server.write(b"second"))
        assert writing.result() == 6
        with pytest.raises(Failed):
            server.write(b"third")


def test_ringing_a_bell_wakes_and_adds_nothing_for_which_it_could_have_to_wait(street):
    with sleeping_reader(street) as (server, rung), select.epoll() as sleeper:
        sleeper.register(rung, select.EPOLLIN | select.EPOLLET)
        assert sleeper.poll(0) and not sleeper.poll(0)
        assert server.write(b"second") == 6
        assert sleeper.poll(10)
        assert struct.unpack("<Q", os.read(rung, 8)) == (1,)


def test_a_peer_that_dies_in_the_ring_is_noticed_and_its_bytes_are_read(street):
    with Liar(street).join() as liar:
        liar.map[PAGE:PAGE + 4] = b"last"
        liar.set(HEAD, 4)
        assert liar.server.read(100) == b"last"
        reading = in_thread(liar.server.read_to_end)
        time.sleep(0.1)
        liar.map[PAGE + 4:PAGE + 9] = b"words"
        liar.set(HEAD, 9)  # and the bell is not rung
        liar.line.close()
        assert reading.result() == b"words"
        assert soon(lambda: liar.server.state, DISCONNECTED) == DISCONNECTED


def test_memory_that_the_peer_empties_reads_as_zeroes(street):
    with Liar(street).join() as liar:
        liar.map[PAGE:PAGE + 4] = b"data"
        liar.set(HEAD, 4)
        libc.fallocate(liar.offer[0], 3, ctypes.c_long(PAGE), ctypes.c_long(RING))  # punch a hole, keep the size
        assert liar.server.recv(4) == bytes(4)


def test_a_bell_rung_for_nothing_is_no_event_for_ever(street):
    with Liar(street).join() as liar:
        liar.server.fileno()
        for _ in range(3):
            os.write(liar.offer[1], struct.pack("<Q", 1))
            while readable(liar.server):
                liar.server.wait()
            assert not select.select([liar.server], [], [], 0.05)[0]
