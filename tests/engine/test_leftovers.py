"""What stays behind when more than one thing goes wrong, and what a container's end must not take from another."""

import os
import shutil
import subprocess

import bed as beds
import host
from jobs import RAW, RAW_WISH, client, dialer, modem, serving, started
from test_lifecycle import call_hook


def test_a_broken_policy_does_not_keep_what_a_dead_container_left(bed, runc):
    c = dialer(bed, hook=[])
    pid = started(runc, c)
    assert call_hook(bed, c, pid).returncode == 0
    for shim in host.named("xc-shim"):
        os.kill(shim, 9)
    runc.stop(c)
    bed.policy("broken.json", "{")
    assert call_hook(bed, c, 0, "poststop").returncode == 0
    assert host.kept(bed.state) == []


def test_a_stop_that_is_told_before_the_end_leaves_nothing_of_a_provider(bed, runc):
    """As crun does, now and then. A container that only offers has no shim that would come later."""
    c = modem(bed, hook=[])
    pid = started(runc, c)
    assert call_hook(bed, c, pid).returncode == 0 and host.kept(bed.state)
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.1; kill -9 {pid}"])
    assert call_hook(bed, c, 0, "poststop").returncode == 0
    killer.wait()
    assert host.kept(bed.state) == []


def test_a_shim_that_is_late_leaves_nothing_on_a_volume(bed, runc):
    programs, volume = bed.home / "programs", bed.home / "volume"
    programs.mkdir()
    volume.mkdir()
    shutil.copy(beds.HOOK, programs / "xc-hook")
    subprocess.run(["cc", "-static", "-xc", "-", "-o", programs / "xc-shim"], check=True, text=True,
                   input="#include <unistd.h>\nint main() { sleep(1); }")
    c = dialer(bed, wishes=[{**RAW_WISH, "target": "/run/svc/deep/raw.sock"}], tmpfs=[],
               mounts=[(volume, "/run/svc", ["rw"])])
    c.hook = [str(programs / "xc-hook"), *c.hook[1:], "--deadline", "700"]
    assert runc.start(c).code != 0
    assert list(volume.iterdir()) == []
    assert host.wait_until(lambda: not host.named("xc-shim"))


def test_the_end_of_one_container_takes_no_link_from_another_with_the_same_root(bed, runc):
    """To unlink the file a socket is mounted on unmounts it everywhere, and many bundles may share one root."""
    serving(runc, modem(bed))
    one = dialer(bed, wishes=[RAW_WISH], tmpfs=[])

    def same_root(config):
        config["root"]["path"] = str(one.root)

    files = host.entries(one.root)
    others = [dialer(bed, name=name, wishes=[RAW_WISH], tmpfs=[], edit_oci=same_root) for name in ("two", "three")]
    pids = [started(runc, c) for c in (one, *others)]
    for c, left in ((one, pids[1:]), (others[0], pids[2:])):
        shims = len(host.named("xc-shim"))
        runc.stop(c)
        assert host.wait_until(lambda: len(host.named("xc-shim")) < shims)
        for pid in left:
            assert client(pid, "echo", RAW, "still here") == "still here"
    runc.stop(others[1])
    assert host.wait_until(lambda: host.entries(one.root) == files), set(host.entries(one.root)) - set(files)
