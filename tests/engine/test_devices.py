"""Device nodes on the host's own kernel: /dev/fuse has a real driver everywhere. Whether a node can be opened is asked by a
process that the engine itself puts into the container, control groups included."""

import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import bed as beds
import engines
import host
import pytest

FUSE = {"name": "fuse", "type": "char", "socket": "/dev/fuse"}
LOOP = {"name": "loop", "type": "char", "socket": "/dev/loop-control"}
WISH = {"name": "fuse", "type": "char", "target": "/dev/fuse"}
TOOL = str(beds.BUILD / "tests/xc-test-devices")
DENIED = "Operation not permitted"
# LXC restricts nothing unless it is told to; the others do by themselves.
RESTRICTED = [f"lxc.cgroup{v}.devices.{rule}" for v in ("", "2") for rule in
              ("deny = a", "allow = c *:* m", "allow = c 1:* rwm", "allow = c 5:* rwm", "allow = c 136:* rwm")]


@pytest.fixture(params=["runc", "runc-v2", "crun", "lxc", "lxc-v2"])
def engine(request, bed):
    return engine_of(bed, request.param)


@pytest.fixture(params=["runc", "runc-v2", "lxc-v2"])
def kind(request, bed):
    """One engine for each way of writing a rule."""
    return engine_of(bed, request.param)


def engine_of(bed, name):
    bed.engines["lxc-v2"] = engines.Lxc("lxc-v2", 1, engines.PURE_V2)
    return bed.engines[name]


def asking(bed, *wishes, optional=(), **options):
    bed.host_services("devices.json", beds.services(FUSE, LOOP))
    wishes = wishes or ([] if optional else [WISH])
    options.setdefault("lxc_lines", RESTRICTED)
    return bed.container("user", run=beds.requires(*wishes, optional=optional), **options)


def started(engine, c):
    outcome = engine.start(c)
    assert outcome.code == 0, outcome.output
    return outcome.pid


def refused(bed, engine, c, why):
    outcome = engine.start(c)
    assert outcome.code != 0
    assert why in bed.log_text() + outcome.output, bed.log_text() + outcome.output


def opened(engine, c, path="/dev/fuse"):
    """What becomes of open(path, O_RDWR) inside: "open", or the shell's complaint."""
    return engine.execute(c, "/bin/sh", "-c", f"(: <>{path}) 2>&1 && echo open").output.strip()


def shown(engine, c, path="/dev/fuse"):
    return engine.execute(c, "/bin/stat", "-c", "%F %t:%T %a %u:%g", path).output.strip()


def tool(engine, *arguments):
    """Where the engine's control groups are mounted as the engine sees them."""
    v2 = engine.name in ("runc-v2", "crun", "lxc-v2")
    done = engines.call([*(engines.PURE_V2 if v2 else []), TOOL, *map(str, arguments)])
    assert done.code == 0, done.output
    return set(done.output.splitlines())


def end_shims():
    for pid in host.named("xc-shim"):
        os.kill(pid, signal.SIGKILL)
    assert host.wait_until(lambda: host.named("xc-shim") == [], 3)


@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_a_node_that_the_host_names_is_there_and_opens(bed, engine, idmap):
    c = asking(bed, idmap=idmap)
    pid = started(engine, c)
    assert shown(engine, c) == "character special file a:e5 660 0:0"
    assert opened(engine, c) == "open"
    assert "Read-only" in engine.execute(c, "/bin/chmod", "666", "/dev/fuse").output
    end_shims()  # which would put the rule back
    tool(engine, "drop", pid, "10:229")
    assert DENIED in opened(engine, c)


def test_exactly_that_node_is_allowed_and_only_to_read_and_write(bed, kind):
    plain = tool(kind, "rules", started(kind, bed.container("plain", lxc_lines=RESTRICTED)))
    c = asking(bed, WISH, {"name": "loop", "type": "char"})
    for number, name in ((234, "other"), (229, "same")):  # what root inside could make, had it the capability
        os.mknod(c.root / name, stat.S_IFCHR | 0o666, os.makedev(10, number))
    more = tool(kind, "rules", started(kind, c)) - plain
    numbers = ("10:229", "10:237")
    if kind.name == "runc":
        assert more == {f"c {number} rw" for number in numbers}
    else:  # reading, writing, both; making a node was everybody's already
        assert more == {f"c {number} {access}" for number in numbers for access in (2, 4, 6)}
    assert opened(kind, c) == "open" and opened(kind, c, "/dev/loop-control") == "open"
    assert opened(kind, c, "/same") == "open"
    assert DENIED in opened(kind, c, "/other")


@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_owner_mode_and_directory_are_as_policy_says(bed, kind, idmap):
    rules = {"uid": 5, "gid": 6, "mode": "0640", "directory": "0750"}
    bed.policy("p.json", {"allow": [{"consumer": "*", "service": "fuse", "roles": {"any": {"device": rules}}}]})
    c = asking(bed, {**WISH, "target": "/dev/own/fuse"}, idmap=idmap)
    started(kind, c)
    assert shown(kind, c, "/dev/own/fuse") == "character special file a:e5 640 5:6"
    assert shown(kind, c, "/dev/own").startswith("directory 0:0 750 0:0")


def test_a_read_only_root_and_a_tmpfs_without_devices_are_no_obstacle(bed, engine):
    tmpfs = ["/run"] if engine.is_lxc else ["/run", "/dev/xconnect"]  # LXC's /dev is a tmpfs already
    c = asking(bed, {**WISH, "target": "/dev/xconnect/fuse"}, readonly=True, tmpfs=tmpfs)
    (c.root / "dev/xconnect").mkdir()
    started(engine, c)
    assert opened(engine, c, "/dev/xconnect/fuse") == "open"


def update(oci, c):
    resources = c.home / "resources.json"
    resources.write_text("{}")
    for _ in range(3):
        done = oci._call("update", "--resources", str(resources), c.name)
        assert done.code == 0, done.output


@pytest.mark.since(runc="1.1")  # an older one writes its own list of devices anew
def test_an_update_by_the_engine_leaves_the_rule(bed, oci):
    c = asking(bed)
    pid = started(oci, c)
    end_shims()
    before = tool(oci, "rules", pid)
    update(oci, c)
    assert tool(oci, "rules", pid) == before
    assert opened(oci, c) == "open"


@pytest.mark.since(runc="1.1")  # the program that 1.0 attaches anew in a group of version 2 is seen by nobody
def test_after_an_update_by_the_engine_the_rule_is_there(bed, oci):
    c = asking(bed)
    pid = started(oci, c)
    before = tool(oci, "rules", pid)
    update(oci, c)
    assert host.wait_until(lambda: tool(oci, "rules", pid) == before, 5), bed.log_text()
    assert opened(oci, c) == "open"


@pytest.mark.parametrize("trigger", ["write", "reload"])
def test_a_rule_that_somebody_takes_away_comes_back(bed, kind, trigger):
    systemd = Path("/run/systemd")
    if trigger == "reload":
        systemd.mkdir()
    try:
        c = asking(bed)
        pid = started(kind, c)
        whole = tool(kind, "rules", pid)
        tool(kind, "drop", pid, "10:229")
        if trigger == "reload":
            (systemd / "generator").mkdir()
        elif kind.name != "runc":  # there dropping it was a write already
            line = next(l for l in open(f"/proc/{pid}/cgroup").read().splitlines() if l.startswith("0::"))
            group = f"/sys/fs/cgroup/unified{line[3:]}"
            subprocess.run(["sh", "-c", f"echo max > {group}/cgroup.max.depth"], check=True)
        assert host.wait_until(lambda: tool(kind, "rules", pid) == whole, 3), bed.log_text()
        assert opened(kind, c) == "open"
        assert host.wait_until(lambda: "somebody took the device rule" in bed.log_text()), bed.log_text()
        link = json.loads(engines.call([str(beds.INJECT), "status", "--json", "--state", str(bed.state)]).output)
        assert "fuse" in json.dumps(link)
    finally:
        if trigger == "reload":
            subprocess.run(["rm", "-r", "/run/systemd"], check=False)


def test_when_the_link_ends_before_its_container_node_and_rule_are_gone(bed, kind):
    plain = tool(kind, "rules", started(kind, bed.container("plain", lxc_lines=RESTRICTED)))
    c = asking(bed)
    pid = started(kind, c)
    for shim in host.named("xc-shim"):
        os.kill(shim, signal.SIGTERM)
    assert host.wait_until(lambda: host.named("xc-shim") == [], 3)
    assert tool(kind, "rules", pid) == plain
    assert "No such file" in engines.call(["nsenter", "-t", str(pid), "-m", "-r", "/bin/stat", "/dev/fuse"]).output


def test_a_monitor_with_nothing_to_guard_against_sleeps(bed, runc):
    started(runc, asking(bed))
    (pid,) = host.named("xc-shim")

    def switches():
        return [line for line in open(f"/proc/{pid}/status").read().splitlines() if "ctxt" in line]

    def sleeps():
        before = switches()
        time.sleep(1.5)
        return switches() == before

    assert host.wait_until(sleeps, 10), switches()


def test_what_cannot_be_planted_is_not_allowed_either(bed, kind):
    c = asking(bed, optional=[{**WISH, "target": "/dev/null"}])
    pid = started(kind, c)
    plain = started(kind, bed.container("plain", lxc_lines=RESTRICTED))
    assert tool(kind, "rules", pid) == tool(kind, "rules", plain)
    assert "optional service fuse is left out" in bed.log_text()


def test_without_a_control_group_to_ask_nothing_is_planted(bed, runc):
    script = bed.home / "blind"
    script.write_text('#!/bin/sh\nexec unshare -m --propagation private sh -c \'umount -l /sys/fs/cgroup; exec "$@"\' sh '
                      + " ".join(bed.hook()) + ' "$@"\n')
    script.chmod(0o755)
    refused(bed, runc, asking(bed, hook=[str(script)]), "no device control group is mounted")


def test_a_group_above_that_forbids_is_reported_and_left_alone(bed):
    engine = engine_of(bed, "runc-v2")
    group = Path("/sys/fs/cgroup/unified") / f"{bed.mark}-above"
    group.mkdir()
    try:
        tool(engine, "forbid", f"/sys/fs/cgroup/{group.name}")
        c = asking(bed, edit_oci=lambda config: config["linux"].update(cgroupsPath=f"/{group.name}/inner"))
        refused(bed, engine, c, 'a control group above the container\'s forbids device "c 10:229 rw"')
    finally:
        host.wait_until(lambda: not (group / "inner").exists(), 3)
        group.rmdir()


def test_what_the_engine_allows_already_stays_as_it_is(bed):
    engine = engine_of(bed, "runc-v2")

    def with_fuse(config):
        config["linux"]["resources"]["devices"].append({"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"})

    plain = tool(engine, "rules", started(engine, bed.container("plain", edit_oci=with_fuse)))
    c = asking(bed, edit_oci=with_fuse)
    assert tool(engine, "rules", started(engine, c)) == plain
    assert opened(engine, c) == "open"


@pytest.mark.parametrize("node", ["/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/tty0", "/dev/null", "/dev/fuse"])
def test_dev_01_only_a_display_is_one(bed, runc, node):
    if not os.path.exists(node):
        node = "/dev/full"
    bed.host_services("gpu.json", beds.services({"name": "gpu", "type": "drm", "socket": node}))
    c = bed.container("user", run=beds.requires({"name": "gpu", "target": "/dev/dri/card0"}))
    refused(bed, runc, c, "is no DRM card and no render node")


FAKES = {"block": (stat.S_IFBLK, 226, 0, "is a block device, not a character device"),
         "number": (stat.S_IFCHR, 10, 229, 'which the kernel calls "/dev/fuse"; offer it under that name'),
         "nothing": (stat.S_IFCHR, 226, 0, "for which the kernel has no device")}


WORDS = {"link": "is a symbolic link", "file": "is a file, not", "absent": "is not there", "fifo": "is a FIFO, not",
         "socket": "is a socket, not", "directory": "is a directory, not"}
MAKE = {"file": Path.touch, "fifo": os.mkfifo, "directory": Path.mkdir, "absent": lambda _: None,
        "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o666)}


@pytest.mark.parametrize("fake", [*FAKES, "link", "file", "fifo", "socket", "directory", "absent"])
@pytest.mark.parametrize("where", ["host", "container"])
def test_dev_02_a_node_that_is_not_what_it_says_is_refused(bed, runc, fake, where):
    provider = bed.container("owner") if where == "container" else None
    place = provider.root / "srv/dri" if provider else bed.home / "dri"
    place.mkdir(parents=True)
    card = place / "card0"
    why = FAKES[fake][3] if fake in FAKES else WORDS[fake]
    if fake in FAKES:
        kind, major, minor, _ = FAKES[fake]
        os.mknod(card, kind | 0o666, os.makedev(major, minor))
    elif fake == "link":
        card.symlink_to("/dev/fuse")
    else:
        MAKE[fake](card)
    offer = beds.services({"name": "gpu", "type": "drm", "socket": "/srv/dri/card0" if provider else str(card)})
    if provider:
        provider.write("services.json", offer)
        started(runc, provider)
    else:
        bed.host_services("gpu.json", offer)
    c = bed.container("user", run=beds.requires({"name": "gpu", "target": "/dev/dri/card0"}))
    refused(bed, runc, c, why)
    assert not list((c.root / "dev").iterdir())


def test_a_container_cannot_offer_what_is_no_display(bed, runc):
    started(runc, bed.container("owner", services=beds.services(FUSE)))
    c = bed.container("user", run=beds.requires(WISH))
    refused(bed, runc, c, "are granted where the host names them")


def test_the_plan_tells_number_and_rule(bed):
    c = asking(bed)
    (c.home / "config.json").write_text(json.dumps({"root": {"path": "rootfs"}}))
    done = engines.call([str(beds.INJECT), "plan", "--config", str(bed.config), str(c.home)])
    assert "c 10:229 fuse" in done.output and "allows c 10:229 rw and nothing else of it" in done.output, done.output
