"""Bytes on the wire against `xc-inject mediate rest`, over real sockets: every case of tests/cases/http.json, and what
only sockets can show (descriptors, real HTTP clients, time)."""

import array
import base64
import contextlib
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import threading
import time

import pytest

from rest_world import UnixConnection

SOURCE = pathlib.Path(os.environ.get("XC_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("XC_BUILD", SOURCE / "build" / "dev"))
DOCUMENT = json.loads((SOURCE / "tests" / "cases" / "http.json").read_text())
CASES = {c["id"]: c for c in DOCUMENT["cases"]}
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*")
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.1")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Fault(Exception):
    """What reached the provider is not strict HTTP/1.1."""


def read_fields(head):
    fields = []
    for line in head:
        match = FIELD.fullmatch(line)
        if not match:
            raise Fault(f"field line {line!r}")
        fields.append((match[1], match[2]))
    return fields


def values(fields, name):
    return [v for n, v in fields if n.lower() == name]


def take_chunks(data):
    """(body, trailers, rest) of a chunked body, or None when it is not complete."""
    body = b""
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", line):
            raise Fault(f"chunk size {line!r}")
        size = int(line, 16)
        if size == 0:
            break
        if len(data) < size + 2:
            return None
        if data[size:size + 2] != b"\r\n":
            raise Fault("no CR LF after a chunk")
        body, data = body + data[:size], data[size + 2:]
    if data.startswith(b"\r\n"):
        return body, [], data[2:]
    section, found, rest = data.partition(b"\r\n\r\n")
    return (body, read_fields(section.split(b"\r\n")), rest) if found else None


def read_request(data):
    """((method, target, fields, trailers, body), rest) of the first request, or None when it is not complete."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None
    first, *lines = head.split(b"\r\n")
    start = REQUEST_LINE.fullmatch(first)
    if not start:
        raise Fault(f"request line {first!r}")
    fields = read_fields(lines)
    lengths, codings = values(fields, b"content-length"), values(fields, b"transfer-encoding")
    if len(lengths) + len(codings) > 1 or len(values(fields, b"host")) != 1:
        raise Fault(f"framing or host of {head!r}")
    if codings:
        if codings != [b"chunked"]:
            raise Fault(f"coding {codings}")
        chunks = take_chunks(rest)
        return chunks and ((start[1], start[2], fields, chunks[1], chunks[0]), chunks[2])
    size = 0
    if lengths:
        if not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
            raise Fault(f"length {lengths}")
        size = int(lengths[0])
    return ((start[1], start[2], fields, [], rest[:size]), rest[size:]) if len(rest) >= size else None


def check_identity(request):
    _, _, fields, trailers, _ = request
    for name, value in DOCUMENT["identity"].items():
        assert values(fields, name.lower().encode()) == [value.encode()], fields
    reserved = [n for n, _ in fields + trailers if re.sub(rb"[^a-z0-9]", b"-", n.lower()).startswith(b"x-pv-")]
    assert len(reserved) == len(DOCUMENT["identity"]), reserved


class Provider:
    """Listens, keeps what it hears, and answers each complete request as the case says."""

    def __init__(self, path, behaviour="ok"):
        self.behaviour, self.heard, self.descriptors, self.fault = behaviour, [], 0, None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(16)
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=(connection,), daemon=True))
            self.threads[-1].start()

    def serve(self, connection):
        bytes_heard, unread, tunnel = bytearray(), b"", False
        self.heard.append(bytes_heard)
        with connection:
            while True:
                try:
                    news, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(64 * 4))
                except OSError:
                    return
                self.descriptors += len(ancillary)
                if not news:
                    return
                bytes_heard += news
                try:
                    if tunnel:
                        connection.sendall(b"tunnel:" + news)
                        continue
                    unread += news
                    while (found := read_request(unread)) is not None:
                        request, unread = found
                        tunnel = self.answer(connection, request)
                except OSError:
                    return
                except Fault as fault:
                    self.fault = fault
                    return

    def answer(self, connection, request):
        kind = self.behaviour
        if kind.startswith("101"):
            protocol = b"websocket" if kind == "101-ws" else b"tcp"
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol +
                               b"\r\n\r\n")
            return True
        body = b"" if request[0] == b"HEAD" else b"ok"
        reply = {"ok": OK + body,
                 "resp-100-flood": b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + OK + body,
                 "resp-bare-lf": b"HTTP/1.1 200 OK\nX: y\nContent-Length: 2\n\nok",
                 "resp-neg-cl": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
                 "resp-nul": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok"}[kind]
        connection.sendall(reply)
        return False

    def requests(self):
        """Complete requests that reached it, over all connections; every connection must be strict HTTP/1.1."""
        found = []
        for heard in self.heard:
            rest = bytes(heard)
            while (one := read_request(rest)) is not None:
                found.append(one[0])
                rest = one[1]
        return found


class Mediator:
    def __init__(self, directory, rules=None):
        self.path, self.provider_path = directory / "listen", directory / "provider"
        ready, told = os.pipe()
        command = [str(BUILD / "xc-inject"), "mediate", "rest", "--listen", str(self.path), "--connect",
                   str(self.provider_path), "--client", DOCUMENT["identity"]["X-PV-Client"], "--role",
                   DOCUMENT["identity"]["X-PV-Role"], "--ready-fd", str(told)]
        if rules is not None:
            (directory / "rules.json").write_text(json.dumps(rules))
            command += ["--rules", str(directory / "rules.json")]
        self.process = subprocess.Popen(command, pass_fds=[told], stderr=subprocess.PIPE)
        os.close(told)
        assert select.select([ready], [], [], 60)[0] and os.read(ready, 1) == b"x", self.process.stderr.read()
        self.ready = ready

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        client.connect(str(self.path))
        return client

    def stop(self):
        os.close(self.ready)
        self.process.terminate()
        assert self.process.wait(60) in (0, -15)
        self.process.stderr.close()
        assert not self.path.exists()


@pytest.fixture
def mediate(tmp_path):
    made = []

    def make(rules=None, behaviour="ok", provider=True):
        mediator = Mediator(tmp_path, rules)
        made.append(mediator)
        mediator.provider = Provider(mediator.provider_path, behaviour) if provider else None
        return mediator

    yield make
    for mediator in made:
        if mediator.provider:
            mediator.provider.listener.shutdown(socket.SHUT_RDWR)
            mediator.provider.listener.close()
        mediator.stop()


def rules_of(case):
    if case["group"] == "acl":
        return [{"methods": ["GET"], "paths": ["/v1/items"]}]
    return "all" if case["backend"].startswith("101") else None


def listen_for(client, seconds, first=0):
    """What the client hears until it is quiet for so long (its first word may take `first`), and whether it ended."""
    heard = b""
    deadline = time.monotonic() + max(seconds, first)
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([client], [], [], left)[0]:
            break
        try:
            news = client.recv(65536)
        except ConnectionError:
            return heard, True
        if not news:
            return heard, True
        heard += news
        deadline = time.monotonic() + seconds
    return heard, False


def say(client, data, descriptors):
    """True when the kernel refuses the descriptors (SO_PASSRIGHTS), which it does once the connection was accepted."""
    numbers = [os.open("/dev/null", os.O_RDONLY) for _ in range(descriptors)]
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", numbers))] if numbers else []
    try:
        client.sendall(data[client.sendmsg([data], ancillary):])
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused already
    except PermissionError:
        return True
    finally:
        for number in numbers:
            os.close(number)
    return False


def hold(client, case):
    steps = case.get("steps") or [{"send_b64": case["bytes_b64"], "wait_ms": 150}]
    heard, ended = b"", False
    patience = 60 if case["backend"].startswith("101") else 0  # what goes through the tunnel is said when there is one
    for step in steps:
        refused = say(client, base64.b64decode(step.get("send_b64", "")), step.get("fds", 0))
        news, over = listen_for(client, step.get("wait_ms", 100) / 1000, patience)
        heard, ended = heard + news, ended or over or refused
    return heard, ended


def was_refused(answer, ended):
    """For what it said, and not because the time to say more was over (408)."""
    return not answer.startswith(b"HTTP/1.1 408 ") and (ended or re.match(rb"HTTP/1\.1 (4\d\d|501|505) ", answer) is not None)


def is_over(case, requests, answer, ended):
    """All that is to come of the case has come."""
    if any(text.encode("latin-1") not in answer for text in case.get("client_must_contain", [])):
        return False
    if case["verdict"] == "forward":
        return len(requests) >= case["n"]
    if case["verdict"] == "reject":
        return was_refused(answer, ended)
    return len(requests) >= case["n"] or was_refused(answer, ended)


def outcome(mediator, case):
    """What the client of a case heard, and whether its connection ended."""
    with mediator.connect() as client:
        answer, ended = hold(client, case)
        end = time.monotonic() + 60
        while not is_over(case, mediator.provider.requests(), answer, ended) and time.monotonic() < end:
            news, over = listen_for(client, 0.05)
            answer, ended = answer + news, ended or over
            time.sleep(0.01)
    time.sleep(0.05)
    return answer, ended


@pytest.mark.parametrize("name", CASES)
def test_case(name, mediate):
    case = CASES[name]
    mediator = mediate(rules_of(case), case["backend"])
    provider = mediator.provider
    answer, ended = outcome(mediator, case)
    requests = provider.requests()
    assert provider.fault is None, provider.fault
    for request in requests:
        check_identity(request)
    refused = was_refused(answer, ended)
    if case["verdict"] == "forward":
        assert len(requests) == case["n"]
    elif case["verdict"] == "reject":
        assert not requests and refused, answer
        assert b"".join(bytes(h) for h in provider.heard) == b"", "a byte of a refused message"
    else:
        assert len(requests) == case["n"] or (not requests and (refused or case["n"] == 0)), answer
    heard = b"".join(bytes(h) for h in provider.heard)
    for text in case.get("upstream_must_not_contain", []):
        assert text.encode("latin-1") not in heard
    for text in case.get("client_must_contain", []):
        assert text.encode("latin-1") in answer
    for text in case.get("client_must_not_contain", []):
        assert text.encode("latin-1") not in answer
    if case["group"] == "acl":
        assert all(r[:2] == (b"GET", b"/v1/items") for r in requests)
    assert provider.descriptors == 0

    provider.behaviour = "ok"
    count = len(provider.requests())
    path = b"/v1/items" if case["group"] == "acl" else b"/clean"
    with mediator.connect() as client:
        client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: svc\r\nConnection: close\r\n\r\n")
        assert listen_for(client, 60)[0].endswith(b"\r\n\r\nok"), "the mediator no longer serves"
    assert len(provider.requests()) == count + 1


def test_a_real_client_keeps_its_connection(mediate):
    mediator = mediate()
    connection = UnixConnection(mediator.path)
    for number in range(200):
        connection.request("POST", f"/n/{number}", body=b"x" * number)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"ok")
    connection.close()
    assert len([heard for heard in mediator.provider.heard if heard]) == 1
    requests = mediator.provider.requests()
    assert [len(r[4]) for r in requests] == list(range(200))
    for request in requests:
        check_identity(request)


def test_curl_uploads_in_chunks_and_waits_for_continue(mediate, tmp_path):
    mediator = mediate()
    (tmp_path / "body").write_bytes(os.urandom(3_000_000))
    for option in (["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue", "--expect100-timeout", "0.2"]):
        done = subprocess.run(["curl", "-sS", "--max-time", "120", "--unix-socket", str(mediator.path), *option,
                               "--data-binary", f"@{tmp_path}/body", "http://svc/up"], capture_output=True)
        assert (done.returncode, done.stdout) == (0, b"ok"), done.stderr
        assert mediator.provider.requests()[-1][4] == (tmp_path / "body").read_bytes()


def test_no_provider_is_said_so_and_a_later_one_serves(mediate):
    mediator = mediate(provider=False)
    connection = UnixConnection(mediator.path)
    connection.request("GET", "/a")
    response = connection.getresponse()
    assert response.status in (502, 503)
    said = json.loads(response.read())
    assert said["role"] == "admin" and said["error"]
    connection.close()
    mediator.provider = Provider(mediator.provider_path)
    connection = UnixConnection(mediator.path)
    connection.request("GET", "/a")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_head_that_trickles_ends_after_its_time(mediate):
    mediator = mediate()
    with mediator.connect() as client:
        begun = time.monotonic()
        client.sendall(b"GET /a HTTP/1.1\r\nHost: svc\r\n")
        client.settimeout(1)
        heard = b""
        while time.monotonic() - begun < 30 and not heard:
            with contextlib.suppress(ConnectionError):  # it may have ended just now; what was said is still there
                client.sendall(b"X: y\r\n")
            with contextlib.suppress(TimeoutError):
                heard = client.recv(65536)
        assert heard.startswith(b"HTTP/1.1 408 ")
        assert 9 < time.monotonic() - begun < 25
    assert mediator.provider.requests() == []
