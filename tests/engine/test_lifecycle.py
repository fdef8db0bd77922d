"""Birth and death: a hook that is killed or whose system calls fail at any point, a container that dies early, a hook
called twice, a provider or a program replaced. Whatever happens, nothing is left and the next start works."""

import json
import os
import random
import shutil
import subprocess
import time

import pytest

import bed as beds
import engines
import faultloop
import host
from jobs import API, LONG, RAW, client, dialer, get, has, modem, serving, started

ERRORS = "ENOMEM EMFILE ENFILE ENOSPC EIO EINTR EAGAIN EPERM EROFS".split()
LOOKS = ("access", "pidfd_open", "poll")  # the hook asks who still lives; no answer must not mean that nobody does


def clean_but_for_state(bed, before):
    """The state directory may keep what a killed hook could not take back; the next start collects it."""
    now = bed.snapshot()
    return [line for line in host.difference(before, now) if not line.startswith("state:")]


def stop_and_wait(engine, c, shims):
    """The shim of a container that was stopped is a moment behind it; `shims` are those of others."""
    engine.stop(c)
    assert host.wait_until(lambda: host.named("xc-shim") == shims, 5)


def learn(bed, engine, c):
    """The system calls of one undisturbed hook at the start of `c`; the fewest of some, as one that waits makes more."""
    shims, found = host.named("xc-shim"), []
    for attempt in range(3):
        trace = bed.home / f"trace{attempt}"  # at the end of the container another hook writes there
        c.hook = faultloop.traced(bed.hook(), trace)
        started(engine, c)
        found.append(faultloop.calls_of(trace))
        stop_and_wait(engine, c, shims)
    calls = min(found, key=len)
    assert len(calls) > 50
    return calls


def killed_start(bed, engine, c, before, call, patience=5):
    """Starts `c` with a hook that is killed at a call, and demands that nothing came of it. True when the hook was."""
    c.hook = faultloop.faulty(bed.hook(), *call, "signal=KILL", bed.home / "fault")
    outcome = engine.start(c)
    assert outcome.code != 124, f"killed at {call}, and it hung"
    if outcome.code == 0:
        assert not faultloop.struck(bed.home / "fault"), f"killed at {call}, yet it started"
    engine.stop(c)
    gone = host.wait_until(lambda: not clean_but_for_state(bed, before), patience)
    assert gone, (call, clean_but_for_state(bed, before))
    return outcome.code != 0


def works(bed, engine, c):
    c.hook, shims = bed.hook(), host.named("xc-shim")
    pid = started(engine, c)
    assert get(pid)["role"] == "viewer"
    stop_and_wait(engine, c, shims)


@pytest.mark.parametrize("name", ["runc", "crun", "lxc"])
def test_lif_01_killed_at_each_system_call(bed, name):
    engine = bed.engines[name]
    serving(engine, modem(bed))
    c = dialer(bed)
    calls = learn(bed, engine, c)
    works(bed, engine, c)
    before = bed.snapshot()
    cases = faultloop.sample(calls[1:], None if LONG else 24)
    struck = [killed_start(bed, engine, c, before, call) for call in cases]
    assert sum(struck) >= 0.8 * len(cases), f"only {sum(struck)} of {len(cases)} hooks were killed"
    works(bed, engine, c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())


@pytest.mark.parametrize("name", ["runc", "crun", "lxc"])
def test_lif_02_each_system_call_fails(bed, name):
    engine = bed.engines[name]
    serving(engine, modem(bed))
    c = dialer(bed)
    calls = [call for call in learn(bed, engine, c) if call[0] not in faultloop.NEVER_FAILS]
    works(bed, engine, c)
    before = bed.snapshot()
    cases = [(call, error) for call in calls for error in ERRORS]
    if not LONG:
        looks = [case for case in cases if case[0][0] in LOOKS and case[1] in ("EMFILE", "EPERM")]
        cases = random.Random(4).sample(cases, 40) + looks
    for (call, number), error in cases:
        print(call, number, error)
        c.hook = faultloop.faulty(bed.hook(), call, number, f"error={error}", bed.home / "fault")
        outcome = engine.start(c)
        assert outcome.code != 124, "hung"
        if outcome.code == 0:
            assert has(outcome.pid, API, "-S") and get(outcome.pid)["role"] == "viewer"
            assert client(outcome.pid, "echo", RAW, "x") == "x"
        engine.stop(c)
        assert host.wait_until(lambda: not clean_but_for_state(bed, before), 5), clean_but_for_state(bed, before)
    works(bed, engine, c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())


def test_lif_02_a_policy_that_could_not_be_read_is_not_an_absent_one(bed, runc):
    """Without any policy everything is allowed, so no failure may make a directory of policies look empty."""
    bed.policy("none.json", {"#spec": "xconnect-policy@1", "allow": []})
    c = dialer(bed, hook=[])
    runc.create(c)
    trace, state = bed.home / "trace", state_of(c, runc.pid(c))

    def outcome_of(hook):
        return subprocess.run([*hook, "createRuntime"], input=state, capture_output=True, text=True, check=False)

    assert outcome_of(faultloop.traced(bed.hook(), trace)).returncode == 77
    for name, number in faultloop.calls_of(trace):
        if name in ("open", "openat", "getdents64", "fstat", "newfstatat", "read"):
            outcome = outcome_of(faultloop.faulty(bed.hook(), name, number, "error=EMFILE", bed.home / "fault"))
            assert outcome.returncode != 0, (name, number)
    runc.stop(c)


def test_lif_00_a_shim_without_its_commit_leaves_at_once(bed, oci):
    """The engine kills the hook at its timeout, after the shim was started and before the hook told it to stay."""
    serving(oci, modem(bed))
    c = dialer(bed)
    calls = learn(bed, oci, c)
    works(bed, oci, c)
    before = bed.snapshot()
    births = [index for index, (name, _) in enumerate(calls) if name in ("clone", "clone3", "vfork", "fork")]
    assert births, "no process was started by the hook"
    assert any([killed_start(bed, oci, c, before, call, 2) for call in calls[births[-1] + 1:births[-1] + 6]])
    works(bed, oci, c)


def test_lif_03_killed_between_create_and_start(bed, oci):
    serving(oci, modem(bed))
    c = dialer(bed)
    before = bed.snapshot()
    created = oci.create(c)
    assert created.code == 0, created.output
    os.kill(created.pid, 9)
    assert host.wait_until(lambda: not [line for line in host.difference(before, bed.snapshot()) if "xc-shim" in line or "xc-worker" in line], 5)
    oci.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())


def state_of(c, pid):
    return json.dumps({"ociVersion": "1.0.2", "id": c.name, "status": "creating", "pid": pid, "bundle": str(c.home)})


def call_hook(bed, c, pid, stage="createRuntime"):
    return subprocess.run([*bed.hook(), stage], input=state_of(c, pid), text=True, capture_output=True, timeout=60,
                          check=False, env={"PATH": "/usr/bin:/bin"})


def test_lif_05_a_second_call_changes_nothing(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    pid = started(runc, c)
    before = bed.snapshot()
    again = call_hook(bed, c, pid)
    assert again.returncode == 0 or again.stderr.strip(), again
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())
    assert get(pid)["role"] == "viewer"


def test_lif_05_eight_calls_at_once_give_one_shim(bed, runc):
    serving(runc, modem(bed))
    shims = len(host.named("xc-shim"))
    c = dialer(bed, hook=[])
    pid = started(runc, c)
    hooks = [subprocess.Popen([*bed.hook(), "createRuntime"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
             for _ in range(8)]
    outcomes = [(hook.communicate(state_of(c, pid), timeout=60)[1], hook.returncode) for hook in hooks]
    assert any(code == 0 for _, code in outcomes), outcomes
    assert all(code == 0 or text.strip() for text, code in outcomes), outcomes
    assert host.wait_until(lambda: len(host.named("xc-shim")) == shims + 1, 5)
    assert get(pid)["role"] == "viewer"
    runc.stop(c)
    assert host.wait_until(lambda: len(host.named("xc-shim")) == shims, 5)
    call_hook(bed, c, 0, "poststop")


def test_lif_13_programs_are_replaced_while_containers_run(bed, runc):
    programs = bed.home / "programs"
    programs.mkdir()
    for program in ("xc-hook", "xc-shim"):
        shutil.copy(beds.BUILD / program, programs / program)
    serving(runc, modem(bed))
    workers = set(host.named("xc-worker"))
    c = dialer(bed)
    c.hook[0] = str(programs / "xc-hook")
    pid = started(runc, c)
    assert get(pid)["role"] == "viewer"
    for program in ("xc-hook", "xc-shim"):
        (programs / f"{program}.new").write_text("#!/bin/false\n")
        os.replace(programs / f"{program}.new", programs / program)
    first = set(host.named("xc-worker")) - workers
    assert first
    for worker in first:
        os.kill(worker, 9)
    assert host.wait_until(lambda: not first & set(host.named("xc-worker")), 5)
    for _ in range(20):
        assert get(pid)["role"] == "viewer"
    assert set(host.named("xc-worker")) - workers - first
    shutil.copy(beds.BUILD / "xc-hook", programs / "xc-hook")


def resident(pid):
    return int(host.status_of(pid).get("VmRSS", "0 kB").split()[0])


@pytest.mark.parametrize("name", ["runc", "lxc"])
def test_lif_14_a_paused_container_neither_fills_memory_nor_loses_its_link(bed, name):
    engine = bed.engines[name]
    serving(engine, modem(bed))
    c = dialer(bed)
    pid = started(engine, c)
    with beds.in_background(pid, "xc-test-client", "stall", RAW, 20, 600000) as stalled:
        assert stalled.stdout.readline() == "stalled\n"
        assert engine.pause(c).code == 0
        time.sleep(60 if LONG else 2)
        workers = {worker: resident(worker) for worker in host.named("xc-worker")}
        assert all(size < 16 * 1024 for size in workers.values()), workers
        assert engine.resume(c).code == 0
        began = time.monotonic()
        assert client(pid, "echo", RAW, "after the thaw") == "after the thaw"
        assert time.monotonic() - began < 12  # before the monitor replaces a worker that takes nothing


def test_the_shim_ends_with_the_first_process_even_without_poststop(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    pid = started(engine, c)
    shims = len(host.named("xc-shim"))
    os.kill(pid, 9)
    assert host.wait_until(lambda: len(host.named("xc-shim")) < shims, 5)


def test_a_failed_later_hook_takes_everything_back(bed, oci):
    serving(oci, modem(bed))
    before = bed.snapshot()

    def then_fail(config):
        config["hooks"]["createRuntime"].append({"path": "/bin/false", "args": ["false"]})

    c = dialer(bed, edit_oci=then_fail)
    assert oci.start(c).code != 0
    oci.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())


def test_a_link_that_cannot_be_planted_takes_the_others_back(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, tmpfs=[])
    (c.root / "run/svc").mkdir()
    (c.root / "run/svc/raw.sock").write_text("in the way")
    (c.root / "first").touch()  # the bed's own
    before, files = bed.snapshot(), host.entries(c.root)
    assert engine.start(c).code != 0
    engine.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())
    ours = [path for path in host.entries(c.root) if path not in files]
    theirs = (str(c.root / "dev"), str(c.root / "first"))  # LXC makes the one, the bed the other
    assert [path for path in ours if not path.startswith(theirs)] == []


def test_the_same_name_starts_again_after_a_crash_of_everything(bed, engine):
    """Monitor and init killed at once: what they leave is collected by the next start of that name."""
    serving(engine, modem(bed))
    others = set(host.named("xc-shim"))
    c = dialer(bed)
    pid = started(engine, c)
    for shim in set(host.named("xc-shim")) - others:
        os.kill(shim, 9)
    os.kill(pid, 9)
    engine.stop(c)
    assert get(started(engine, c))["role"] == "viewer"


def decoy_with(pid):
    """Another process that owns a pid which is free again (ns_last_pid is this house's own)."""
    for _ in range(50):
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(pid - 1))
        decoy = subprocess.Popen(["sleep", "100000"])
        if decoy.pid == pid:
            return decoy
        decoy.kill()
        decoy.wait()
    raise AssertionError(f"pid {pid} could not be had")


def test_lif_07_a_recycled_pid_is_nobody_we_know(bed, runc):
    """Everything of a container dies at once, its record stays, and its pid belongs to another process by then."""
    c = dialer(bed)
    pid = started(runc, c)
    for shim in host.named("xc-shim"):
        os.kill(shim, 9)
    assert host.wait_until(lambda: not host.named("xc-shim"), 5)  # else it would still see the end of the container
    os.kill(pid, 9)
    assert host.wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 5)
    assert host.kept(bed.state)
    decoy = decoy_with(pid)
    try:
        assert call_hook(bed, c, 0, "poststop").returncode == 0
        time.sleep(0.2)
        assert decoy.poll() is None
        assert host.kept(bed.state) == []
    finally:
        decoy.kill()
        decoy.wait()


def test_the_hook_alone_without_a_container_refuses(bed):
    outcome = engines.call([*bed.hook(), "createRuntime"])
    assert outcome.code in (64, 78), outcome
    assert len(outcome.output.strip().splitlines()) == 1
