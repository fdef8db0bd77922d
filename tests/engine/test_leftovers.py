"""What stays behind when more than one thing goes wrong, and what a container's end must not take from another."""

import os
import shutil
import signal
import subprocess
import time

import bed as beds
import host
from jobs import RAW, RAW_WISH, client, dialer, modem, refused, serving, started
from test_lifecycle import call_hook
from waiting import in_thread


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
    telling = in_thread(lambda: call_hook(bed, c, 0, "poststop"))
    host.wait_until(lambda: host.named("xc-hook") or not telling.is_alive())
    time.sleep(0.05)
    os.kill(pid, 9)  # within the half of a second that the hook waits
    assert telling.result().returncode == 0
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
    assert host.wait_until(lambda: not host.named("xc-shim"), 5)


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
        assert host.wait_until(lambda: len(host.named("xc-shim")) < shims, 5)
        for pid in left:
            assert client(pid, "echo", RAW, "still here") == "still here"
    runc.stop(others[1])
    assert host.wait_until(lambda: host.entries(one.root) == files, 5), set(host.entries(one.root)) - set(files)


def with_volume(bed, name="dialer", target="/run/svc/deep/raw.sock"):
    volume = bed.home / "volume"
    volume.mkdir(exist_ok=True)
    return volume, dialer(bed, name=name, wishes=[{**RAW_WISH, "target": target}], tmpfs=[],
                          mounts=[(volume, "/run/svc", ["rw"])])


def test_nothing_stays_on_a_volume(bed, engine):
    serving(engine, modem(bed))
    volume, c = with_volume(bed)
    pid = started(engine, c)
    assert client(pid, "echo", "/run/svc/deep/raw.sock", "on a volume") == "on a volume"
    assert host.entries(volume) == [str(volume / "deep"), str(volume / "deep/raw.sock")]
    engine.stop(c)
    assert host.wait_until(lambda: host.entries(volume) == [], 5), host.entries(volume)


def test_poststop_returns_when_nothing_is_left_on_a_volume(bed, runc):
    serving(runc, modem(bed))
    volume, c = with_volume(bed)
    started(runc, c)
    shim = host.named("xc-shim")[-1]
    os.kill(shim, signal.SIGSTOP)
    later = in_thread(lambda: (time.sleep(0.3), os.kill(shim, signal.SIGCONT)))
    runc.stop(c)
    assert host.entries(volume) == []
    later.result()


def test_nothing_stays_in_an_overlay_that_only_the_container_mounted(bed, lxc):
    serving(lxc, modem(bed))
    c = dialer(bed, wishes=[{**RAW_WISH, "target": "/run/deep/raw.sock"}], tmpfs=[])
    upper = c.home / "upper"
    upper.mkdir()
    c.lxc_lines = [f"lxc.rootfs.path = overlay:{c.root}:{upper}"]
    pid = started(lxc, c)
    assert client(pid, "echo", "/run/deep/raw.sock", "in an overlay") == "in an overlay"
    assert (upper / "run/deep/raw.sock").exists()
    lxc.stop(c)
    assert host.wait_until(lambda: not (upper / "run/deep").exists()), host.entries(upper)


def test_a_file_on_a_volume_stays_until_the_last_container_that_uses_it_has_ended(bed, runc):
    serving(runc, modem(bed))
    both = [with_volume(bed, name) for name in ("one", "two")]
    pids = [started(runc, c) for _, c in both]
    runc.stop(both[0][1])
    assert host.wait_until(lambda: len(host.named("xc-shim")) == 1, 5)
    assert client(pids[1], "echo", "/run/svc/deep/raw.sock", "still here") == "still here"
    runc.stop(both[1][1])
    volume = both[0][0]
    assert host.wait_until(lambda: host.entries(volume) == [], 5), host.entries(volume)


def test_what_has_been_put_in_our_place_on_a_volume_is_left_alone(bed, runc):
    serving(runc, modem(bed))
    volume, c = with_volume(bed)
    started(runc, c)
    (volume / "deep/raw.sock").rename(volume / "deep/moved")
    (volume / "deep/raw.sock").touch()
    runc.stop(c)
    assert host.wait_until(lambda: not host.named("xc-shim"), 5)
    assert host.entries(volume / "deep") == [str(volume / "deep/moved"), str(volume / "deep/raw.sock")]


def test_a_record_that_cannot_be_read_is_shown_and_kept(bed, runc):
    serving(runc, modem(bed))
    entry = bed.state / "c/torn.4194305"
    entry.mkdir()
    (entry / "record").write_text("{")
    table = subprocess.run([beds.INJECT, "ps", "--state", bed.state], capture_output=True, text=True, check=True).stdout
    assert "unreadable: " in table and "torn" in table and "modem-raw" in table
    c = dialer(bed, tmpfs=[])
    before = host.entries(c.root)
    started(runc, c)
    runc.stop(c)
    assert entry.exists()
    assert host.wait_until(lambda: host.entries(c.root) == before, 5), "a gone container's record concerns nobody else"
    shutil.rmtree(entry)


def test_a_configuration_directory_that_was_named_must_be_there(bed, runc):
    c = dialer(bed, hook=[str(beds.HOOK), "--state", str(bed.state), "--config", "/nowhere", "--log", str(bed.log)])
    refused(bed, runc, c, "--config /nowhere: is not there")
    outcome = subprocess.run([beds.INJECT, "plan", c.home, "--config", "/nowhere"], capture_output=True, text=True,
                             check=False)
    assert outcome.returncode == 64 and "--config /nowhere: is not there" in outcome.stderr


def test_offers_of_an_image_that_cannot_be_looked_up_are_not_absent(bed, runc):
    c = bed.container("circle")
    (c.root / "etc/xconnect").symlink_to("xconnect")
    refused(bed, runc, c, "/etc/xconnect")
    (c.root / "etc/xconnect").unlink()
    (c.root / "etc/xconnect").symlink_to("nowhere")
    started(runc, c)
