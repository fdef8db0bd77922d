"""Device nodes under attack: what stands at the offered place changes all the time, and somebody takes rules away again and
again. Whatever happens, a container has the node that was proven to be the right one, or none."""

import os
import stat
import subprocess
import threading

import pytest

import bed as beds
import engines
import host
from jobs import remove_group
from test_devices import DENIED, FUSE, TOOL, WISH, asking, engine_of, opened, shown, started, tool

FUSE_NUMBER = os.makedev(10, 229)
BACK = "somebody took the device rule of the container away; it is back"
LOOP_NUMBER = os.makedev(10, 237)


def right(path):
    os.mknod(path, stat.S_IFCHR | 0o666, FUSE_NUMBER)


GUISES = (right, lambda path: os.mknod(path, stat.S_IFCHR | 0o666, LOOP_NUMBER), lambda path: os.symlink("/dev/loop-control", path),
          right, os.mkdir, lambda path: os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(7, 0)), os.mkfifo,
          lambda path: open(path, "w").close())


class Shifter:
    """A node that is another thing every few microseconds, put there by rename(2), so that something is there always."""

    def __init__(self, directory):
        self.path = directory / "fuse"
        self.spare = directory / "spare"
        self.rounds = 0
        self.over = threading.Event()
        right(self.path)
        self.thread = threading.Thread(target=self.shift)

    def shift(self):
        while not self.over.is_set():
            GUISES[self.rounds % len(GUISES)](self.spare)
            if self.spare.is_dir() and not self.spare.is_symlink():
                self.path.unlink()
                os.rename(self.spare, self.path)
            else:
                if self.path.is_dir() and not self.path.is_symlink():
                    self.path.rmdir()
                os.rename(self.spare, self.path)
            self.rounds += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@pytest.mark.parametrize("name", ["runc", "runc-v2"])
def test_a_node_that_changes_between_look_and_plant_is_the_right_one_or_none(bed, name):
    engine = engine_of(bed, name)
    place = bed.home / "shifting"
    place.mkdir()
    plain = tool(engine, "rules", started(engine, bed.container("plain")))
    outcomes = {"granted": 0, "refused": 0}
    with Shifter(place) as shifter:
        for number in range(60):
            bed.host_services("shifting.json", beds.services({**FUSE, "socket": str(shifter.path)}))
            c = bed.container(f"user{number}", run=beds.requires(WISH))
            began = shifter.rounds
            outcome = engine.start(c)
            assert outcome.code != 124, "it hung"
            if outcome.code == 0:
                assert shown(engine, c) == "character special file a:e5 660 0:0"
                numbers = {rule.split()[1] for rule in tool(engine, "rules", outcome.pid) - plain}
                assert numbers == {"10:229"}
                outcomes["granted"] += 1
            else:
                assert not list((c.root / "dev").iterdir())
                outcomes["refused"] += 1
            assert shifter.rounds > began
            engine.stop(c)
            bed.containers.remove(c)
            if number >= 12 and all(outcomes.values()):
                break
    assert all(outcomes.values()), outcomes


@pytest.mark.parametrize("name", ["runc-v2", "lxc-v2"])
def test_twenty_times_taken_away_and_put_back_it_is_the_same(bed, name):
    """With updates by the engine in between. A program that grew each time would end at the kernel's limit."""
    engine = engine_of(bed, name)
    c = asking(bed)
    pid = started(engine, c)
    rules, size = tool(engine, "rules", pid), tool(engine, "size", pid)
    line = next(l for l in open(f"/proc/{pid}/cgroup").read().splitlines() if l.startswith("0::"))
    group = f"/sys/fs/cgroup/unified{line[3:]}"
    for turn in range(20):
        told = bed.log_text().count(BACK)  # a late look after the turn before may mend it before ours is asked for
        tool(engine, "drop", pid, "10:229")
        if turn % 5 == 0 and not engine.is_lxc:
            (c.home / "resources.json").write_text("{}")
            assert engine._call("update", "--resources", str(c.home / "resources.json"), c.name).code == 0
        subprocess.run(["sh", "-c", f"echo max > {group}/cgroup.max.depth"], check=True)
        assert host.wait_until(lambda: bed.log_text().count(BACK) > told and tool(engine, "size", pid) == size, 5), bed.log_text()
    assert tool(engine, "rules", pid) == rules and opened(engine, c) == "open"


def test_a_group_above_that_begins_to_forbid_is_said_and_not_fought(bed):
    """While the container runs: the guard cannot help, changes nothing above, and says so once."""
    engine = engine_of(bed, "runc-v2")
    group = f"/sys/fs/cgroup/unified/{bed.mark}-above"
    os.mkdir(group)
    try:
        c = asking(bed, edit_oci=lambda config: config["linux"].update(cgroupsPath=f"/{bed.mark}-above/inner"))
        pid = started(engine, c)
        tool(engine, "forbid", f"/sys/fs/cgroup/{bed.mark}-above")
        assert DENIED in opened(engine, c)
        for _ in range(2):
            tool(engine, "drop", pid, "10:229")
            subprocess.run(["sh", "-c", f"echo max > {group}/inner/cgroup.max.depth"], check=True)
            assert host.wait_until(lambda: "a control group above the container's forbids" in bed.log_text(), 5)
        assert DENIED in opened(engine, c)
        assert bed.log_text().count("a control group above the container's forbids") == 1
        engine.stop(c)
    finally:
        remove_group(group)


@pytest.mark.parametrize("name", ["runc-v2", "lxc-v2", "crun"])
@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_everything_against_it_at_once(bed, name, idmap):
    """A read-only root, a tmpfs without devices to appear on, and users numbered otherwise."""
    engine = engine_of(bed, name)
    tmpfs = ["/run"] if engine.is_lxc else ["/run", "/dev/xconnect"]
    c = asking(bed, {**WISH, "target": "/dev/xconnect/fuse"}, readonly=True, idmap=idmap, tmpfs=tmpfs)
    (c.root / "dev/xconnect").mkdir()
    pid = started(engine, c)
    assert opened(engine, c, "/dev/xconnect/fuse") == "open"
    assert shown(engine, c, "/dev/xconnect/fuse") == "character special file a:e5 660 0:0"
    for shim in host.named("xc-shim"):
        os.kill(shim, 9)
    assert host.wait_until(lambda: host.named("xc-shim") == [], 5)
    engines.call([*engine_wrapper(engine), TOOL, "drop", str(pid), "10:229"])
    assert DENIED in opened(engine, c, "/dev/xconnect/fuse")


def engine_wrapper(engine):
    return [] if engine.name == "runc" else engines.PURE_V2
