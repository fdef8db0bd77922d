"""REST links that speak HTTP/2 with prior knowledge: gRPC both ways, curl, h2load and nginx, and a hostile client."""

import concurrent.futures
import json
import re
import subprocess
import threading
import time

import pytest

import host
import rest_world
from rest_world import curl

H2C = {"rules": "all", "protocol": "h2c"}
MEBIBYTE = 1 << 20
WORKER_LIMIT = 6144  # KiB


@pytest.fixture
def servers(tmp_path):
    with rest_world.serving(tmp_path) as one:
        yield one


@pytest.fixture
def mediate(tmp_path):
    with rest_world.mediators(tmp_path, H2C) as make:
        yield make


# Generic handlers: bytes in, bytes out, no generated code.
GRPC_SERVER = """
import sys, time, grpc
from concurrent import futures
def who(context):
    return repr([(k, v) for k, v in context.invocation_metadata() if 'pv' in k]).encode()
def identity(request, context):
    context.set_trailing_metadata((('x-after', 'kept'), ('x-pv-role', 'root')))
    return who(context)
def fail(request, context):
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, 'not now')
def count(request, context):
    for n in range(int(request)):
        yield b'%d' % n
def total(requests, context):
    return b'%d' % sum(len(r) for r in requests)
def echo(requests, context):
    for r in requests:
        yield r
def sleep(request, context):
    time.sleep(30)
    return b''
same = dict(request_deserializer=None, response_serializer=None)
handlers = {'Identity': grpc.unary_unary_rpc_method_handler(identity, **same),
            'Fail': grpc.unary_unary_rpc_method_handler(fail, **same),
            'Sleep': grpc.unary_unary_rpc_method_handler(sleep, **same),
            'Count': grpc.unary_stream_rpc_method_handler(count, **same),
            'Total': grpc.stream_unary_rpc_method_handler(total, **same),
            'Echo': grpc.stream_stream_rpc_method_handler(echo, **same)}
server = grpc.server(futures.ThreadPoolExecutor(20), options=[('grpc.max_receive_message_length', -1)])
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('modem.Api', handlers),))
server.add_insecure_port('unix:' + sys.argv[1])
server.start()
server.wait_for_termination()
"""
IDENTITY = repr([("x-pv-client", "web"), ("x-pv-role", "admin")]).encode()


@pytest.fixture
def channel():
    import grpc
    made = []

    def open_channel(mediator):
        made.append(grpc.insecure_channel(f"unix:{mediator.path}", options=[("grpc.max_receive_message_length", -1)]))
        return made[-1]

    yield open_channel
    for one in made:
        one.close()


@pytest.fixture
def grpc_server(servers):
    return servers.python(GRPC_SERVER, "grpc-server")


def test_every_call_of_grpc_carries_the_identity_and_no_alias(grpc_server, mediate, channel):
    call = channel(mediate(grpc_server)).unary_unary("/modem.Api/Identity")
    forged = (("x-pv-client", "root"), ("x_pv_role", "root"), ("x.pv.role", "root"), ("x-pv-other", "1"))
    for _ in range(50):
        answer, state = call.with_call(b"", metadata=forged, timeout=60)
        assert answer == IDENTITY
        assert [(k, v) for k, v in state.trailing_metadata()] == [("x-after", "kept")]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: call(b"", metadata=forged, timeout=60), range(400))) == {IDENTITY}


def test_streams_of_grpc_pass_both_ways(grpc_server, mediate, channel):
    one = channel(mediate(grpc_server))
    assert list(one.unary_stream("/modem.Api/Count")(b"500", timeout=60)) == [b"%d" % n for n in range(500)]
    pieces = [b"x" * 100_000 for _ in range(100)]
    assert one.stream_unary("/modem.Api/Total")(iter(pieces), timeout=60) == b"10000000"
    turns = threading.Semaphore(0)

    def questions():
        for n in range(200):
            yield b"%d" % n
            assert turns.acquire(timeout=60)  # the next one only when the answer was there

    for n, heard in enumerate(one.stream_stream("/modem.Api/Echo")(questions(), timeout=60)):
        assert heard == b"%d" % n
        turns.release()


def test_what_grpc_says_of_errors_passes_and_so_do_cancellations(grpc_server, mediate, channel):
    import grpc
    one = channel(mediate(grpc_server))
    with pytest.raises(grpc.RpcError) as error:
        one.unary_unary("/modem.Api/Fail")(b"", timeout=60)
    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not now")
    with pytest.raises(grpc.RpcError) as error:
        one.unary_unary("/modem.Api/Sleep")(b"", timeout=0.3)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert one.unary_unary("/modem.Api/Identity")(b"", timeout=60) == IDENTITY


def test_rules_hold_for_each_method_of_grpc(grpc_server, mediate, channel):
    import grpc
    rules = {"rules": [{"methods": ["POST"], "paths": ["/modem.Api/Identity"]}], "protocol": "h2c"}
    mediator = mediate(grpc_server, rules, options=["--log"])
    one = channel(mediator)
    assert one.unary_unary("/modem.Api/Identity")(b"", timeout=60) == IDENTITY
    with pytest.raises(grpc.RpcError) as error:
        one.unary_unary("/modem.Api/Total")(b"", timeout=60)
    assert error.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert one.unary_unary("/modem.Api/Identity")(b"", timeout=60) == IDENTITY
    assert host.wait_until(lambda: mediator.log().count("\n") >= 3, 5)  # the last is written after the answer has left
    lines = [json.loads(line) for line in mediator.log().splitlines()]
    assert [(e["path"], e["status"]) for e in lines] == [("/modem.Api/Identity", 200), ("/modem.Api/Total", 403),
                                                         ("/modem.Api/Identity", 200)]


def test_a_provider_that_comes_back_is_found_again(servers, mediate, channel, tmp_path):
    import grpc
    mediator = mediate(tmp_path / "grpc-server")
    call = channel(mediator).unary_unary("/modem.Api/Identity")
    with pytest.raises(grpc.RpcError) as error:
        call(b"", timeout=60)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    for _ in range(2):
        servers.python(GRPC_SERVER, "grpc-server")
        assert call(b"", timeout=60, wait_for_ready=True) == IDENTITY
        servers.running[-1].kill()
        servers.running[-1].wait()
        with pytest.raises(grpc.RpcError):
            call(b"", timeout=60)
        (tmp_path / "grpc-server").unlink()


NGINX = """
user root; daemon off; master_process off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/nginx.err;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi; client_max_body_size 0; underscores_in_headers on;
  keepalive_requests 1000000;
  server {{
    listen unix:{home}/nginx2 http2; root {home}/files;
    location /who {{ default_type text/plain; return 200 "$http_x_pv_client|$http_x_pv_role|$request_uri|$host|$server_protocol\\n"; }}
    location /up/ {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


@pytest.fixture
def nginx(servers):
    config = servers.home / "nginx.conf"
    config.write_text(NGINX.format(home=servers.home))
    (servers.home / "files").mkdir()
    return servers._start(["nginx", "-p", str(servers.home), "-c", str(config), "-e", str(servers.home / "e")],
                          servers.home / "nginx2")


def h2(path, target, *options):
    return curl(path, target, "--http2-prior-knowledge", *options, timeout=120)


def test_curl_reaches_nginx_over_http_2(nginx, mediate, servers):
    path = mediate(nginx).path
    answer = h2(path, "/who/./a//b?q=1", "--path-as-is", "-H", "X-PV-Client: root", "-H", "x_pv_role: root",
                "-H", "Host: evil", "-w", "%{http_version}")
    assert answer.stdout == b"web|admin|/who/a/b?q=1|localhost|HTTP/2.0\n2"
    content = bytes(range(256)) * 40960
    (servers.home / "files/blob").write_bytes(content)
    assert h2(path, "/blob").stdout == content
    assert h2(path, "/blob", "-I").stdout.startswith(b"HTTP/2 200 ")
    assert h2(path, "/up/x", "-T", servers.home / "files/blob", "-w", "%{http_code}").stdout.endswith(b"201")
    assert (servers.home / "files/up/x").read_bytes() == content
    assert h2(path, "/none", "-o", "/dev/null", "-w", "%{http_code}").stdout == b"404"


def test_refusals_are_json_over_http_2_too(nginx, mediate, servers, tmp_path):
    rules = {"rules": [{"methods": ["GET", "PUT"], "paths": ["/who/**", "/up/*"]}], "protocol": "h2c", "body": 1000}
    path = mediate(nginx, rules).path
    for options, status, said in ((["/admin"], b"403", b'"rule":"GET,PUT /who/**,/up/*"'),
                                  (["/who/../admin", "--path-as-is"], b"403", b"may not GET /admin"),
                                  (["/who/%2e%2e/admin", "--path-as-is"], b"403", b"may not GET /admin"),
                                  (["/who/a;b"], b"403", b"rule"), (["/../x", "--path-as-is"], b"400", b"climbs"),
                                  (["/who", "-X", "TRACE"], b"501", b"TRACE"),
                                  (["/who", "-H", "a: " + "y" * 40_000], b"431", b"too long"),
                                  (["/up/x", "-X", "PUT", "-d", "y" * 1001], b"413", b'"rule":"body 1000"')):
        answer = h2(path, *options, "-w", "%{http_code}")
        assert answer.stdout.endswith(status) and said in answer.stdout, (options, answer)
    chunks = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "--unix-socket", str(path), "-T", "-", "-w",
                             "%{http_code}", "http://svc/up/x"], input=b"y" * 200_000, capture_output=True, timeout=60)
    assert chunks.stdout.endswith(b"413"), chunks
    assert not (servers.home / "files/up/x").exists()
    nobody = mediate(tmp_path / "nobody").path
    answer = h2(nobody, "/who", "-w", "%{http_code}")
    assert answer.stdout.endswith((b"502", b"503")) and b'"role":"admin"' in answer.stdout


def test_who_speaks_something_else_is_told_so(nginx, mediate, servers):
    answer = curl(mediate(nginx).path, "/who")
    assert b"prior knowledge" in answer.stdout, answer
    # A provider of HTTP/1. curl gives up unread when a frame of its own meets the end of the connection first (55, 56).
    path = mediate(servers.node()).path
    for _ in range(20):
        answer = h2(path, "/x", "-w", "%{http_code}")
        if answer.returncode not in (55, 56):
            break
    assert answer.stdout.endswith(b"502"), answer


def test_a_slow_provider_is_504_and_the_connection_goes_on(grpc_server, mediate, channel):
    import grpc
    one = channel(mediate(grpc_server, {**H2C, "wait": 3}))
    begun = time.monotonic()
    with pytest.raises(grpc.RpcError) as error:
        one.unary_unary("/modem.Api/Sleep")(b"", timeout=60)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE and 2.9 < time.monotonic() - begun < 25
    assert one.unary_unary("/modem.Api/Identity")(b"", timeout=60) == IDENTITY


def test_h2load_gets_every_answer_over_many_streams(nginx, mediate):
    mediator = mediate(nginx)
    done = subprocess.run(["h2load", "-n", "20000", "-c", "4", "-m", "50", "-B", f"unix:{mediator.path}",
                           "http://svc/who/x"], capture_output=True, text=True, timeout=300)
    assert "20000 succeeded, 0 failed, 0 errored" in done.stdout, done.stdout + done.stderr
    assert "20000 2xx, 0 3xx" in done.stdout


def test_bodies_of_256_mebibytes_pass_over_http_2_in_bounded_memory(nginx, mediate, servers):
    mediator = mediate(nginx)
    big = servers.home / "files/big"
    with open(big, "wb") as file:
        file.truncate(256 * MEBIBYTE)
    assert h2(mediator.path, "/big", "-o", "/dev/null", "-w", "%{size_download}").stdout == b"%d" % (256 * MEBIBYTE)
    up = h2(mediator.path, "/up/big", "-T", big, "-w", "%{http_code}")
    assert up.stdout.endswith(b"201") and (servers.home / "files/up/big").stat().st_size == 256 * MEBIBYTE
    assert rest_world.figure(mediator.worker(), "VmHWM") < WORKER_LIMIT


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
HEADERS, RST, SETTINGS, PING, GOAWAY = 1, 3, 4, 6, 7
GET = b"\x82\x86\x84\x41\x01a"  # static table: GET, http, /; authority "a"


def frames(heard):
    found = []
    while len(heard) >= 9:
        size = int.from_bytes(heard[:3], "big")
        found.append((heard[3], heard[4], int.from_bytes(heard[5:9], "big") & 0x7FFFFFFF, heard[9:9 + size]))
        heard = heard[9 + size:]
    return found


def hear_all(client):
    heard = b""
    try:
        while news := client.recv(65536):
            heard += news
    except (ConnectionError, TimeoutError):
        pass
    return heard


def test_rapid_reset_ends_the_connection_and_nobody_elses(nginx, mediate):
    mediator = mediate(nginx)
    with mediator.connect() as client:
        client.sendall(PREFACE)
        try:
            for n in range(2000):
                client.sendall(frame(HEADERS, 5, 2 * n + 1, GET) + frame(RST, 0, 2 * n + 1, b"\0\0\0\x08"))
        except (BrokenPipeError, ConnectionResetError):
            pass
        gone = [f for f in frames(hear_all(client)) if f[0] == GOAWAY]
    assert gone and int.from_bytes(gone[-1][3][4:8], "big") == 11  # ENHANCE_YOUR_CALM
    assert h2(mediator.path, "/who").stdout.startswith(b"web|admin|")


FLOODS = {
    "pings": frame(PING, 0, 0, b"12345678") * 40_000,
    "settings": frame(SETTINGS, 0, 0) * 60_000,
    "continuations": frame(HEADERS, 0, 1, GET) + frame(9, 0, 1, b"\0\1a\1b" * 100) * 20_000,
    "a compression bomb": frame(HEADERS, 4, 1, GET + b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 9000),
    "streams": b"".join(frame(HEADERS, 4, 2 * n + 1, GET) for n in range(20_000)),
    "empty data": frame(HEADERS, 4, 1, GET) + frame(0, 0, 1) * 60_000,
    "a lie about length": frame(HEADERS, 5, 1, GET)[:-1] + b"\xff" * 100_000}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_stay_within_the_memory_of_a_worker(nginx, mediate, name):
    mediator = mediate(nginx)
    assert h2(mediator.path, "/who").returncode == 0
    worker = mediator.worker()
    with mediator.connect() as client:  # says everything, and hears nothing until then
        client.settimeout(3)
        try:
            client.sendall(PREFACE + FLOODS[name])
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
        assert h2(mediator.path, "/who").stdout.startswith(b"web|admin|"), "others are served meanwhile"
        assert rest_world.figure(worker, "VmHWM") < WORKER_LIMIT and mediator.worker() == worker


def test_names_that_fold_to_reserved_ones_never_pass(nginx, mediate):
    """Straight from the wire: a client library might have refused to send them."""
    names = [b"x-pv-client", b"x_pv_client", b"x.pv.role", b"x-pv-anything", b"x~pv~role"]
    fields = b"".join(b"\0" + bytes([len(n)]) + n + b"\x04root" for n in names)
    path = b"\x04\x04/who"
    with mediate(nginx).connect() as client:
        client.sendall(PREFACE + frame(HEADERS, 5, 1, b"\x82\x86" + path + b"\x41\x01a" + fields))
        heard = b""
        while not re.search(rb"\|HTTP/2.0\n", heard):
            news = client.recv(65536)
            assert news, heard
            heard += news
    assert b"web|admin|/who|localhost|" in heard and b"root" not in heard
