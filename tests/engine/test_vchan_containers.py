"""vchan as a service: programs in two containers, or one and the host, brought together by hooks alone."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

import bed as beds
import host
from bed import requires, services
from jobs import started
from vchan_cat import cat, hear, say, talk, with_cat

OFFER = {"name": "gui", "type": "vchan", "domain": 5, "port": 6000, "roles": {"any": {"vchan": {"domains": [7]}}}}
WISH = {"name": "gui", "type": "vchan", "domain": 7, "server": 5, "port": 6000}
FRONT = "/var/run/vchan/vchan.5.7.6000.sock"


@pytest.fixture(params=["runc", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


def provider(bed, offer=OFFER):
    return with_cat(bed.container("provider", services=services(offer)))


def consumer(bed, wish=WISH, **options):
    return with_cat(bed.container("consumer", run=requires(wish), **options))


def has_rings(process):
    """Whether the program, or its child in a container's pid namespace, shares memory both ways: what it offered, and
    what it was offered."""
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    return any(Path(f"/proc/{pid}/maps").read_text().count("memfd:vchan") == 2 for pid in [str(process.pid), *children])


def test_two_containers_talk_over_a_vchan_and_agree_on_memory(bed, engine):
    server_pid, client_pid = started(engine, provider(bed)), started(engine, consumer(bed))
    with cat(server_pid, 5, "server", 7, 6000) as server, cat(client_pid, 7, "client", 5, 6000) as client:
        talk(server, client)
        assert host.wait_until(lambda: has_rings(server) and has_rings(client), 5)
        big = os.urandom(1 << 20)
        sender = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=client.stdin)
        sender.stdin.write(big[:1 << 16]), sender.stdin.close(), sender.wait()
        assert hear(server, 1 << 16) == big[:1 << 16]


def test_the_client_may_come_first_and_what_it_said_is_kept(bed, engine):
    client_pid = started(engine, consumer(bed))
    with cat(client_pid, 7, "client", 5, 6000) as client:
        say(client, b"early")
        time.sleep(0.2)
        server_pid = started(engine, provider(bed))
        with cat(server_pid, 5, "server", 7, 6000) as server:
            assert hear(server, 5) == b"early"
            talk(server, client, 1)


def test_either_end_may_start_again(bed, engine):
    server_pid, client_pid = started(engine, provider(bed)), started(engine, consumer(bed))
    for _ in range(2):
        with cat(server_pid, 5, "server", 7, 6000) as server:
            with cat(client_pid, 7, "client", 5, 6000) as client:
                talk(server, client, 1)
            assert hear(server, 1) == b""  # it has seen the end
    with cat(client_pid, 7, "client", 5, 6000) as client:
        with cat(server_pid, 5, "server", 7, 6000) as server:
            talk(server, client, 1)
        assert hear(client, 1) == b""


def test_a_restart_of_the_providers_container_is_survived(bed, engine):
    first = provider(bed)
    server_pid, client_pid = started(engine, first), started(engine, consumer(bed))
    with cat(server_pid, 5, "server", 7, 6000) as server, cat(client_pid, 7, "client", 5, 6000) as client:
        talk(server, client, 1)
    engine.stop(first)
    server_pid = started(engine, first)
    with cat(server_pid, 5, "server", 7, 6000) as server, cat(client_pid, 7, "client", 5, 6000) as client:
        talk(server, client, 1)


def test_a_client_that_gave_up_does_not_use_up_the_server(bed, runc):
    client_pid = started(runc, consumer(bed))
    for _ in range(3):
        with cat(client_pid, 7, "client", 5, 6000):
            time.sleep(0.1)
    server_pid = started(runc, provider(bed))
    with cat(server_pid, 5, "server", 7, 6000) as server, cat(client_pid, 7, "client", 5, 6000) as client:
        talk(server, client)


def test_the_host_serves_a_container(bed, engine, tmp_path):
    bed.host_services("gui.json", services({**OFFER, "socket": str(tmp_path)}))
    client_pid = started(engine, consumer(bed))
    directory = {"VCHAN_SOCKET_DIR": str(tmp_path)}
    with cat(0, 5, "server", 7, 6000, variables=directory) as server, \
            cat(client_pid, 7, "client", 5, 6000) as client:
        talk(server, client)


def test_an_older_end_takes_part(bed, runc, tmp_path):
    bed.host_services("gui.json", services({**OFFER, "socket": str(tmp_path)}))
    client_pid = started(runc, consumer(bed))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "vchan.5.7.6000.sock"))
        listener.listen(1)
        with cat(client_pid, 7, "client", 5, 6000) as client:
            line, _ = listener.accept()
            say(client, b"hello old one")
            assert line.recv(100) == b"hello old one"
            line.sendall(b"hello")
            assert hear(client, 5) == b"hello"
            line.close()


def test_the_role_may_forbid_memory(bed, runc):
    offer = {**OFFER, "roles": {"any": {"vchan": {"shm": False}}}}
    server_pid, client_pid = started(runc, provider(bed, offer)), started(runc, consumer(bed))
    with cat(server_pid, 5, "server", 7, 6000) as server, cat(client_pid, 7, "client", 5, 6000) as client:
        talk(server, client)
        assert not has_rings(server)


@pytest.mark.parametrize("wish,sentence", [
    ({**WISH, "domain": 8}, 'domain 8 may not talk to port 6000 of domain 5 in the role "any"'),
    ({**WISH, "port": 6001}, "but the link was planned for port 6001 of domain 5"),
    ({**WISH, "server": 6}, "but the link was planned for port 6000 of domain 6")])
def test_a_domain_or_port_that_is_not_listed_is_refused(bed, runc, wish, sentence):
    started(runc, provider(bed))
    assert runc.start(consumer(bed, wish)).code != 0
    assert sentence in bed.log_text()


def test_host_policy_says_which_domain_may_talk_to_which_port(bed, runc):
    allow = {"consumer": "*", "service": "gui", "roles": {"any": {"vchan": {"domains": [7], "ports": [1]}}}}
    bed.policy("p.json", {"#spec": "xconnect-policy@1", "allow": [allow]})
    started(runc, provider(bed))
    assert runc.start(consumer(bed)).code != 0
    assert 'domain 7 may not talk to port 6000 of domain 5 in the role "any"' in bed.log_text()


def test_status_counts_one_connection_at_a_time(bed, runc):
    server_pid, client_pid = started(runc, provider(bed)), started(runc, c := consumer(bed))
    with cat(server_pid, 5, "server", 7, 6000) as server, cat(client_pid, 7, "client", 5, 6000) as client:
        talk(server, client, 1)
        with cat(client_pid, 7, "client", 5, 6000) as second:
            say(second, b"wait")
            time.sleep(0.3)
            status = subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state, c.name],
                                    capture_output=True, text=True, check=True).stdout
            [link] = json.loads(status)[0]["links"]
            assert (link["type"], link["active"], link["target"]) == ("vchan", 1, FRONT)
            talk(server, client, 1)
