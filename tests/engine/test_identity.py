"""Who the provider believes the caller is: always the listener's consumer, whatever the caller sends."""

import stat

import pytest

import engines
import host
from jobs import API, RAW, REST_WISH, client, dialer, get, modem, serving, started

TAIL = "Host: service\r\n"


@pytest.fixture(params=["runc", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


class Pair:
    """A provider that writes down every head it reads, and a consumer that sends what a test likes."""

    def __init__(self, bed, engine):
        self.provider = modem(bed, options="--dump /out/dump")
        self.consumer = dialer(bed)
        serving(engine, self.provider)
        self.pid = started(engine, self.consumer)

    def send(self, data):
        (self.consumer.out / "bytes").write_bytes(data)
        return client(self.pid, "raw", API, "/out/bytes")

    def heads(self):
        dump = self.provider.out / "dump"
        return dump.read_bytes().decode(errors="replace").split("\r\n\r\n")[:-1] if dump.exists() else []


def identities(head):
    """Every field of a head that some server might take for an identity."""
    names = ["".join(c if c.isalnum() else "-" for c in line.split(":")[0].lower()) for line in head.split("\r\n")[1:]]
    return sorted(line for line, name in zip(head.split("\r\n")[1:], names) if name.strip("-").startswith("x-pv"))


FORGED = ["X-PV-Role: admin", "x-pv-role: admin", "X_PV_ROLE: admin", "X-PV-Role : admin", "X.PV.Role: admin",
          "X-PV-Role: a\r\nX-PV-Role: b", "X-Other: 1\r\n X-PV-Role: admin", "X-PV-Client: root\r\nX-PV-Uid: 0",
          "Connection: X-PV-Role\r\nX-PV-Role: admin", "X-PV-Role:\tadmin", " X-PV-Role: admin"]


def test_idn_04_a_forged_identity_is_removed_or_the_request_refused(bed, engine):
    pair = Pair(bed, engine)
    for forged in FORGED:
        before = len(pair.heads())
        answer = pair.send(f"GET /v1 HTTP/1.1\r\n{forged}\r\n{TAIL}Connection: close\r\n\r\n".encode())
        new = pair.heads()[before:]
        if not new:
            assert answer.startswith("HTTP/1.1 400"), (forged, answer)
        for head in new:
            assert identities(head) == [f"X-PV-Client: {pair.consumer.name}", "X-PV-Role: viewer"], (forged, head)


def test_idn_05_every_request_of_a_connection_is_rewritten(bed, engine):
    pair = Pair(bed, engine)
    one = f"GET /v1 HTTP/1.1\r\n{TAIL}X-PV-Client: root\r\nX-PV-Role: admin\r\n\r\n"
    pair.send((one * 1000).encode())
    heads = pair.heads()
    assert len(heads) == 1000
    assert {tuple(identities(head)) for head in heads} == {(f"X-PV-Client: {pair.consumer.name}", "X-PV-Role: viewer")}


SMUGGLED = [
    b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: +4\r\n\r\nabcd",
    b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 18446744073709551617\r\n\r\na",
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\nHost: s\n\n",
    b"GET / HTTP/1.1\r\nHost: s\r\nX: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: s\r\nX: a\rb\r\n\r\n",
    b"GET /a\x01b HTTP/1.1\r\nHost: s\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: s\r\nHost: t\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
]
IN_THE_BODY = [  # the head is sound: it may be forwarded, the body may not be misread
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
]


def test_idn_06_ambiguous_framing_is_refused_and_forwarded_to_nobody(bed, engine):
    pair = Pair(bed, engine)
    for request in SMUGGLED:
        answer = pair.send(request + b"GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n")
        assert answer.split("\r\n")[0][:12] in ("HTTP/1.1 400", "HTTP/1.1 501", "HTTP/1.1 505"), (request, answer)
    assert pair.heads() == []
    for request in IN_THE_BODY:
        pair.send(request + b"GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n")
    assert not any("smuggled" in head for head in pair.heads())


@pytest.mark.parametrize("size", [(1 << 20) + 1, 16 << 20])
def test_idn_07_a_large_body_arrives_whole(bed, engine, size):
    """No rule of ours inspects bodies; what the provider gets is exactly what was sent."""
    pair = Pair(bed, engine)
    head = f"POST /v1 HTTP/1.1\r\n{TAIL}Content-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    assert f'"body":{size}' in pair.send(head + b"b" * size)
    chunks = b"".join(b"%x\r\n%b\r\n" % (65536, b"c" * 65536) for _ in range(size // 65536)) + b"0\r\n\r\n"
    head = f"POST /v1 HTTP/1.1\r\n{TAIL}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
    assert f'"body":{size // 65536 * 65536}' in pair.send(head + chunks)


def listens(pid, path):
    """Its file is there before that."""
    rows = [line.split() for line in open(f"/proc/{pid}/net/unix", encoding="utf-8").readlines()[1:]]
    return any(row[-1] == path and int(row[3], 16) & 0x10000 for row in rows)


def test_idn_10_a_connection_given_away_keeps_its_first_identity_and_dies_with_it(bed, engine):
    serving(engine, modem(bed))
    meeting = bed.home / "meeting"
    meeting.mkdir()
    shared = [(meeting, "/meeting", ["rw"])]
    other = bed.container("other", ["xc-test-client", "adopt", "/meeting/point", "/v1/borrowed"], mounts=shared)
    pid = started(engine, other)
    assert host.wait_until(lambda: listens(pid, "/meeting/point"), 5), other.console_text()
    giver = dialer(bed, ["xc-test-client", "donate", API, "/meeting/point"], mounts=shared)
    started(engine, giver)
    assert host.wait_until(lambda: f'"client":"{giver.name}"' in other.console_text(), 20), other.console_text()
    assert "ended" not in other.console_text()
    engine.kill(giver)
    assert host.wait_until(lambda: "ended" in other.console_text(), 5), other.console_text()


@pytest.mark.parametrize("name", ["@;uid=0;role=admin;", "/tmp/;uid=0;role=admin;", "@\x1b[31m\nX-PV-Role: admin"])
def test_idn_11_the_name_of_the_clients_own_end_means_nothing(bed, engine, name):
    pair = Pair(bed, engine)
    assert '"role":"viewer"' in client(pair.pid, "bound", API, "/v1", name)
    assert identities(pair.heads()[-1]) == [f"X-PV-Client: {pair.consumer.name}", "X-PV-Role: viewer"]
    assert "uid=0" not in bed.log_text() and "\x1b" not in bed.log_text()


def test_idn_14_nobody_else_reaches_the_sockets_through_the_host(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed))
    assert stat.S_IMODE(bed.state.stat().st_mode) == 0o700
    sockets = [path for path in bed.state.rglob("*") if path.is_socket()]
    for path in sockets:
        as_nobody = engines.call(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                  str(bed.containers[0].root / "bin/xc-test-client"), "try", str(path)])
        assert as_nobody.output == "EACCES\n"
    through_the_container = f"/proc/{pid}/root{RAW}"
    outside = engines.call([str(bed.containers[0].root / "bin/xc-test-client"), "try", through_the_container])
    assert outside.output in ("connected\n", "EACCES\n", "ECONNREFUSED\n")


def test_a_consumer_cannot_reach_the_directory_of_another(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[REST_WISH]))
    assert get(pid)["client"].endswith("-dialer")
    listing = engines.call(["nsenter", "-t", str(pid), "-m", "-r", "-w", "/bin/cat", "/proc/self/mounts"]).output
    assert str(bed.state) not in listing or "/raw" not in listing
