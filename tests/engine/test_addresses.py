"""Addresses that are no path, under real containers: abstract names and ports of providers, ports of consumers."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import bed as beds
import host
from jobs import API, client, dialer, get, modem, refused, serving, started

NAME = "@modem-in-there"
WEB_PORT = 8080
PORT = f"tcp:127.0.0.1:{WEB_PORT}"
BYTES = {"type": "rest", "role": "viewer"}


@pytest.fixture(params=["runc", "crun", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


def share_network(config):
    config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "network"]


def named_modem(bed, name="modem", command=f"exec xc-test-provider --rest {NAME} --name modem", **more):
    return bed.container(name, ["sh", "-c", command],
                         services=beds.services({"name": "modem-api", "type": "rest", "socket": NAME}), **more)


def web(bed, **more):
    """A provider whose service is an ordinary web server on its loopback."""
    c = bed.container("web", ["sh", "-c", "mkdir -p /tmp/www && echo page >/tmp/www/index.html && echo ready && "
                              "exec busybox httpd -f -p 127.0.0.1:8080 -h /tmp/www"],
                      services=beds.services({"name": "web", "type": "rest", "socket": PORT}), **more)
    c.lxc_lines.append("lxc.net.0.flags = up")
    return c


def wish(target=API, name="modem-api", **more):
    return {"name": name, **BYTES, "target": target, **more}


def fetch(pid, port=8080, path="/v1/status"):
    return beds.inside(pid, "busybox", "wget", "-q", "-O", "-", f"http://127.0.0.1:{port}{path}").output


# --- providers ---------------------------------------------------------------------------------------------------------
def test_a_provider_at_an_abstract_name_of_its_own(bed, engine):
    serving(engine, named_modem(bed))
    assert get(started(engine, dialer(bed, wishes=[wish()])))["role"] == "viewer"


def test_the_name_means_nothing_in_other_networks(bed, runc):
    """The same name of the host's own network, and of another container's, is somebody else's."""
    provider = named_modem(bed)
    serving(runc, provider)
    decoy = subprocess.Popen([beds.BUILD / "tests/xc-test-provider", "--rest", NAME, "--name", "decoy"],
                             stdout=subprocess.DEVNULL)
    try:
        pid = started(runc, dialer(bed, wishes=[wish()]))
        assert get(pid)["provider"] == "modem"
        assert runc.kill(provider).code == 0
        assert host.wait_until(lambda: "503" in client(pid, "get", API, "/v1/status"))
    finally:
        decoy.kill()
        decoy.wait()


@contextlib.contextmanager
def stranger_in_the_network_of(pid):
    """A process of the host that answers at the provider's name."""
    with subprocess.Popen(["nsenter", "-t", str(pid), "-n", beds.BUILD / "tests/xc-test-provider", "--rest", NAME,
                           "--name", "stranger"], stdout=subprocess.PIPE, text=True) as stranger:
        try:
            assert "ready" in stranger.stdout.readline()
            yield
        finally:
            stranger.kill()


def assert_refused(bed, consumer):
    assert "stranger" not in client(consumer, "get", API, "/v1/status")
    status = subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state], capture_output=True, text=True,
                            check=True).stdout
    assert "does not live in that container" in status


def test_a_stranger_at_the_providers_name_is_not_the_provider(bed, engine):
    with stranger_in_the_network_of(started(engine, named_modem(bed, command="exec sleep 600"))):
        assert_refused(bed, started(engine, dialer(bed, wishes=[wish()])))


def test_a_stranger_that_follows_the_provider_at_its_name_is_seen(bed, engine):
    """Whoever proved once that it is the provider is known again; who comes after it must prove it anew."""
    pid = serving(engine, named_modem(bed, command=f"xc-test-provider --rest {NAME} --name modem; exec sleep 600"))
    consumer = started(engine, dialer(bed, wishes=[wish()]))
    assert [get(consumer)["provider"] for _ in range(2)] == ["modem"] * 2
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert host.wait_until(lambda: "503" in client(consumer, "get", API, "/v1/status"))
    with stranger_in_the_network_of(pid):
        assert_refused(bed, consumer)


def test_a_provider_at_a_port_of_its_own(bed, engine):
    serving(engine, web(bed))
    pid = started(engine, dialer(bed, wishes=[wish(name="web")]))
    assert host.wait_until(lambda: client(pid, "get", API, "/index.html") == "page\n")


def test_a_port_in_a_shared_network_is_the_providers_alone(bed, runc):
    """Even in the host's: the kernel says whose socket listens there."""
    serving(runc, web(bed, edit_oci=share_network))
    pid = started(runc, dialer(bed, wishes=[wish(name="web")]))
    assert host.wait_until(lambda: client(pid, "get", API, "/index.html") == "page\n")


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_stranger_at_the_providers_port_is_not_the_provider(bed, runc, address):
    """He was there first, in the network that both live in."""
    with stranger_at(address) as heard:
        c = web(bed, edit_oci=share_network)
        c.args = ["/bin/sleep", "600"]
        started(runc, c)
        pid = started(runc, dialer(bed, wishes=[wish(name="web")]))
        assert "stranger" not in client(pid, "get", API, "/index.html")
        assert not heard
    status = subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state], capture_output=True, text=True,
                            check=True).stdout
    assert "does not live in that container" in status


@contextlib.contextmanager
def stranger_at(address):
    """A server of the host that answers whoever speaks to it; what it heard."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    heard = []
    with socket.create_server((address, WEB_PORT), family=family, dualstack_ipv6=family == socket.AF_INET6) as server:
        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(60)
                    said = connection.recv(4096)
                    if said:
                        heard.append(said)
                        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nstranger")
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heard
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


# --- consumers ---------------------------------------------------------------------------------------------------------
def test_a_consumer_at_a_port_of_its_own(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[wish(PORT)]))
    assert '"role":"viewer"' in fetch(pid)
    other = started(engine, bed.container("other"))
    assert "can't connect" in fetch(other)
    assert "Connection refused" in fetch(pid, 8081)


TOKEN = "0123456789abcdef0123456789abcdef"


def test_a_port_asks_for_the_token_that_the_container_has(bed, oci):
    """And keeps it: the provider sees no Authorization at all."""
    serving(oci, modem(bed))
    pid = started(oci, dialer(bed, wishes=[wish(PORT)], env=[f"XC_MODEM_API_TOKEN={TOKEN}"]))

    def ask(*fields):
        lines = "".join(f"{field}\\r\\n" for field in ("GET /v1/status HTTP/1.1", "Host: x", "Connection: close", *fields))
        return beds.inside(pid, "sh", "-c", f"printf '{lines}\\r\\n' | busybox nc 127.0.0.1 8080").output

    good = ask(f"Authorization: Bearer {TOKEN}")
    assert good.startswith("HTTP/1.1 200") and TOKEN not in good, good
    assert ask(f"AUTHORIZATION: bearer {TOKEN}").startswith("HTTP/1.1 200")
    for fields in ((), (f"Authorization: Bearer {TOKEN}x",), (f"Authorization: Basic {TOKEN}",),
                   (f"Authorization: Bearer {TOKEN[:-1]}0",), (f"X-Authorization: Bearer {TOKEN}",),
                   (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {TOKEN}")):
        answer = ask(*fields)
        assert answer.startswith("HTTP/1.1 401 Unauthorized\r\n") and "WWW-Authenticate: Bearer\r\n" in answer, answer
    assert TOKEN not in subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state], capture_output=True,
                                       text=True, check=True).stdout


def test_a_raw_link_at_a_port(bed, runc):
    serving(runc, modem(bed))
    pid = started(runc, dialer(bed, wishes=[{"name": "modem-raw", "target": PORT}]))
    assert "hello" in beds.inside(pid, "sh", "-c", "echo hello | busybox nc 127.0.0.1 8080").output


def test_a_port_with_host_network_is_refused(bed, runc):
    serving(runc, modem(bed))
    refused(bed, runc, dialer(bed, wishes=[wish(PORT)], edit_oci=share_network), "port with host network")


def test_a_port_that_is_taken_leads_to_the_next_place(bed, runc):
    serving(runc, modem(bed))
    with socket.create_server(("127.0.0.1", 8080)):
        wanted = wish([PORT, "tcp:127.0.0.1:8081"], **{"shared-netns": True})
        pid = started(runc, dialer(bed, wishes=[wanted], edit_oci=share_network))
        assert '"role":"viewer"' in fetch(pid, 8081)
    assert "Address already in use" in bed.log_text()
