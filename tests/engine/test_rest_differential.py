"""Whatever the REST mediator forwards, each of several parsers made by others frames the same way: the bytes are made
from the grammar with tricks at every place and from the cases, cut and changed (rest_grammar); the parsers are h11,
node and, for the number of requests and whose they are, nginx. XC_LONG=1 runs a hundred times as many."""

import base64
import collections
import socket

import pytest

import rest_grammar
import rest_oracles
import rest_world
from jobs import LONG
from test_http_cases import CASES, check_identity, read_request

COUNT = 100_000 if LONG else 4000
NODE_METHODS = "GET POST HEAD PUT DELETE OPTIONS PATCH M-SEARCH REPORT".split()


class World:
    """The mediator, with this test as its client and its provider."""

    def __init__(self, home):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(home / "provider"))
        self.listener.listen(4)
        self.listener.settimeout(60)
        rules = {"rules": "all", "upgrade": True}
        self.mediator = rest_world.Mediator(home / "m", home / "provider", rules)

    def exchange(self, pieces, answer=None):
        """(what the provider heard, what the client heard). Without an `answer` the provider only listens."""
        with self.mediator.connect() as client:
            client.settimeout(60)
            for piece in pieces:
                say(client, piece)
            if answer is None:
                finish(client)
            provider, _ = self.listener.accept()
            provider.settimeout(0.5 if answer is None else 60)
            with provider:
                if answer is None:
                    heard = read_all(provider)
                else:
                    heard = provider.recv(65536)
                    for piece in answer:
                        say(provider, piece)
                    finish(provider)
            return heard, read_all(client)

    def stop(self):
        self.mediator.stop()
        self.listener.close()


def say(peer, data):
    try:
        peer.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused already


def finish(peer):
    try:
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def read_all(peer):
    heard = b""
    while True:
        try:
            news = peer.recv(1 << 20)
        except (ConnectionResetError, TimeoutError):
            return heard  # a time-out: an upgrade waits for the provider's word
        if not news:
            return heard
        heard += news


@pytest.fixture
def world(tmp_path):
    one = World(tmp_path)
    yield one
    one.stop()


def strictly(data):
    """Complete requests as the strict reader of the cases finds them, in the shape of the oracles; and the rest."""
    found = []
    while data and (one := read_request(data)) is not None:
        check_identity(one[0])
        method, target, fields, trailers, body = one[0]
        found.append({"method": method.decode(), "target": target.decode("latin-1"), "fields": decoded(fields),
                      "trailers": decoded(trailers), "body": body.decode("latin-1")})
        data = one[1]
    return found, data


def decoded(fields):
    return [[n.decode().lower(), v.decode("latin-1")] for n, v in fields]


def seeds():
    for case in CASES.values():
        for step in case.get("steps") or [{"send_b64": case.get("bytes_b64", "")}]:
            if step.get("send_b64"):
                yield base64.b64decode(step["send_b64"])[:20_000]


def inputs(count):
    """(number, grammar, bytes): every case as it is and changed, then the grammar from tame to wild."""
    number = 0
    for data in seeds():
        for again in range(2):
            grammar = rest_grammar.Grammar(number, 0.1)
            yield number, grammar, grammar.mutate(data) if again else data
            number += 1
    for number in range(number, count):
        grammar = rest_grammar.Grammar(number, (0.0, 0.02, 0.05, 0.1)[number % 4])
        yield number, grammar, grammar.requests()


def test_what_reaches_a_provider_is_framed_alike_by_everyone(world, tmp_path):
    node, nginx = rest_oracles.Node(tmp_path, "server"), rest_oracles.Nginx(tmp_path)
    seen = collections.Counter()
    try:
        for number, grammar, data in inputs(COUNT):
            heard, _ = world.exchange(grammar.pieces(data))
            expected, rest = strictly(heard)
            seen[len(expected)] += 1
            if not heard:
                continue
            told = f"input {number}: {data!r}\nforwarded: {heard!r}"
            found, fault = rest_oracles.h11_requests(heard)
            assert found == expected and not (fault and not rest), f"h11: {fault} {found}\n{told}"
            if all(m["method"] in NODE_METHODS for m in expected):
                found, fault = node.read_requests(heard)
                closing = [i for i, m in enumerate(expected) if ["connection", "close"] in m["fields"]]
                until = closing[0] + 1 if closing else len(expected)
                assert found == expected[:until] and not (fault and not rest), f"node: {fault} {found}\n{told}"
                views = nginx.read_requests(heard)
                minds = any(v["status"] == "400" for v in views)  # it is stricter about some words; then what is before
                views = [v for v in views if v["status"] == "200"]
                view = [(v["method"], v["target"]) for v in views]
                until = len(view) if minds else until
                assert view[:until] == [(m["method"], m["target"]) for m in expected[:until]], f"nginx: {view}\n{told}"
                assert all((v["client"], v["role"]) == ("web", "admin") for v in views), told
                seen["nginx minds"] += minds and not rest
    finally:
        node.stop()
        nginx.stop()
    assert seen["nginx minds"] < COUNT / 50, "nginx is no judge any more"
    assert seen[0] > COUNT / 10 and seen[1] > COUNT / 10 and seen[2] > COUNT / 50, f"too one-sided: {seen}"


def test_what_reaches_a_client_is_framed_alike_by_everyone(world, tmp_path):
    node = rest_oracles.Node(tmp_path, "client")
    seen = collections.Counter()
    try:
        for number in range(COUNT // 2):
            grammar = rest_grammar.Grammar(number, (0.0, 0.02, 0.05, 0.1)[number % 4])
            method = grammar.dice.choice(["GET", "GET", "POST", "HEAD"])
            data = grammar.responses()
            request = f"{method} / HTTP/1.1\r\nHost: svc\r\n\r\n".encode()
            _, heard = world.exchange([request], grammar.pieces(data))
            told = f"response {number} to {method}: {data!r}\nforwarded: {heard!r}"
            assert heard.startswith(b"HTTP/1.1 "), told
            first, first_fault = rest_oracles.h11_response(method, heard)
            second, second_fault = node.read_response(method, heard)
            seen[bool(first), heard.startswith(b"HTTP/1.1 502 ")] += 1
            assert first == second, f"h11: {first_fault} {first}\nnode: {second_fault} {second}\n{told}"
            if not first:  # both mind: only an end in the middle of a body can be the reason
                assert (first_fault[:8], second_fault) in TORN, f"{first_fault}, {second_fault}\n{told}"
    finally:
        node.stop()
    assert seen[True, True] > COUNT / 20 and seen[True, False] > COUNT / 20, f"too one-sided: {seen}"


TORN = {("peer clo", "incomplete"), ("incomple", "ECONNRESET")}
