"""The REST mediator between programs that other people wrote: curl, nginx, haproxy, node, Python, WebSockets."""

import hashlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

import rest_world
from jobs import REST_WISH, dialer, started
from rest_world import UnixConnection, curl

MEBIBYTE = 1 << 20
BIG = 256 * MEBIBYTE
WORKER_LIMIT = 4096  # KiB a worker may ever have had resident; a body of 256 MiB went through it


@pytest.fixture
def servers(tmp_path):
    with rest_world.serving(tmp_path) as one:
        yield one


@pytest.fixture
def mediate(tmp_path):
    with rest_world.mediators(tmp_path) as make:
        yield make


def identities(raw):
    """What node calls rawHeaders, as the reserved ones among them: names as they came on the wire."""
    pairs = list(zip(raw[::2], raw[1::2]))
    return [(n, v) for n, v in pairs if "pv" in n.lower() and "x" in n.lower()]


ALIASES = ["-H", "X-PV-Client: root", "-H", "x_pv_client: root", "-H", "X.PV.Role: root", "-H", "X-PV-ROLE: root",
           "-H", "Connection: X-PV-Client, X-PV-Role"]
IDENTITY = [("X-PV-Client", "web"), ("X-PV-Role", "admin")]


def test_curl_gets_its_identity_through_to_nginx_and_haproxy(servers, mediate):
    answer = curl(mediate(servers.nginx()).path, "/who/./a//b?q=1", "--path-as-is", *ALIASES)
    assert (answer.returncode, answer.stdout) == (0, b"web|admin|/who/a/b?q=1|svc\n"), answer
    answer = curl(mediate(servers.haproxy()).path, "/who?q=1", *ALIASES)
    assert (answer.returncode, answer.stdout) == (0, b"web|admin|1|1|/who?q=1\n"), answer


def test_every_request_of_a_pipeline_is_nginxs_and_haproxys_to_answer_under_the_identity(servers, mediate):
    for provider in (servers.nginx(), servers.haproxy()):
        with mediate(provider).connect() as client:
            client.sendall(b"GET /who/1 HTTP/1.1\r\nHost: svc\r\nX-Pv-Role: root\r\n\r\n" * 49 +
                           b"GET /who/2 HTTP/1.1\r\nHost: svc\r\nConnection: close\r\n\r\n")
            heard = b"".join(iter(lambda c=client: c.recv(65536), b""))
        assert heard.count(b"\r\n\r\nweb|admin|") == 50, heard[-500:]
        assert b"root" not in heard


def test_nginx_serves_files_and_ranges_and_takes_uploads(servers, mediate):
    provider = servers.nginx()
    path = mediate(provider).path
    content = bytes(range(256)) * 4096
    (servers.home / "files/blob").write_bytes(content)
    assert curl(path, "/blob").stdout == content
    part = curl(path, "/blob", "-r", "1000-1999", "-D", "-")
    assert part.stdout.startswith(b"HTTP/1.1 206 ") and part.stdout.endswith(content[1000:2000])
    head = curl(path, "/blob", "-I").stdout
    assert head.startswith(b"HTTP/1.1 200 ") and f"Content-Length: {len(content)}".encode() in head
    stamp = [line[15:] for line in head.decode().splitlines() if line.startswith("Last-Modified: ")][0]
    assert curl(path, "/blob", "-H", f"If-Modified-Since: {stamp}", "-D", "-").stdout.startswith(b"HTTP/1.1 304 ")
    for coding in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
        put = curl(path, "/up/blob", "-T", servers.home / "files/blob", *coding, "-w", "%{http_code}")
        assert put.stdout.endswith((b"201", b"204")), put
        assert (servers.home / "files/up/blob").read_bytes() == content
        (servers.home / "files/up/blob").unlink()
    assert curl(path, "/up/none", "-X", "DELETE", "-w", "%{http_code}", "-o", "/dev/null").stdout == b"404"


def test_pythons_server_of_http_1_0_ends_each_response_with_the_connection(servers, mediate):
    provider = servers.python("""
import http.server, socketserver, sys
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        names = [n for n in self.headers if n.lower().startswith('x-pv')]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(repr((names, self.headers['x-pv-client'], self.path)).encode())
    def log_message(self, *_): pass
    def address_string(self): return 'x'
Server(sys.argv[1], Handler).serve_forever()
""", "http.server")
    path = mediate(provider).path
    connection = UnixConnection(path)
    for number in range(3):
        connection.request("GET", f"/{number}", headers={"X-PV-Client": "root"})
        response = connection.getresponse()
        assert response.read() == repr((["X-PV-Client", "X-PV-Role"], "web", f"/{number}")).encode()
        assert response.getheader("Connection") == "close"  # the framing of HTTP/1.0 leaves no other way
    assert curl(path, "/x", "--http1.0").stdout.endswith(b"'/x')")


def test_nodes_client_keeps_its_connections_to_nodes_server(servers, mediate):
    provider = servers.node()
    path = mediate(provider).path
    program = servers.home / "client.js"
    program.write_text(r"""
const http = require('http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const ask = n => new Promise((done, fail) => {
  const r = http.request({ socketPath: process.argv[2], path: '/n/' + n, agent, headers: { 'x-pv-role': 'root' } }, a => {
    let text = ''; a.on('data', t => text += t); a.on('end', () => done(JSON.parse(text))); });
  r.on('error', fail); r.end();
});
Promise.all(Array.from({ length: 400 }, (_, n) => ask(n))).then(all => { console.log(JSON.stringify(all)); agent.destroy(); });
""")
    done = subprocess.run(["node", str(program), str(path)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [a["url"] for a in answers] == [f"/n/{n}" for n in range(400)]
    assert all(identities(a["raw"]) == IDENTITY for a in answers)
    assert len({a["port"] for a in answers}) == 4, "one connection to the provider for each of the client's"


def test_node_hears_chunks_trailers_and_hints(servers, mediate):
    with mediate(servers.node()).connect() as client:
        client.sendall(b"POST /hash HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n"
                       b"5;note=\"x\"\r\nhello\r\n006\r\n world\r\n0\r\nETag: \"e\"\r\nX-PV-Role: root\r\nHost: evil\r\n\r\n"
                       b"GET /hints HTTP/1.1\r\nHost: svc\r\n\r\nGET /flow/5 HTTP/1.1\r\nHost: svc\r\nConnection: close\r\n\r\n")
        heard = b"".join(iter(lambda: client.recv(65536), b""))
    said = json.loads(heard[heard.index(b"{"):heard.index(b"}") + 1])
    assert said["hash"] == hashlib.sha256(b"hello world").hexdigest() and said["trailers"] == ["ETag", '"e"']
    assert identities(said["raw"]) == IDENTITY
    assert b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\nHTTP/1.1 200 OK" in heard
    assert heard.endswith(b"5\r\nxxxxx\r\n0\r\nContent-Digest: sha-256=:x:\r\n\r\n")


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_256_mebibytes_pass_in_bounded_memory(servers, mediate, chunked):
    mediator = mediate(servers.node())
    connection = UnixConnection(mediator.path)
    piece = b"y" * MEBIBYTE
    headers = {} if chunked else {"Content-Length": str(BIG)}
    connection.request("POST", "/hash", (piece for _ in range(BIG // MEBIBYTE)), headers, encode_chunked=chunked)
    said = json.loads(connection.getresponse().read())
    expected = hashlib.sha256()
    for _ in range(BIG // MEBIBYTE):
        expected.update(piece)
    assert (said["size"], said["hash"]) == (BIG, expected.hexdigest())
    connection.request("GET", f"/flow/{BIG}")
    response = connection.getresponse()
    time.sleep(0.3)  # the reader lets everything fill up first
    size = 0
    while news := response.read(MEBIBYTE):
        size += len(news)
    assert size == BIG
    assert rest_world.figure(mediator.worker(), "VmHWM") < WORKER_LIMIT


def test_an_event_arrives_before_the_next_is_sent(servers, mediate):
    path = mediate(servers.node()).path
    listener, speaker = UnixConnection(path), UnixConnection(path)
    listener.request("GET", "/events", headers={"Accept": "text/event-stream"})
    response = listener.getresponse()
    assert response.readline() == b"data: hello\n" and response.readline() == b"\n"
    took = []
    for number in range(200):
        begun = time.monotonic()
        speaker.request("GET", f"/tick/{number}")
        assert speaker.getresponse().read() == b"told"
        assert response.readline() == f"data: {number}\n".encode() and response.readline() == b"\n"
        took.append(time.monotonic() - begun)
    assert sorted(took)[180] < 1.0, "what delays events delays more than a few of them, as a busy machine does"


def test_a_long_poll_is_answered_when_it_is_woken(servers, mediate):
    path = mediate(servers.node()).path
    poller, waker = UnixConnection(path), UnixConnection(path)
    for name in ("a", "b"):
        poller.request("GET", f"/wait/{name}")
        assert not select.select([poller.sock], [], [], 0.5)[0]
        waker.request("GET", f"/wake/{name}")
        assert waker.getresponse().read() == b"done"
        assert select.select([poller.sock], [], [], 60)[0]
        assert poller.getresponse().read() == b"woken"


WEBSOCKETS = """
import asyncio, sys, websockets
async def serve(socket):
    await socket.send(socket.request_headers['X-PV-Client'] + '/' + socket.request_headers['X-PV-Role'])
    async for message in socket:
        await socket.send(message)
async def main():
    async with websockets.unix_serve(serve, sys.argv[1], max_size=None):
        await asyncio.Future()
asyncio.run(main())
"""


def test_a_websocket_pair_talks_and_closes_properly_where_the_role_may_switch(servers, mediate):
    import asyncio

    import websockets
    provider = servers.python(WEBSOCKETS, "ws")

    async def talk(path):
        async with websockets.unix_connect(str(path), "ws://svc/chat", max_size=None, open_timeout=60, close_timeout=60,
                                           extra_headers={"X-PV-Role": "root"}) as one:
            assert await one.recv() == "web/admin"
            for message in ("hello", b"\0\1\2", "x" * 3_000_000):
                await one.send(message)
                assert await one.recv() == message
            await one.ping()
        assert one.close_code == 1000

    asyncio.run(asyncio.wait_for(talk(mediate(provider, "all").path), 100))
    for rules in ({"rules": "all"}, {"rules": [{"methods": ["GET"], "paths": ["/other"]}], "upgrade": True}):
        with pytest.raises(websockets.exceptions.InvalidStatusCode, match="403"):
            asyncio.run(asyncio.wait_for(talk(mediate(provider, rules).path), 100))


class Hijack:
    """Answers like a Docker daemon's exec and attach: 101 and then bytes, with an end for each direction."""

    def __init__(self, path, answer):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(4)
        self.path, self.answer, self.heads = path, answer, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                head = b""
                while b"\r\n\r\n" not in head and (news := client.recv(65536)):
                    head += news
                if b"\r\n\r\n" not in head:
                    continue
                head, _, rest = head.partition(b"\r\n\r\n")
                rest = rest[int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):]
                self.heads.append(head)
                client.sendall(self.answer + b"prompt> ")
                said = rest + b"".join(iter(lambda c=client: c.recv(65536), b""))
                client.sendall(b"you said " + said)  # after the client's end: half-close passes


def test_a_hijacked_exec_passes_bytes_and_each_half_close(servers, mediate, tmp_path):
    switch = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    provider = Hijack(tmp_path / "docker", switch)
    request = (b"POST /v1.41/exec/1/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
               b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    with mediate(provider.path, "all").connect() as client:
        client.sendall(request + b"early ")
        heard = b""
        while b"prompt> " not in heard:
            heard += client.recv(65536)
        assert heard.startswith(b"HTTP/1.1 101 UPGRADED\r\n") and b"\r\nUpgrade: tcp\r\n" in heard
        client.sendall(b"GET / HTTP/1.1\r\nX-PV-Role: root\r\n\r\n")  # bytes, no request
        client.shutdown(socket.SHUT_WR)
        rest = b"".join(iter(lambda: client.recv(65536), b""))
    assert rest == b"you said early GET / HTTP/1.1\r\nX-PV-Role: root\r\n\r\n"
    assert provider.heads[0].count(b"X-PV-Client: web\r\nX-PV-Role: admin") == 1
    with mediate(provider.path, {"rules": "all"}).connect() as client:
        client.sendall(request)
        assert client.recv(65536).startswith(b"HTTP/1.1 403 ")
    assert len(provider.heads) == 1, "a refused upgrade reached the provider"
    provider.listener.shutdown(socket.SHUT_RDWR)  # wakes its thread: a listener it still waits on would stay
    provider.listener.close()


def test_an_upgrade_the_provider_refuses_leaves_http_behind_it(servers, mediate):
    with mediate(servers.node(), "all").connect() as client:
        client.sendall(b"GET /1 HTTP/1.1\r\nHost: svc\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                       b"GET /2 HTTP/1.1\r\nHost: svc\r\nX-PV-Role: root\r\nConnection: close\r\n\r\n")
        heard = b"".join(iter(lambda: client.recv(65536), b""))
    bodies = [json.loads(text) for text in re.findall(rb"{[^}]*}", heard)]
    assert [b["url"] for b in bodies] == ["/1", "/2"] and all(identities(b["raw"]) == IDENTITY for b in bodies)


@pytest.mark.parametrize("how", [b"CONNECT svc:80 HTTP/1.1\r\nHost: svc\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: svc\r\n\r\n",
                                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_is_not_spoken_is_refused_before_nginx_hears_it(servers, mediate, how):
    with mediate(servers.nginx(), "all").connect() as client:
        client.sendall(how)
        heard = b"".join(iter(lambda: client.recv(65536), b""))
    assert heard.startswith((b"HTTP/1.1 501 ", b"HTTP/1.1 505 ")) and b'"role":"admin"' in heard


def test_an_offer_of_h2c_is_answered_in_http_1(servers, mediate):
    answer = curl(mediate(servers.node(), "all").path, "/x", "--http2", "-w", "%{http_version}")
    said, version = answer.stdout.rsplit(b"}", 1)
    assert version == b"1.1" and identities(json.loads(said + b"}")["raw"]) == IDENTITY
    assert b"h2c" not in said.lower() and b"http2-settings" not in said.lower()


def test_curl_in_a_container_reaches_nginx_of_the_host(bed, runc, servers):
    """curl and its libraries come from the host, read-only; everything in between is what hooks made."""
    provider = servers.nginx()
    bed.host_services("nginx.json", {"#spec": "service-manifest-xconnect@1", "services": [
        {"name": "modem-api", "type": "rest", "socket": str(provider),
         "roles": {"viewer": {"rest": [{"methods": ["GET"], "paths": ["/who/**"]}]}}}]})
    host_files = [(place, place, ["ro"]) for place in ("/usr", "/lib", "/lib64")]
    c = dialer(bed, wishes=[REST_WISH], mounts=host_files)
    pid = started(runc, c)
    import bed as beds
    command = ["/usr/bin/curl", "-sS", "--unix-socket", "/run/svc/modem.sock"]
    answer = beds.inside(pid, *command, *ALIASES, "http://svc/who/am/i", "http://svc/who/again")
    assert answer.output == f"{c.name}|viewer|/who/am/i|svc\n{c.name}|viewer|/who/again|svc\n"
    refused = beds.inside(pid, *command, "http://svc/who/../up/x").output
    assert json.loads(refused)["rule"] == "GET /who/**"


def test_a_log_on_demand_has_one_line_for_each_request(servers, mediate):
    rules = {"rules": [{"methods": ["GET", "POST"], "paths": ["/who", "/hash", "/wait/*"]}], "body": 1000, "wait": 5}
    mediator = mediate(servers.node(), rules, options=["--log"])
    connection = UnixConnection(mediator.path)
    begun = time.monotonic()
    for method, target, body in (("GET", "/who?secret=1", None), ("POST", "/hash", b"x" * 10), ("GET", "/admin", None)):
        connection.request(method, target, body)
        connection.getresponse().read()
    answer = curl(mediator.path, "/hash", "-d", "y" * 1001, "-w", "%{http_code}")
    assert answer.stdout.endswith(b"413") and b'"rule":"body 1000"' in answer.stdout
    answer = curl(mediator.path, "/wait/ever", "-w", "%{http_code}")
    assert answer.stdout.endswith(b"504"), answer
    took = (time.monotonic() - begun) * 1_000_000
    lines = [json.loads(line) for line in mediator.log(5).splitlines()]
    assert [(e["method"], e["path"], e["status"], e["sent"]) for e in lines] == [
        ("GET", "/who", 200, 0), ("POST", "/hash", 200, 10), ("GET", "/admin", 403, 0), ("POST", "/hash", 413, 0),
        ("GET", "/wait/ever", 504, 0)]
    assert all((e["event"], e["client"], e["role"]) == ("exchange", "web", "admin") for e in lines)
    assert lines[1]["received"] > 50 and 0 < lines[0]["us"] < 5_000_000 <= lines[4]["us"] <= took
    assert "may not GET /admin" in lines[2]["refused"]


@pytest.mark.parametrize("framing", [[], ["-H", "Transfer-Encoding: chunked"]], ids=["length", "chunked"])
def test_a_client_that_still_uploads_reads_why_it_was_refused(framing, servers, mediate, tmp_path):
    """A close under its next write would make curl end with 55 and throw the answer away."""
    (tmp_path / "big").write_bytes(bytes(32 * MEBIBYTE))
    mediator = mediate(servers.node(), {"rules": [{"methods": ["POST"], "paths": ["/hash"]}], "body": 1000})
    for _ in range(3):
        answer = curl(mediator.path, "/hash", "-H", "Expect:", *framing, "--data-binary", f"@{tmp_path}/big",
                      "-o", "/dev/null", "-w", "%{http_code}")
        assert (answer.returncode, answer.stdout) == (0, b"413"), answer


@pytest.mark.parametrize("size", [2, 150_000])
def test_an_answer_before_the_end_of_the_upload_arrives_though_the_provider_has_left(size, mediate, tmp_path):
    """The mediator meets the provider's absence first: more of the body is there before the answer is."""
    with socket.socket(socket.AF_UNIX) as provider:
        provider.bind(str(tmp_path / "early"))
        provider.listen()
        mediator = mediate(tmp_path / "early")
        with mediator.connect() as client:
            client.sendall(b"POST /a HTTP/1.1\r\nHost: svc\r\nContent-Length: 4000000\r\n\r\n")
            server = provider.accept()[0]
            while not server.recv(65536).endswith(b"\r\n\r\n"):
                pass
            os.kill(mediator.worker(), signal.SIGSTOP)
            client.sendall(b"x" * 1000)
            with server:
                server.sendall(b"HTTP/1.1 413 No\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)
            os.kill(mediator.worker(), signal.SIGCONT)
            heard = b"".join(iter(lambda: client.recv(65536), b""))
    assert heard.startswith(b"HTTP/1.1 413 No\r\n") and heard.endswith(b"\r\n\r\n" + b"y" * size), heard[:300]


def test_slow_clients_are_told_408_after_their_time(servers, mediate):
    """One connection lets its head trickle, the other its body; both at the same time."""
    mediator = mediate(servers.node())
    with mediator.connect() as head, mediator.connect() as body:
        begun = time.monotonic()
        head.sendall(b"GET / HTTP/1.1\r\n")
        body.sendall(b"POST /hash HTTP/1.1\r\nHost: svc\r\nContent-Length: 5\r\n\r\nab")
        for client, least, most in ((head, 9, 25), (body, 29, 55)):  # neither the other's time nor a response's
            heard = client.recv(65536)
            assert heard.startswith(b"HTTP/1.1 408 ") and least < time.monotonic() - begun < most, heard
            assert client.recv(65536) == b""
