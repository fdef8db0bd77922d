"""Raw links with many clients, with none that says anything, and the errors of the socket's own name."""

import errno
import os
import socket
import time

import pytest

from raw_links import KINDS, Link


def attempt(act):
    """The name of the errno the act fails with."""
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
def test_many_connections_at_once_do_not_mix(kind):
    with Link(kind) as link:
        pairs = [link.pair(False) for _ in range(60)]
        for i, (client, server) in enumerate(pairs):
            client.send(b"c%d" % i), server.send(b"s%d" % i)
        for i, (client, server) in reversed(list(enumerate(pairs))):
            assert (server.recv(10), client.recv(10)) == (b"c%d" % i, b"s%d" % i)
            client.close()
            assert server.recv(10) == b""
            server.close()


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
@pytest.mark.parametrize("straight", [True, False], ids=["direct", "through the link"])
def test_a_full_backlog_answers_eagain_and_loses_nobody(kind, straight):
    with Link(kind) as link:
        clients, codes = [], set()
        for _ in range(400):
            client = socket.socket(socket.AF_UNIX, KINDS[kind])
            client.setblocking(False)
            code = client.connect_ex(link.address if straight else link.front)
            codes.add(errno.errorcode.get(code, "0"))
            if code:
                client.close()
                break
            clients.append(client)
        assert codes == {"0", "EAGAIN"}
        for client in clients:
            client.send(b"x")
        for _ in range(len(clients) if straight else min(len(clients), 90)):
            server, _ = link.listener.accept()
            server.settimeout(60)
            assert server.recv(1) == b"x"
            server.close()
        for client in clients:
            client.close()


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
def test_errors_of_the_names_themselves(kind):
    with Link(kind) as link:
        fresh = socket.socket(socket.AF_UNIX, KINDS[kind])
        assert attempt(lambda: fresh.bind(link.front)) == "EADDRINUSE"
        assert attempt(lambda: fresh.connect(link.front + ".not")) == "ENOENT"
        other = socket.socket(socket.AF_UNIX, KINDS["seqpacket" if kind == "stream" else "stream"])
        assert attempt(lambda: other.connect(link.front)) == "EPROTOTYPE"
        front = link.front
    assert not os.path.exists(front), "the socket file is left behind"


def test_an_idle_link_and_one_that_had_urgent_bytes_use_no_processor():
    with Link() as link:
        client, server = link.pair(False)
        client.sendall(b"a")
        client.send(b"!", socket.MSG_OOB)
        assert server.recv(1) == b"a" and server.recv(1, socket.MSG_OOB) == b"!"
        half, other = link.pair(False)
        half.shutdown(socket.SHUT_WR)
        assert other.recv(1) == b""
        worker = link.workers()[0]
        spent = lambda: sum(map(int, open(f"/proc/{worker}/stat").read().rsplit(")", 1)[1].split()[11:13]))

        def idles():
            before = spent()
            time.sleep(1.0)
            return spent() - before <= 2

        assert any(idles() for _ in range(5))
