"""Calls of the hook that no engine makes, and a host that is not as it should be: refused with the reason, nothing left."""

import json
import os
import subprocess

import pytest

import bed as beds
import host
from jobs import RAW, RAW_WISH, dialer, has, modem, serving, started


def state_of(c, pid, **other):
    return {"ociVersion": "1.0.2", "id": c.name, "status": "creating", "pid": pid, "bundle": str(c.home), **other}


def call(hook, state, stage="createRuntime"):
    return subprocess.run([*hook, stage], input=json.dumps(state), text=True, capture_output=True, timeout=60, check=False,
                          env={"PATH": "/usr/bin:/bin"})


def refused_call(bed, hook, state, code, why):
    before = bed.snapshot()
    outcome = call(hook, state)
    assert outcome.returncode == code and why in outcome.stderr, outcome
    assert len(outcome.stderr.splitlines()) == 1
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())


@pytest.mark.parametrize("words", [["--bogus"], ["createContainer"], ["--log", "/proc/no/log", "poststop"]])
def test_a_hook_that_is_called_wrongly_hears_the_engine_out_all_the_same(words):
    with subprocess.Popen([beds.HOOK, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as hook:
        hook.stdin.write(" " * 200_000)  # more than a pipe holds: EPIPE when it leaves
        hook.stdin.close()
        assert hook.wait(60) == 64 and len(hook.stderr.read().splitlines()) == 1


def test_the_process_of_another_container_is_not_planted_into(bed, runc):
    other = serving(runc, modem(bed))
    c = dialer(bed, hook=[], wishes=[RAW_WISH])
    started(runc, c)
    refused_call(bed, bed.hook(), state_of(c, other), 73, "is the first process of container")
    assert not has(other, RAW)


def test_a_container_that_has_ended_is_not_one_that_starts(bed, runc):
    c = dialer(bed, hook=[])
    state = state_of(c, started(runc, c), status="stopped")
    refused_call(bed, bed.hook(), state, 71, "the container has ended")
    assert call(bed.hook(), state, "poststop").returncode == 0


def test_a_state_without_a_bundle_says_so(bed, runc):
    c = dialer(bed, hook=[])
    state = state_of(c, started(runc, c))
    del state["bundle"]
    refused_call(bed, bed.hook(), state, 78, 'state: has no "bundle"')


def test_no_name_turns_a_line_of_the_log_round(bed, runc):
    c = dialer(bed, hook=[])
    state = state_of(c, started(runc, c), id="a\u202eb\u2028c")
    refused_call(bed, bed.hook(), state, 78, "a\\xe2\\x80\\xaeb\\xe2\\x80\\xa8c")
    assert bed.log_text().isascii()


@pytest.mark.parametrize("part", ["", "policy.d", "services.d"])
@pytest.mark.parametrize("change", [lambda path: path.chmod(0o777), lambda path: os.chown(path, 1000, 0)],
                         ids=["mode", "owner"])
def test_a_configuration_that_others_may_take_away_is_refused(bed, runc, part, change):
    """Without its only policy file a host allows everything."""
    c = dialer(bed, hook=[])
    pid = started(runc, c)
    change(bed.config / part)
    refused_call(bed, bed.hook(), state_of(c, pid), 78, f"{bed.config / part}".rstrip("/") + ": ")


def test_a_file_that_may_not_grow_is_told_by_its_own_errno(bed, runc):
    """A part of the record is taken, the rest is not."""
    c = dialer(bed, hook=[])
    pid = started(runc, c)
    refused_call(bed, ["prlimit", "--fsize=100", "--", *bed.hook()], state_of(c, pid), 71, "record: File too large")


def test_a_full_disk_leaves_nothing_half_written(bed, runc):
    """The state directory lies on a small tmpfs."""
    serving(runc, modem(bed))
    c = dialer(bed, hook=[])
    pid = started(runc, c)
    disk = bed.home / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", disk], check=True)
    try:
        hook = bed.hook("--state", str(disk / "state"))
        (disk / "fill").write_bytes(bytes(65536))
        outcome = call(hook, state_of(c, pid))
        assert outcome.returncode == 71 and "record: No space left on device" in outcome.stderr, outcome
        assert host.kept(disk / "state") == []
        (disk / "fill").unlink()
        shims = len(host.named("xc-shim"))
        assert call(hook, state_of(c, pid)).returncode == 0
        os.kill(pid, 9)
        gone = lambda: len(host.named("xc-shim")) == shims and host.kept(disk / "state") == []
        assert host.wait_until(gone, 5), host.kept(disk / "state")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
