"""What AF_UNIX offers, one act at a time: the same client and the same server, once on the provider's own socket and once
through a raw link, must observe the same. Where they cannot, the difference is written down here as such."""

import errno
import fcntl
import os
import select
import socket
import struct
import termios
import time

import pytest

import host
from raw_links import Link, receive, send
from waiting import in_thread

BIG = 3 << 20


def name_of(error):
    return errno.errorcode.get(error.errno, type(error).__name__)


def attempt(act):
    """What the act gives, or the name of its errno."""
    try:
        return act()
    except OSError as error:
        return name_of(error)


def everything(sock, size=65536):
    parts = []
    while data := sock.recv(size):
        parts.append(data)
    return parts


def soon(act, wanted):
    """The act's result once it is `wanted`, or after some seconds whatever it is: a relay is one hop later."""
    seen = []
    host.wait_until(lambda: seen.append(act()) or seen[-1] == wanted)
    return seen[-1]


def has_come(sock, size):
    """Waits until so many bytes can be read, whatever lies between them."""
    soon(lambda: struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0] >= size, True)


# --- stream and seqpacket ------------------------------------------------------------------------------------------------
def bytes_go_both_ways(client, server):
    client.sendall(b"question")
    seen = [server.recv(100)]
    server.sendall(b"answer")
    return [*seen, client.recv(100)]


def server_speaks_first(client, server):
    server.sendall(b"220 welcome")
    return client.recv(100)


def half_close_of_the_client(client, server):
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    seen = everything(server)
    server.sendall(b"still answering")
    return [seen, client.recv(100), attempt(lambda: client.send(b"x"))]


def half_close_of_the_server(client, server):
    server.sendall(b"last words")
    server.shutdown(socket.SHUT_WR)
    seen = everything(client)
    client.sendall(b"still talking")
    return [seen, server.recv(100), attempt(lambda: server.send(b"x"))]


def end_after_data_when_the_client_closes(client, server):
    client.sendall(b"one")
    client.close()
    return everything(server)


def end_after_data_when_the_server_closes(client, server):
    server.sendall(b"one")
    server.close()
    return everything(client)


def writing_after_the_server_closed(client, server):
    server.close()
    return [client.recv(1), soon(lambda: attempt(lambda: client.send(b"x")), "EPIPE")]


def writing_after_the_client_closed(client, server):
    client.close()
    return [server.recv(1), soon(lambda: attempt(lambda: server.send(b"x")), "EPIPE")]


def writing_when_the_server_reads_no_more(client, server):
    server.shutdown(socket.SHUT_RD)
    return soon(lambda: attempt(lambda: client.send(b"x", socket.MSG_DONTWAIT)), "EPIPE")


def looking_does_not_take(client, server):
    client.sendall(b"abcdef")
    return [server.recv(3, socket.MSG_PEEK), server.recv(100, socket.MSG_PEEK), server.recv(100)]


def reading_nothing_does_not_wait(client, server):
    server.setblocking(False)
    return attempt(lambda: server.recv(1))


def everything_arrives_though_the_client_is_gone(client, server):
    """Drain on close: megabytes in flight when the sender leaves."""
    def pour():
        for i in range(BIG // 4096):
            client.sendall(bytes([i % 251]) * 4096)
        client.close()
    sender = in_thread(pour)
    time.sleep(0.05)
    whole = b"".join(everything(server))
    sender.result()
    return len(whole), whole == b"".join(bytes([i % 251]) * 4096 for i in range(BIG // 4096))


def a_sender_is_held_up_until_the_reader_reads(client, server):
    """Back-pressure: finite, and over when there is room again."""
    client.setblocking(False)
    sent = 0
    for _ in range(50):
        try:
            while sent < 1 << 26:
                sent += client.send(bytes(4096))
        except BlockingIOError:
            time.sleep(0.005)
    held = sent < 8 << 20
    got = 0
    while got < sent:
        got += len(server.recv(1 << 18))
    writable = bool(select.select([], [client], [], 60)[1])
    return held, got == sent, writable


def descriptors_come_in_order(client, server):
    pipes = [os.pipe() for _ in range(5)]
    send(client, b"x", [write for _, write in pipes])
    data, descriptors = receive(server, 10)
    for i, descriptor in enumerate(descriptors):
        os.write(descriptor, str(i).encode())
        os.close(descriptor)
    seen = [os.read(read, 10) for read, _ in pipes]
    for ends in pipes:
        os.close(ends[0]), os.close(ends[1])
    return data, seen


def a_socket_passed_on_works(client, server):
    ours, theirs = socket.socketpair()
    send(client, b"take this", [theirs.fileno()])
    theirs.close()
    data, [descriptor] = receive(server, 100)
    with socket.socket(fileno=descriptor) as passed:
        passed.sendall(b"through it")
    return data, ours.recv(100), ours.recv(100)


def descriptors_without_room_for_them_are_closed(client, server):
    read, write = os.pipe()
    send(client, b"x", [write])
    os.close(write)
    seen = server.recv(10), os.read(read, 10)
    os.close(read)
    return seen


def state_errors(client, server):
    fresh = socket.socket(socket.AF_UNIX, client.type)
    client.setblocking(False)
    return [attempt(lambda: fresh.send(b"x")), attempt(lambda: fresh.getpeername()),
            attempt(lambda: client.connect("\0nobody")), attempt(lambda: client.listen()),
            attempt(lambda: client.accept()), client.getsockname(), server.getpeername(), client.type]


CONNECTED = [bytes_go_both_ways, server_speaks_first, half_close_of_the_client, half_close_of_the_server,
             end_after_data_when_the_client_closes, end_after_data_when_the_server_closes, writing_after_the_server_closed,
             writing_after_the_client_closed, writing_when_the_server_reads_no_more, looking_does_not_take,
             reading_nothing_does_not_wait, everything_arrives_though_the_client_is_gone,
             a_sender_is_held_up_until_the_reader_reads, descriptors_come_in_order, a_socket_passed_on_works,
             descriptors_without_room_for_them_are_closed, state_errors]


# --- stream alone --------------------------------------------------------------------------------------------------------
def a_partial_read_leaves_the_rest(client, server):
    client.sendall(b"abcdef")
    return [server.recv(2), server.recv(2), server.recv(100)]


def no_descriptor_is_glued_to_what_follows(client, server):
    read, write = os.pipe()
    client.sendall(b"before")
    send(client, b"with", [write])
    client.sendall(b"after")
    has_come(server, len(b"beforewithafter"))
    seen = []
    for _ in range(2):
        data, descriptors = receive(server, 100)
        seen.append((data, len(descriptors)))
        for descriptor in descriptors:
            os.close(descriptor)
    os.close(read), os.close(write)
    return seen


def two_messages_with_descriptors_stay_two(client, server):
    read, write = os.pipe()
    send(client, b"one", [write])
    send(client, b"two", [write, read])
    has_come(server, len(b"onetwo"))
    seen = []
    for _ in range(2):
        data, descriptors = receive(server, 100)
        seen.append((data, len(descriptors)))
        for descriptor in descriptors:
            os.close(descriptor)
    os.close(read), os.close(write)
    return seen


def an_urgent_byte(client, server):
    client.sendall(b"normal")
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"more")
    assert select.select([], [], [server], 60)[2]
    has_come(server, len(b"normalmore"))
    seen = [server.recv(100), server.recv(1, socket.MSG_OOB), attempt(lambda: server.recv(1, socket.MSG_OOB))]
    return [*seen, server.recv(100)]


def an_urgent_byte_back_and_inline(client, server):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    server.sendall(b"ab")
    server.send(b"c", socket.MSG_OOB)
    server.sendall(b"de")
    has_come(client, len(b"abde"))
    return [client.recv(100), client.recv(100)]


def urgent_bytes_again_and_again(client, server):
    seen = []
    for i in range(20):
        client.sendall(b"text")
        client.send(bytes([i]), socket.MSG_OOB)
        assert select.select([], [], [server], 60)[2]
        seen += [server.recv(100), server.recv(1, socket.MSG_OOB)]
    return seen


STREAM = [a_partial_read_leaves_the_rest, no_descriptor_is_glued_to_what_follows, two_messages_with_descriptors_stay_two,
          an_urgent_byte, an_urgent_byte_back_and_inline, urgent_bytes_again_and_again]


# --- seqpacket alone -------------------------------------------------------------------------------------------------------
def boundaries_are_kept(client, server):
    sizes = (1, 100, 0, 65536, 200000, 3)
    sender = in_thread(lambda: [client.send(bytes(size)) for size in sizes])
    seen = [len(server.recv(1 << 20)) for _ in sizes]
    return seen, sender.result()


def an_empty_message_is_not_the_end(client, server):
    client.send(b"")
    client.send(b"x")
    client.shutdown(socket.SHUT_WR)
    return [server.recv(10) for _ in range(3)]


def what_does_not_fit_is_cut_and_said_so(client, server):
    client.send(b"abcdef")
    client.send(b"next")
    data, _, flags, _ = server.recvmsg(3)
    return data, bool(flags & socket.MSG_TRUNC), server.recv(10)


def a_message_too_long_for_the_sender(client, server):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    return attempt(lambda: client.send(bytes(1 << 20))), attempt(lambda: client.send(bytes(4000))), len(server.recv(1 << 20))


def urgent_is_refused(client, server):
    return attempt(lambda: client.send(b"!", socket.MSG_OOB))


def an_empty_message_with_a_descriptor(client, server):
    read, write = os.pipe()
    send(client, b"", [write])
    data, descriptors = receive(server, 10)
    for descriptor in (read, write, *descriptors):
        os.close(descriptor)
    return data, len(descriptors)


SEQPACKET = [boundaries_are_kept, an_empty_message_is_not_the_end, what_does_not_fit_is_cut_and_said_so,
             a_message_too_long_for_the_sender, urgent_is_refused, an_empty_message_with_a_descriptor]

TABLE = [(kind, act) for kind in ("stream", "seqpacket") for act in CONNECTED]
TABLE += [("stream", act) for act in STREAM] + [("seqpacket", act) for act in SEQPACKET]


def observe(link, act, straight):
    client, server = link.pair(straight)
    try:
        return act(client, server)
    finally:
        client.close(), server.close()


@pytest.fixture(scope="module")
def links():
    """One link of each sort for the whole table."""
    made = {}

    def get(kind, abstract):
        if (kind, abstract) not in made:
            made[kind, abstract] = Link(kind, abstract=abstract)
        return made[kind, abstract]

    yield get
    for link in made.values():
        link.close()


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
@pytest.mark.parametrize("kind,act", TABLE, ids=[f"{kind}-{act.__name__}" for kind, act in TABLE])
def test_the_same_is_observed_through_the_link(links, kind, act, abstract):
    link = links(kind, abstract)
    direct = observe(link, act, True)
    assert observe(link, act, False) == direct
