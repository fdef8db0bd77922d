"""xc-inject doctor on a host whose kernel, control groups or state directory are not as they should be: each is made so in
namespaces of its own. And what became of a container's links."""

import json
import os
import signal
import socket
import subprocess

import pytest

import bed as beds
import host
from jobs import API, RAW, RAW_WISH, dialer, get, modem, serving, started
from live import status
from window import doctor, says


def after(script, *arguments, namespaces=("-m", "--propagation", "private")):
    """The findings where the script was run before."""
    command = f'{script}\nexec {beds.INJECT} doctor --json "$@"'
    done = subprocess.run(["unshare", *namespaces, "sh", "-ec", command, "sh", *map(str, arguments)], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


LAYOUTS = {
    "none": ("umount -lR /sys/fs/cgroup", "broken", "no control groups are mounted"),
    "read-only": ("mount -t cgroup2 none /sys/fs/cgroup && mount -o remount,bind,ro /sys/fs/cgroup", "broken", "are mounted read-only"),
    "no devices": ("umount -l /sys/fs/cgroup/devices", "warning", "layout hybrid without the devices controller"),
    "no memory": ("umount -l /sys/fs/cgroup/memory", "warning", "there is no memory controller"),
    "version 2": ("umount -lR /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup", "good", "layout version 2"),
    "hybrid": ("true", "good", "layout hybrid"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_control_groups_is_named(bed, layout):
    script, severity, words = LAYOUTS[layout]
    findings = after(script, "--state", bed.state, "--config", bed.config)
    assert says(findings, severity, "control groups", words), findings


def test_namespaces_that_may_not_be_made_are_named(bed):
    findings = after("echo 0 > /proc/sys/user/max_net_namespaces", "--state", bed.state, "--config", bed.config,
                     namespaces=("-U", "-r"))
    finding, = says(findings, "broken", "max_net_namespaces is 0", "no connection is served")
    assert finding["mend"] == "sysctl -w user.max_net_namespaces=4096"


def test_a_kernel_without_seccomp_filters_is_named(bed):
    done = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=prctl,seccomp:error=EINVAL", beds.INJECT, "doctor", "--json",
                           "--state", bed.state, "--config", bed.config], capture_output=True, text=True, check=False)
    assert says(json.loads(done.stdout), "broken", "has no seccomp filters"), done.stdout


def test_what_only_root_sees_is_said_to_everybody_else(bed):
    command = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", beds.INJECT, "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert says(json.loads(done.stdout), "note", "runs as uid 65534"), done


def test_a_state_directory_that_a_power_cut_leaves_full_or_that_cannot_be_read_is_named(bed):
    script = f"mkdir -p {bed.state}; mount -t ramfs -o mode=0700 ramfs {bed.state}; mkdir -m 700 {bed.state}/c {bed.state}/offers"
    assert says(after(script, "--state", bed.state), "warning", "does not lie on tmpfs")
    findings = after(script + f"; mkdir -m 700 {bed.state}/c/box.1; echo nonsense > {bed.state}/c/box.1/record", "--state", bed.state)
    assert says(findings, "broken", "box", "its record cannot be read"), findings
    findings = after(script + f"; rmdir {bed.state}/c; touch {bed.state}/c", "--state", bed.state)
    assert says(findings, "broken", str(bed.state), "the state directory cannot be used"), findings
    bed.state.rmdir()


def test_a_worker_that_dies_is_named_and_so_is_the_link_that_is_closed_for_it(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed, wishes=[RAW_WISH])
    pid = started(runc, c)
    here = ("--state", bed.state, "--config", bed.config, c.name)
    for deaths in range(1, 40):  # the pauses between workers grow
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            try:
                client.connect(f"/proc/{pid}/root{RAW}")
                client.sendall(b"x")
                assert client.recv(1) == b"x"
            except OSError:
                break
            os.kill(status(bed, c.name)["links"][0]["worker"], signal.SIGKILL)  # which had the connection: it answered
            assert client.recv(1) == b""
        if deaths == 2:
            assert says(doctor(*here), "warning", "modem-raw", "its worker was restarted, times: "), doctor(*here)
    assert says(doctor(*here), "broken", "modem-raw", "the link is closed: "), doctor(*here)


def test_a_connection_that_was_ended_for_what_it_said_is_named(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    pid = started(runc, c)
    assert get(pid)["role"] == "viewer"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"/proc/{pid}/root{API}")
        client.sendall(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
        client.settimeout(60)
        assert client.recv(64).startswith(b"HTTP/1.1 400 ")
    here = ("--state", bed.state, "--config", bed.config, c.name)
    assert host.wait_until(lambda: says(doctor(*here), "warning", "modem-api", "a connection was ended: 400 "), 5), doctor(*here)
