""""via": "direct": the provider's own socket in the container, nothing in between, and what becomes of it when the
provider ends, comes back or makes its socket anew."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import pytest

import bed as beds
import host
from jobs import RAW, RAW_OFFER, RAW_WISH, client, dialer, modem, refused, serving, started
from raw_links import INJECT

ALL = {"any": {"unix": {"fds": 253}}}
DIRECT = {**RAW_OFFER, "via": "direct", "roles": ALL}


def link_of(bed, consumer):
    """The only link of a container, as status tells it."""
    said = subprocess.run([INJECT, "status", consumer.name, "--state", bed.state, "--json"], capture_output=True, check=True)
    seen = json.loads(said.stdout)
    return (seen if isinstance(seen, list) else seen["containers"])[0]["links"][0]


def becomes(bed, consumer, state):
    return host.wait_until(lambda: link_of(bed, consumer)["state"] == state, 5), link_of(bed, consumer)


class Server:
    """A socket of the host that says its name to whoever connects, or answers a datagram with it."""

    def __init__(self, path, name, kind=socket.SOCK_STREAM):
        self.path, self.name = path, name
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(str(path))
        os.chmod(path, 0o666)
        if kind != socket.SOCK_DGRAM:
            self.socket.listen(16)
        self.thread = threading.Thread(target=self.answer if kind == socket.SOCK_DGRAM else self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with connection, contextlib.suppress(OSError):  # who came may have left
                    connection.sendall(self.name.encode())

    def answer(self):
        try:
            while True:
                data, address = self.socket.recvfrom(65536)
                if address:
                    self.socket.sendto(self.name.encode() + data, address)
        except OSError:
            pass

    def close(self):
        os.unlink(self.path)
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def heard(pid, path=RAW):
    """What a client of the container hears there first; nothing while the old socket is still shown."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(60)
        try:
            one.connect(f"/proc/{pid}/root{path}")
            return one.recv(100).decode()
        except (ConnectionRefusedError, ConnectionResetError):
            return ""


@pytest.fixture
def offered(bed):
    """The host offers `modem-raw`, had directly, on a socket that the test makes."""
    path = bed.home / "svc" / "raw.sock"
    path.parent.mkdir()
    offer = {"name": "modem-raw", "type": "unix", "socket": str(path), "via": "direct", "roles": ALL}
    bed.host_services("raw.json", beds.services(offer))
    return path


def test_the_first_command_has_the_providers_own_socket_and_nothing_runs_in_between(bed, engine):
    workers = set(host.named("xc-worker"))
    provider = modem(bed, offers=(DIRECT,))
    serving(engine, provider)
    consumer = dialer(bed, wishes=[RAW_WISH])
    pid = started(engine, consumer)
    assert becomes(bed, consumer, "direct")[0], becomes(bed, consumer, "direct")[1]
    assert "hello" in client(pid, "echo", RAW, "hello")
    assert "in use" in client(pid, "pass", RAW, "in use")
    assert set(host.named("xc-worker")) == workers
    assert link_of(bed, consumer)["connections"] == 0
    inside = os.stat(f"/proc/{pid}/root{RAW}")
    own = os.stat(next(f"/proc/{p}/root/run/modem/raw.sock" for p in host.named("xc-test-provide")
                       if os.path.exists(f"/proc/{p}/root/run/modem/raw.sock")))
    assert (inside.st_dev, inside.st_ino) == (own.st_dev, own.st_ino)


def test_a_provider_that_ends_and_comes_back_is_found_again(bed, engine):
    provider = modem(bed, offers=(DIRECT,))
    serving(engine, provider)
    consumer = dialer(bed, wishes=[RAW_WISH])
    pid = started(engine, consumer)
    assert becomes(bed, consumer, "direct")[0]
    for _ in range(3):
        engine.stop(provider)
        assert becomes(bed, consumer, "open")[0], "our listener lies open while it is away"
        serving(engine, provider)
        assert "hello" in client(pid, "echo", RAW, "hello")
        assert becomes(bed, consumer, "direct")[0]
        assert "again" in client(pid, "echo", RAW, "again")


def test_a_provider_that_comes_later_serves_at_once_and_then_directly(bed, runc):
    consumer = dialer(bed, wishes=[RAW_WISH])
    pid = started(runc, consumer)
    provider = modem(bed, offers=(DIRECT,))
    serving(runc, provider)
    assert "hello" in client(pid, "echo", RAW, "hello")
    assert becomes(bed, consumer, "direct")[0], link_of(bed, consumer)
    assert "again" in client(pid, "echo", RAW, "again")


def test_a_socket_that_is_made_anew_is_planted_anew(bed, runc, offered):
    server = Server(offered, "first")
    consumer = dialer(bed, wishes=[RAW_WISH])
    pid = started(runc, consumer)
    assert becomes(bed, consumer, "direct")[0]
    assert heard(pid) == "first"
    for name in ("second", "third", "fourth"):
        server.close()
        server = Server(offered, name)
        assert host.wait_until(lambda: heard(pid) == name, 5), link_of(bed, consumer)
    server.close()
    assert becomes(bed, consumer, "open")[0]


def test_a_busy_directory_of_the_provider_costs_the_monitor_little(bed, runc, offered):
    server = Server(offered, "calm")
    consumer = dialer(bed, wishes=[RAW_WISH])
    pid = started(runc, consumer)
    assert becomes(bed, consumer, "direct")[0]
    shim = next(p for p in host.named("xc-shim"))
    spent = lambda: sum(map(int, open(f"/proc/{shim}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[11:15]))
    before, own = spent(), time.process_time()
    for number in range(20000):
        (offered.parent / f"{number % 7}").touch()
        (offered.parent / f"{number % 7}").unlink()
    own = time.process_time() - own
    assert spent() - before < max(30, 100 * own / 4), f"clock ticks of 10 ms; making it busy took {own} s"
    assert heard(pid) == "calm"
    server.close()


def test_datagrams_go_directly_and_their_answers_too(bed, engine):
    path = bed.home / "svc" / "raw.sock"
    path.parent.mkdir()
    offer = {"name": "modem-raw", "type": "unix", "socket-type": "dgram", "socket": str(path), "via": "direct", "roles": ALL}
    bed.host_services("raw.json", beds.services(offer))
    consumer = dialer(bed, wishes=[RAW_WISH])
    pid = started(engine, consumer)
    target = f"/proc/{pid}/root{RAW}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        with pytest.raises(ConnectionRefusedError):
            one.sendto(b"nobody is there", target)
        for name in ("first", "second"):
            server = Server(path, name, socket.SOCK_DGRAM)
            assert host.wait_until(lambda: link_of(bed, consumer)["state"] == "direct", 5), link_of(bed, consumer)
            one.settimeout(60)
            if name == "first":
                one.bind("")  # a name of the kernel's, in this network namespace
            one.sendto(b" hears", target)
            assert one.recv(100) == name.encode() + b" hears"
            server.close()
            assert becomes(bed, consumer, "open")[0]


def test_a_role_that_limits_descriptors_cannot_be_direct(bed, runc, offered):
    offer = {"name": "modem-raw", "type": "unix", "socket": str(offered), "via": "direct",
             "roles": {"any": {"unix": {"fds": 28}}}}
    bed.host_services("raw.json", beds.services(offer))
    refused(bed, runc, dialer(bed, wishes=[RAW_WISH]), 'lets every descriptor pass: the role "any" must allow them')


def test_a_datagram_service_that_is_not_direct_is_refused_with_the_reason(bed, runc, offered):
    offer = {"name": "modem-raw", "type": "unix", "socket-type": "dgram", "socket": str(offered)}
    bed.host_services("raw.json", beds.services(offer))
    refused(bed, runc, dialer(bed, wishes=[RAW_WISH]), 'must be offered with "via": "direct"')


def test_a_container_that_hides_the_place_keeps_the_providers_socket_out(bed, runc, offered):
    """The place is found again by what lies there: with anything else at that name nothing is mounted."""
    consumer = dialer(bed, ["sh", "-c", "while ! test -e /out/go; do sleep 0.05; done; mv /run/svc /run/old; mkdir /run/svc; "
                            "echo mine > /run/svc/raw.sock; sleep 600"], wishes=[RAW_WISH])
    pid = started(runc, consumer)
    (consumer.out / "go").touch()
    assert host.wait_until(lambda: os.path.isfile(f"/proc/{pid}/root{RAW}"), 5)
    server = Server(offered, "late")
    assert heard(pid, "/run/old/raw.sock") == "late", "by our listener"
    time.sleep(0.3)
    assert os.path.isfile(f"/proc/{pid}/root{RAW}") and link_of(bed, consumer)["state"] == "open"
    server.close()
