"""What engines do to hooks, and what a hook must never do to an engine: delays, pipes, odd descriptors, hostile
environments and limits."""

import json
import os
import re
import subprocess
import time

import pytest

import bed as beds
import engines
import host
from jobs import API, REST_WISH, dialer, get, modem, refused, serving, started


def seconds(act):
    began = time.monotonic()
    outcome = act()
    return time.monotonic() - began, outcome


def test_eng_01_create_returns_at_once_and_the_shim_holds_no_pipe(bed, oci):
    serving(oci, modem(bed))
    shims = set(host.named("xc-shim"))
    plain = [seconds(lambda: oci.create(c))[0] for c in [bed.container(f"plain{i}", hook=[]) for i in range(3)]]
    hooked = []
    for c in [dialer(bed, name=f"hooked{i}") for i in range(3)]:
        elapsed, outcome = seconds(lambda: oci.create(c))
        assert outcome.code == 0, outcome.output
        hooked.append(elapsed)
    assert min(hooked) < 2 * min(plain) + 0.2, (hooked, plain)  # what is slow for the engine is slow for the hook
    for pid in set(host.named("xc-shim")) - shims:
        assert not [what for what in host.descriptors(pid).values() if "pipe" in what]


def test_eng_03_a_foreground_run_returns_with_its_container(bed, engine):
    serving(engine, modem(bed))
    plain, _ = seconds(lambda: engine.run(bed.container("plain", ["sleep", "1"], hook=[])))
    elapsed, outcome = seconds(lambda: engine.run(dialer(bed, ["sleep", "1"])))
    assert outcome.code == 0, outcome.output
    assert elapsed < 2 * plain + 3, (elapsed, plain)


def time_until_given_up(bed, writer):
    with subprocess.Popen([*bed.hook("--deadline", "1000"), "createRuntime"], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE, bufsize=0) as hook:  # nothing is left to be flushed into a broken pipe
        began = time.monotonic()
        while hook.poll() is None and time.monotonic() - began < 60:
            if writer == "slow":
                try:
                    hook.stdin.write(b"{")
                except BrokenPipeError:
                    break
            time.sleep(0.05)
        assert hook.wait(60) == 75
        return time.monotonic() - began


@pytest.mark.parametrize("writer", ["silent", "slow"])
def test_eng_06_a_state_that_never_ends_is_given_up_after_a_second(bed, writer):
    assert any(time_until_given_up(bed, writer) < 4 for _ in range(4)), "the machine may be busy; the hook may not"


HOSTILE = ["LD_PRELOAD=/x.so", "LD_LIBRARY_PATH=/x", "GLIBC_TUNABLES=glibc.malloc.check=3", "GCONV_PATH=/x",
           "MALLOC_ARENA_MAX=1", "TMPDIR=/x"]


@pytest.mark.parametrize("name", ["runc", "crun"])
@pytest.mark.parametrize("stage", ["createContainer", "startContainer", "poststart"])
def test_eng_07_a_stage_inside_the_container_is_refused(bed, name, stage):
    def edit(config):
        hook = config["hooks"].pop("createRuntime")[0]
        config["hooks"][stage] = [{**hook, "args": [*bed.hook(), stage]}]
        config["hooks"][stage][0].pop("env")

    c = dialer(bed, env=HOSTILE, edit_oci=edit, mounts=[(beds.BUILD, str(beds.BUILD), ["ro"])])
    outcome = bed.engines[name].start(c)
    assert not outcome.pid or not os.path.exists(f"/proc/{outcome.pid}/root{API}")
    assert host.named("xc-shim") == []


def test_eng_07_nothing_of_the_environment_reaches_the_hook(bed):
    trace = bed.home / "trace"
    state = {"ociVersion": "1.0.2", "id": "x", "status": "creating", "pid": os.getpid(), "bundle": str(bed.home)}
    subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=open,openat,openat2", *bed.hook(), "createRuntime"],
                   input=json.dumps(state), text=True, capture_output=True, check=False,
                   env=dict(variable.split("=", 1) for variable in HOSTILE))
    opened = trace.read_text()
    assert str(bed.config) in opened
    assert '.so"' not in opened and '"/x' not in opened and '"/etc/' not in opened, opened


def wrapped(bed, *lines):
    """The hook, started in a state of the shell's making."""
    script = bed.home / "wrapped"
    script.write_text("\n".join(["#!/bin/sh", *lines, f'exec {" ".join(bed.hook())} "$@"', ""]))
    script.chmod(0o755)
    return [str(script)]


def test_eng_09_closed_standard_descriptors_do_no_harm(bed, engine):
    serving(engine, modem(bed))
    closing = "exec 0<&- 1>&- 2>&-" if engine.is_lxc else "exec 1>&- 2>&-"
    c = dialer(bed, hook=wrapped(bed, closing))
    assert get(started(engine, c))["role"] == "viewer"


def test_eng_09_without_a_state_to_read_an_oci_hook_refuses(bed, oci):
    refused(bed, oci, dialer(bed, hook=wrapped(bed, "exec 0<&- 1>&- 2>&-")))


def test_eng_09_a_log_that_cannot_be_written_goes_nowhere_else(bed, oci):
    serving(oci, modem(bed))
    c = dialer(bed)
    c.hook = [str(beds.HOOK), "--state", str(bed.state), "--config", str(bed.config), "--log", "/nowhere/log"]
    outcome = oci.start(c)
    if outcome.code == 0:
        assert get(outcome.pid)["role"] == "viewer"


def modes(bed, pid):
    """Of everything that was made: in the container, and in the state directory (whose names end in pids)."""
    inside = beds.inside(pid, "stat", "-c", "%n %a %u %F", "/run/svc", API).output
    kept = sorted((re.sub(r"\d+$", "", path.name), oct(path.lstat().st_mode)) for path in bed.state.rglob("*"))
    return inside, kept, oct(bed.state.stat().st_mode)


@pytest.mark.parametrize("line", ["umask 0", "umask 0777", "mkdir /run/gone && cd /run/gone && rmdir /run/gone", "ulimit -n 4",
                                  "ulimit -f 0", "renice -n 19 $$ >/dev/null", "trap '' PIPE TERM CHLD", "ulimit -c 0; ulimit -s 256"])
def test_eng_10_odd_conditions_at_the_start_change_nothing_or_are_refused(bed, runc, line):
    serving(runc, modem(bed))
    c = dialer(bed, wishes=[REST_WISH])
    normal = modes(bed, started(runc, c))
    runc.stop(c)
    assert host.wait_until(lambda: len(list((bed.state / "c").iterdir())) == 1), "of the provider"
    c.hook = wrapped(bed, line)
    outcome = runc.start(c)
    if outcome.code == 0:
        assert modes(bed, outcome.pid) == normal
        assert get(outcome.pid)["role"] == "viewer"
    else:
        assert "xc-hook" in outcome.output, outcome.output


def test_a_hook_run_twice_by_two_engines_stages_is_one(bed, oci):
    """prestart is createRuntime's old name; configurations carry both."""
    def both(config):
        hook = config["hooks"]["createRuntime"][0]
        config["hooks"]["prestart"] = [{**hook, "args": [*bed.hook(), "prestart"]}]

    serving(oci, modem(bed))
    shims = len(host.named("xc-shim"))
    assert get(started(oci, dialer(bed, edit_oci=both)))["role"] == "viewer"
    assert host.wait_until(lambda: len(host.named("xc-shim")) == shims + 1)


def test_a_log_that_is_a_fifo_holds_up_nobody(bed):
    os.mkfifo(bed.home / "fifo")
    done = subprocess.run([*bed.hook("--log", str(bed.home / "fifo")), "createRuntime"], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 64 and "fifo" in done.stderr


def test_a_stage_of_oci_counts_more_than_what_lxc_left_in_the_environment(bed, runc):
    """An engine may be called by a hook of LXC, and hand its environment on."""
    c = dialer(bed, hook=[])
    pid = started(runc, c)
    state = json.dumps({"ociVersion": "1.0.2", "id": c.name, "status": "creating", "pid": pid, "bundle": str(c.home)})
    outer = {"LXC_NAME": "outer", "LXC_HOOK_TYPE": "start-host", "LXC_PID": str(pid), "LXC_CONFIG_FILE": f"{c.home}/config"}
    done = subprocess.run([*bed.hook(), "createRuntime"], input=state, text=True, env=outer, check=False)
    assert done.returncode == 0
    assert [entry for entry in os.listdir(bed.state / "c") if not entry.startswith(c.name)] == []


def test_many_containers_at_once(bed, engine):
    serving(engine, modem(bed))
    pids = [started(engine, dialer(bed, name=f"d{i}")) for i in range(5)]
    assert [get(pid)["client"] for pid in pids] == [c.name for c in bed.containers[1:]]


def test_a_shim_sits_in_no_group_of_the_engine_or_the_container(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    get(started(engine, c))
    for pid in host.named("xc-shim") + host.named("xc-worker"):
        groups = open(f"/proc/{pid}/cgroup").read()
        assert "lxc." not in groups
        assert [line for line in groups.splitlines() if bed.mark in line and "/xconnect/" not in line] == []


def test_a_container_without_manifests_is_left_alone(bed, engine):
    before = bed.snapshot()
    pid = started(engine, bed.container("plain"))
    assert not beds.inside(pid, "test", "-e", "/run/svc").code == 0
    assert [line for line in host.difference(before, bed.snapshot()) if "xc-shim" in line or "state:" in line] == []


def test_the_caller_of_the_engine_gets_no_descriptor_of_ours(bed):
    outcome = engines.call([str(beds.HOOK), "--help"])
    assert outcome.code == 0 and "createRuntime" in outcome.output
