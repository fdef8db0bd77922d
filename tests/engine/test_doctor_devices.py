"""xc-inject doctor on device nodes of running containers, and on podman's own list of hook directories."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import bed as beds
import engines
import host
import podman
from jobs import started
from test_devices import asking, end_shims, engine_of, opened, tool
from window import says


def of_host(bed, engine, *arguments):
    """Where the engine's control groups are mounted as the engine sees them."""
    v2 = engine.name in ("runc-v2", "crun", "lxc-v2")
    done = engines.call([*(engines.PURE_V2 if v2 else []), str(beds.INJECT), "doctor", "--json", "--state", str(bed.state),
                         "--config", str(bed.config), *map(str, arguments)])
    return json.loads(done.output)


@pytest.mark.parametrize("name", ["runc", "runc-v2", "lxc-v2"])
def test_a_device_rule_that_is_gone_is_named_and_what_is_said_mends_it(bed, name):
    engine = engine_of(bed, name)
    c = asking(bed)
    pid = started(engine, c)
    assert says(of_host(bed, engine), "good", c.name, "fuse", 'allows "c 10:229 rw"')
    end = name == "runc"  # of version 1 the rule can be written by hand when nobody does it
    if end:
        end_shims()
    found = []

    def named():  # the guard looks again in the first seconds, and may have put it back
        tool(engine, "drop", pid, "10:229")
        found[:] = says(of_host(bed, engine), "broken", c.name, 'the rule "c 10:229 rw" is not in', "EPERM")
        return found

    assert host.wait_until(named, 3)
    finding, = found
    if end:
        assert finding["mend"].startswith("echo 'c 10:229 rw' > /sys/fs/cgroup/devices/"), finding
        subprocess.run(["sh", "-c", finding["mend"]], check=True)
    else:
        for command in finding["mend"].split(" && "):
            more = f" --config {bed.config}" if " apply " in command else ""
            command = command.replace("xc-inject", str(beds.INJECT)) + f" --state {bed.state}{more}"
            done = engines.call([*engines.PURE_V2, *command.split()])
            assert done.code == 0, done.output
    assert opened(engine, c) == "open"
    assert not says(of_host(bed, engine), "broken", "the rule"), of_host(bed, engine)


def test_a_rule_that_was_put_back_a_group_above_and_a_hidden_node_are_named(bed):
    engine = engine_of(bed, "runc")
    c = asking(bed)
    pid = started(engine, c)
    tool(engine, "drop", pid, "10:229")
    assert host.wait_until(lambda: says(of_host(bed, engine), "warning", c.name, "was taken away and put back, times: 1"), 3)
    subprocess.run(["nsenter", "-t", str(pid), "-m", "-r", "-w", "/bin/mount", "--bind", "/bin/busybox", "/dev/fuse"], check=True)
    assert says(of_host(bed, engine), "broken", c.name, "fuse", "another file lies at /dev/fuse")


def test_a_group_above_that_forbids_a_device_is_named(bed):
    engine = engine_of(bed, "runc-v2")
    group = Path("/sys/fs/cgroup/unified") / f"{bed.mark}-above"
    group.mkdir()
    try:
        c = asking(bed, edit_oci=lambda config: config["linux"].update(cgroupsPath=f"/{group.name}/inner"))
        started(engine, c)
        assert says(of_host(bed, engine), "good", c.name, "allows")
        tool(engine, "forbid", f"/sys/fs/cgroup/{group.name}")
        assert says(of_host(bed, engine), "broken", c.name, "fuse", "a control group above the container's forbids")
        engine.stop(c)
    finally:
        host.wait_until(lambda: not (group / "inner").exists(), 3)
        group.rmdir()


def test_podman_does_with_hooks_dir_what_doctor_says(bed, tmp_path):
    """It reads the directories of its last file alone, and one that is not there is no word to it."""
    room = podman.Room()
    try:
        engine = podman.Podman(room)
        bed.engines = {engine.name: engine}
        conf = podman.ETC / "containers.conf"
        conf.write_text(conf.read_text().replace("[engine]", f'[engine]\nhooks_dir = ["{tmp_path}/none"]'))
        hook = tmp_path / "hook"
        hook.write_text(f"#!/bin/sh\ncat >/dev/null\necho called > {tmp_path}/called\n")
        hook.chmod(0o755)
        words = [str(part) for part in ("--runtime", engine.runtime, "run", "--rm", "--rootfs")]
        c = bed.container("typed", ["true"], hook=[])

        def called(*more):
            done = subprocess.run([*room.enter, "env", *more, "podman", *words, c.root, "/bin/true"], capture_output=True,
                                  text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            there = (tmp_path / "called").exists()
            (tmp_path / "called").unlink(missing_ok=True)
            return there

        (tmp_path / "hooks").mkdir()
        (tmp_path / "hooks/x.json").write_text(json.dumps({
            "version": "1.0.0", "stages": ["createRuntime"], "when": {"always": True}, "hook": {"path": str(hook)}}))
        assert not called()
        drop_in = podman.ETC / "containers.conf.d"
        drop_in.mkdir()
        (drop_in / "10.conf").write_text(f'[engine]\nhooks_dir = ["{tmp_path}/none", "{tmp_path}/hooks"]\n')
        assert called()
        (drop_in / "20.conf").write_text("[engine]\nhooks_dir = []\n")
        assert not called()
    finally:
        room.leave()
        shutil.rmtree(podman.ETC / "containers.conf.d", ignore_errors=True)
