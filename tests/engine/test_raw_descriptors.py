"""Descriptors on a raw link: each with its own byte or message, in order, none early, late or lost, whatever the load."""

import os
import random
import socket
import struct

import pytest

from raw_links import Link, receive, send
from waiting import in_thread

FILES = 32
HEAD = struct.Struct("!III")  # number, payload bytes, descriptors
COUNT = 4000


@pytest.fixture(scope="module")
def files():
    """Open files that can be told apart by their inode."""
    numbers = [os.memfd_create(str(i)) for i in range(FILES)]
    yield {os.fstat(number).st_ino: i for i, number in enumerate(numbers)}, numbers
    for number in numbers:
        os.close(number)


def which(files, descriptors):
    """Which of the files these are; closes them."""
    found = []
    for descriptor in descriptors:
        found.append(files[0][os.fstat(descriptor).st_ino])
        os.close(descriptor)
    return found


def frames(seed):
    """(number, payload, indices of files); most frames have no descriptors."""
    dice = random.Random(seed)
    for number in range(COUNT):
        size = dice.choice([0, 1, 7, 100, 1000, 5000, 40000]) if dice.random() < 0.9 else dice.randrange(200000)
        yield number, bytes([number % 251]) * size, [dice.randrange(FILES) for _ in range(dice.choice([0, 0, 1, 2, 5]))]


def speak(sock, files, seed):
    """Frames whose descriptors go with the first byte of the head; heads and payloads in writes of any size."""
    dice = random.Random(seed + 1)
    for number, payload, indices in frames(seed):
        data = HEAD.pack(number, len(payload), len(indices)) + payload
        cut = dice.choice([1, HEAD.size, len(data)])
        sent = send(sock, data[:cut], [files[1][index] for index in indices])
        while sent < len(data):
            sent += sock.send(data[sent:sent + dice.choice([3, 500, 100000])] if dice.random() < 0.2 else data[sent:])


def exactly(sock, size):
    data, descriptors = b"", []
    while len(data) < size:
        more, came = receive(sock, size - len(data))
        assert more, "the stream ended early"
        assert not came or not data, "a descriptor came late: not with the first byte of what is read"
        data, descriptors = data + more, descriptors + came
    return data, descriptors


def listen(sock, files, seed):
    """A reader that asks for one byte, the rest of a head, a payload: a descriptor out of its place cannot hide."""
    passed = 0
    for number, payload, indices in frames(seed):
        first, descriptors = exactly(sock, 1)
        assert which(files, descriptors) == indices, f"frame {number} has other descriptors"
        rest, early = exactly(sock, HEAD.size - 1)
        assert not early, f"frame {number}: {len(early)} descriptors in its head"
        assert HEAD.unpack(first + rest) == (number, len(payload), len(indices))
        body, early = exactly(sock, len(payload)) if payload else (b"", [])
        assert not early, f"frame {number}: {len(early)} descriptors came before their frame"
        assert body == payload
        passed += len(indices)
    return passed


@pytest.mark.parametrize("straight", [True, False], ids=["direct", "through the link"])
def test_thousands_of_descriptors_each_with_its_byte_while_both_sides_and_a_neighbour_press(files, straight):
    with Link() as link:
        client, server = link.pair(straight)
        other, sink = link.pair(straight)
        noise = in_thread(lambda: [other.sendall(bytes(1 << 20)) for _ in range(200)] and other.close())
        waste = in_thread(lambda: sum(len(data) for data in iter(lambda: sink.recv(1 << 18), b"")))
        for sock in (client, server):
            sock.settimeout(60)
        acts = [in_thread(lambda s=sock, n=seed: speak(s, files, n)) for sock, seed in ((client, 1), (server, 2))]
        ears = [in_thread(lambda s=sock, n=seed: listen(s, files, n)) for sock, seed in ((server, 1), (client, 2))]
        for act in acts:
            act.result(300)
        expected = [sum(len(indices) for _, _, indices in frames(seed)) for seed in (1, 2)]
        assert [ear.result(300) for ear in ears] == expected and sum(expected) > 5000
        noise.result(300)
        assert waste.result(300) == 200 << 20
        client.close(), server.close(), sink.close()


def test_a_slow_reader_gets_every_descriptor_of_a_sender_that_does_not_wait(files):
    """Far more in flight than one user may have: the link waits until the reader has taken some."""
    with Link() as link:
        client, server = link.pair(False)
        client.settimeout(60)

        def pour():
            for i in range(1500):
                send(client, bytes([i % 256]), [files[1][i % FILES]] * 2)
            client.shutdown(socket.SHUT_WR)

        sender = in_thread(pour)
        got = []
        while True:
            data, descriptors = receive(server, 1)
            if not data:
                break
            got.append((data[0], which(files, descriptors)))
        sender.result(300)
        assert got == [(i % 256, [i % FILES] * 2) for i in range(1500)]


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
def test_one_more_descriptor_than_the_role_may_pass_ends_the_connection_and_passes_none(files, kind):
    with Link(kind, fds=3) as link:
        client, server = link.pair(False)
        send(client, b"three", files[1][:3])
        data, descriptors = receive(server, 100)
        assert (data, which(files, descriptors)) == (b"three", [0, 1, 2])
        send(client, b"four", files[1][:4])
        data, descriptors = receive(server, 100)
        assert (data, descriptors) == (b"", [])


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
def test_without_a_grant_no_descriptor_passes(files, kind):
    with Link(kind, fds=0) as link:
        client, server = link.pair(False)
        try:
            send(client, b"x", files[1][:1])
        except PermissionError:  # the kernel itself refuses, from Linux 6.16 on, once the client is accepted
            client.close()
        assert receive(server, 100) == (b"", [])


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
@pytest.mark.parametrize("count", [1, 2, 252, 253])
def test_as_many_descriptors_as_the_kernel_allows_keep_their_order(files, kind, count):
    with Link(kind) as link:
        client, server = link.pair(False)
        for one, other in ((client, server), (server, client)):
            send(one, b"x", [files[1][i % FILES] for i in range(count)])
            data, descriptors = receive(other, 1)
            assert (data, which(files, descriptors)) == (b"x", [i % FILES for i in range(count)])
