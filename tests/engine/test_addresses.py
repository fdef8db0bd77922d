"""Addresses that are no path, under real containers: abstract names and ports of providers, ports of consumers."""

import socket
import subprocess

import pytest

import bed as beds
import host
from jobs import API, client, dialer, get, modem, refused, serving, started

NAME = "@modem-in-there"
PORT = "tcp:127.0.0.1:8080"
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


def test_a_stranger_at_the_providers_name_is_not_the_provider(bed, engine):
    pid = started(engine, named_modem(bed, command="exec sleep 60"))
    stranger = subprocess.Popen(["nsenter", "-t", str(pid), "-n", beds.BUILD / "tests/xc-test-provider", "--rest", NAME,
                                 "--name", "stranger"], stdout=subprocess.PIPE, text=True)
    try:
        assert "ready" in stranger.stdout.readline()
        consumer = started(engine, dialer(bed, wishes=[wish()]))
        assert "stranger" not in client(consumer, "get", API, "/v1/status")
        status = subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state], capture_output=True, text=True,
                                check=True).stdout
        assert "does not live in that container" in status
    finally:
        stranger.kill()
        stranger.wait()


def test_a_provider_at_a_port_of_its_own(bed, engine):
    serving(engine, web(bed))
    pid = started(engine, dialer(bed, wishes=[wish(name="web")]))
    assert host.wait_until(lambda: client(pid, "get", API, "/index.html") == "page\n")


def test_a_port_in_the_hosts_network_is_nobodys(bed, runc):
    serving(runc, web(bed, edit_oci=share_network))
    pid = started(runc, dialer(bed, wishes=[wish(name="web")]))
    assert "page" not in client(pid, "get", API, "/index.html")
    status = subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state], capture_output=True, text=True,
                            check=True).stdout
    assert "nobody can say who answers there" in status


# --- consumers ---------------------------------------------------------------------------------------------------------
def test_a_consumer_at_a_port_of_its_own(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[wish(PORT)]))
    assert '"role":"viewer"' in fetch(pid)
    other = started(engine, bed.container("other"))
    assert "can't connect" in fetch(other)
    assert "Connection refused" in fetch(pid, 8081)


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
