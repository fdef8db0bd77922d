"""How a raw provider learns who is calling: a greeting in front of the stream, or credentials of the role's user."""

import json
import os
import socket
import struct

import pytest

import bed as beds
from jobs import RAW, dialer, modem, started, client as call, serving
from raw_links import Link, receive

ROLE_UID = 4242


def exactly(sock, size):
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def read_proxy_header(sock):
    """(family, {type: value}) of a PROXY protocol v2 header, read as its specification says."""
    head = exactly(sock, 16)
    assert head[:12] == b"\r\n\r\n\0\r\nQUIT\n" and head[12] == 0x21
    rest = exactly(sock, struct.unpack("!H", head[14:])[0])
    tlvs, at = {}, 216
    while at < len(rest):
        kind, size = struct.unpack_from("!BH", rest, at)
        tlvs[kind] = rest[at + 3:at + 3 + size]
        at += 3 + size
    assert at == len(rest) and not any(rest[:216])
    return head[13], tlvs


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
def test_a_line_of_json_comes_before_everything_the_client_says(kind):
    with Link(kind, options=["--identity", "json-line"], role="viewer") as link:
        client, server = link.pair(False)
        client.send(b'{"client":"somebody else"}\n')
        greeting = server.recv(65536) if kind == "seqpacket" else server.makefile("rb", buffering=0).readline()
        assert json.loads(greeting) == {"client": "dialer", "role": "viewer", "service": "unix"}
        assert server.recv(100) == b'{"client":"somebody else"}\n'
        server.send(b"answer")
        assert client.recv(100) == b"answer", "the client is told nothing of it"


def test_a_proxy_header_names_client_and_role():
    with Link(options=["--identity", "proxy-v2"], role="viewer") as link:
        client, server = link.pair(False)
        client.sendall(b"request")
        assert read_proxy_header(server) == (0x31, {0xE0: b"dialer", 0xE1: b"viewer", 0xE2: b"unix"})
        assert server.recv(100) == b"request"


@pytest.mark.parametrize("kind", ["stream", "seqpacket"])
def test_credentials_are_those_of_the_roles_user_at_the_connection_and_at_every_message(kind):
    with Link(kind, options=["--identity", "credentials", "--uid", str(ROLE_UID)]) as link:
        os.chmod(link.address, 0o666)
        os.chmod(link.home.name, 0o755)
        link.listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        client, server = link.pair(False)
        pid, uid, gid = struct.unpack("3i", server.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        assert (uid, gid) == (ROLE_UID, ROLE_UID)
        read, write = os.pipe()
        client.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", write))])
        client.send(b"y")
        for expected in (1, 0):
            data, parts, _, _ = server.recvmsg(1, 1000)
            kinds = {part: value for _, part, value in parts}
            pid, uid, gid = struct.unpack("3i", kinds[socket.SCM_CREDENTIALS])
            assert (data, uid, gid) == (b"x" if expected else b"y", ROLE_UID, ROLE_UID)
            assert pid in link.workers(), "the peer's own pid cannot be carried: it is the worker's"
            assert len(kinds.get(socket.SCM_RIGHTS, b"")) == 4 * expected
        client.sendall(bytes(100000)) if kind == "stream" else client.send(bytes(100000))
        left = 100000
        while left:
            data, parts, _, _ = server.recvmsg(left, 1000)
            assert struct.unpack("3i", parts[0][2])[1] == ROLE_UID
            left -= len(data)


def test_the_worker_that_speaks_for_a_user_never_runs_as_that_user():
    with Link(options=["--identity", "credentials", "--uid", str(ROLE_UID)]) as link:
        os.chmod(link.address, 0o666)
        os.chmod(link.home.name, 0o755)
        client, server = link.pair(False)
        client.send(b"x")
        assert server.recv(1) == b"x"
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{link.workers()[0]}/status") if ":\t" in line)
        real, effective, saved, files = status["Uid"].split()
        assert saved == str(ROLE_UID) and str(ROLE_UID) not in (real, effective, files)
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}


def test_without_identity_nothing_is_put_in_front():
    with Link() as link:
        client, server = link.pair(False)
        client.sendall(b"request")
        assert receive(server, 1000) == (b"request", [])


def test_roles_have_sockets_of_their_own_in_containers(bed, runc):
    offer = {"name": "modem-raw", "type": "unix", "socket": "/run/modem/raw.sock", "identity": "json-line",
             "sockets": {"admin": "/run/modem/api.sock"}, "roles": {"any": {}, "admin": {}}}
    serving(runc, modem(bed, offers=[offer]))
    wishes = [{"name": "modem-raw", "target": RAW}]
    pid = started(runc, dialer(bed, wishes=wishes))
    name = bed.containers[-1].name
    assert json.loads(call(pid, "echo", RAW, "line")[:-4]) == {"client": name, "role": "any", "service": "modem-raw"}
    other = dialer(bed, name="admin", wishes=[{"name": "modem-raw", "role": "admin", "target": RAW}])
    answer = beds.inside(started(runc, other), "xc-test-client", "echo", RAW, "line\r\n\r\n").output
    assert answer.startswith("HTTP/1.1 "), "the admin's socket is that of the modem's API"
