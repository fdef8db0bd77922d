"""The worker's sandbox, tried act by act from inside (tests/probe/xc-probe-sandbox)."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import bed as beds
import host
import pytest

PROBE = beds.BUILD / "tests/xc-probe-sandbox"
SOURCE = Path(__file__).resolve().parents[2]
KILLED = 128 + signal.SIGSYS
# The kernel lets these two past every filter (uretprobe, uprobe: x86-64 numbers); outside a probed program they only
# end the caller with SIGILL, or fail.
PAST_EVERY_FILTER = {335, 336}


def probe(*arguments):
    done = subprocess.run([PROBE, *map(str, arguments)], text=True, capture_output=True, timeout=300, check=False)
    assert "sandbox:" not in done.stderr, done.stderr
    return done


def listed():
    text = (SOURCE / "lib/sys/filters/worker.list").read_text()
    return [line.split()[0] for line in text.splitlines() if line and not line.startswith("#")]


def number_of(name):
    """The call's number on this machine, -1 when it has none (libseccomp's table)."""
    return ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name(name.encode())


def test_shm_03_every_call_outside_the_list_kills_the_worker():
    survived = {int(line.split()[0]) for line in probe("all").stdout.splitlines()}
    allowed = {number_of(name) for name in listed()}
    assert len(listed()) <= 20
    assert survived - PAST_EVERY_FILTER <= allowed
    assert number_of("recvmsg") in survived  # the probe sees what is allowed, too


def test_shm_03_one_forbidden_call_says_sigsys():
    assert probe("syscall", number_of("openat")).stdout.strip() == str(KILLED)


def test_shm_04_each_act_fails_without_the_filter_too():
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0xc-probe-target")
        listener.listen()
        words = dict(line.split(": ", 1) for line in probe("layers", "xc-probe-target").stdout.splitlines())
    assert len(words) == 10
    assert "ALLOWED" not in words.values(), words
    assert words["connect to an abstract socket"] == os.strerror(111)
    assert words["fork"] == os.strerror(11)


def test_the_sandbox_holds_one_descriptor_and_a_uid_of_nobody():
    lines = probe("look").stdout.splitlines()
    assert len([line for line in lines if line.startswith("descriptor")]) <= 4, lines
    assert re.match(r"uid (\d+) gid \1 pid 1$", lines[0]), lines


@pytest.fixture
def hopeless(tmp_path):
    """A mediator as root of a user namespace that has one id: no worker can get an id of its own."""
    with socket.socket(socket.AF_UNIX) as provider:
        provider.bind(str(tmp_path / "provider"))
        provider.listen(20)
        mediator = subprocess.Popen(["unshare", "-r", str(beds.INJECT), "mediate", "unix", "--listen", str(tmp_path / "link"),
                                     "--connect", str(tmp_path / "provider")], stderr=subprocess.DEVNULL)
        try:
            assert host.wait_until(lambda: any(path.endswith("/link") for path in host.listeners()), 5)
            yield mediator
        finally:
            mediator.terminate()
            mediator.wait()


def connect_in_vain(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(path))
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass


def test_a_worker_that_cannot_be_started_leaves_no_zombie(hopeless, tmp_path):
    for _ in range(5):
        connect_in_vain(tmp_path / "link")
    children = Path(f"/proc/{hopeless.pid}/task/{hopeless.pid}/children")
    assert host.wait_until(lambda: children.read_text().split() == []), children.read_text()


def test_a_worker_that_cannot_be_started_is_tried_again_ever_more_slowly(hopeless, tmp_path):
    begin = time.monotonic()
    for _ in range(6):
        connect_in_vain(tmp_path / "link")
    assert time.monotonic() - begin > 0.7  # 50 + 100 + 200 + 400 ms


@pytest.mark.parametrize("name", ["execve", "socket", "connect", "openat", "clone", "ptrace", "bpf", "io_uring_setup"])
def test_forbidden_by_name(name):
    assert probe("syscall", number_of(name)).stdout.strip() == str(KILLED)
