"""Devices of containers that run: added, looked at and taken away by xc-inject. /dev/fuse has a real driver everywhere."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading

import pytest

import bed as beds
import engines
import host
from live import inject, services_of, trace  # noqa: F401
from test_devices import DENIED, FUSE, LOOP, RESTRICTED, WISH, end_shims, engine_of, opened, shown, started, tool
from waiting import readable

NODE = "fuse=/dev/fuse"


@pytest.fixture(params=["runc", "runc-v2", "lxc", "lxc-v2"])
def kind(request, bed):
    return engine_of(bed, request.param)


def plain(bed, name="user", **options):
    """A container with hooks that asks for nothing: there is no entry for it."""
    bed.host_services("devices.json", beds.services(FUSE, LOOP))
    options.setdefault("lxc_lines", RESTRICTED)
    return bed.container(name, **options)


def on(engine, bed, *arguments, code=0):
    """xc-inject where the engine's control groups are mounted as the engine sees them."""
    v2 = engine.name in ("runc-v2", "crun", "lxc-v2")
    done = engines.call([*(engines.PURE_V2 if v2 else []), str(beds.INJECT), *map(str, arguments), "--state", str(bed.state)])
    assert done.code == code, (done.code, done.output)
    return done.output


def apply(engine, bed, who, link, *more, code=0):
    return on(engine, bed, "apply", who, link, "--config", bed.config, *more, code=code)


@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_apply_makes_a_device_usable_and_revoke_takes_node_and_rule_away(bed, kind, idmap):
    c = plain(bed, idmap=idmap)
    pid = started(kind, c)
    before = tool(kind, "rules", pid)
    for _ in range(2):
        assert apply(kind, bed, pid, NODE, "--name", c.name).startswith(f"{c.name}: fuse is at /dev/fuse\n")
        assert opened(kind, c) == "open" and shown(kind, c) == "character special file a:e5 660 0:0"
        assert tool(kind, "rules", pid) - before
        assert "programs that have it open keep it" in on(kind, bed, "revoke", c.name, "fuse")
        assert tool(kind, "rules", pid) == before
        assert "No such file" in shown(kind, c)


def test_the_shim_learns_of_a_device_and_forgets_it(bed, kind):
    """It puts back what somebody takes away, and once the device is revoked it does not."""
    c = plain(bed, run=beds.requires({**WISH, "name": "loop", "target": "/dev/loop-control"}))
    pid = started(kind, c)
    alone = tool(kind, "rules", pid)
    apply(kind, bed, c.name, NODE)
    assert services_of(bed, c.name) == ["loop", "fuse"]
    both = tool(kind, "rules", pid)

    def disturb(number):
        tool(kind, "drop", pid, number)
        if kind.name.endswith("v2"):  # there dropping it is no write
            line = next(l for l in open(f"/proc/{pid}/cgroup").read().splitlines() if l.startswith("0::"))
            subprocess.run(["sh", "-c", f"echo max > /sys/fs/cgroup/unified{line[3:]}/cgroup.max.depth"], check=True)

    disturb("10:229")
    assert host.wait_until(lambda: tool(kind, "rules", pid) == both, 5), bed.log_text()
    on(kind, bed, "revoke", c.name, "fuse")
    assert tool(kind, "rules", pid) == alone
    disturb("10:237")
    assert host.wait_until(lambda: tool(kind, "rules", pid) == alone, 5), "the other device, and not more"
    assert opened(kind, c, "/dev/loop-control") == "open"
    on(kind, bed, "revoke", c.name, "loop")
    shim, = host.named("xc-shim")
    assert host.wait_until(lambda: "inotify" not in " ".join(host.descriptors(shim).values()))


def test_a_rule_stays_while_another_link_is_the_same_device(bed, kind):
    c = plain(bed, run=beds.requires(WISH))
    pid = started(kind, c)
    rules = tool(kind, "rules", pid)
    bed.host_services("again.json", beds.services({**FUSE, "name": "other"}))
    apply(kind, bed, c.name, "other=/dev/again")
    on(kind, bed, "revoke", c.name, "fuse")
    assert tool(kind, "rules", pid) == rules and opened(kind, c, "/dev/again") == "open"
    on(kind, bed, "revoke", c.name, "other")
    assert tool(kind, "rules", pid) != rules


def test_what_policy_does_not_allow_leaves_no_node_and_no_rule(bed, kind):
    c = plain(bed, run=beds.requires({**WISH, "name": "loop", "target": "/dev/loop-control"}))
    pid = started(kind, c)
    before, rules = bed.snapshot(), tool(kind, "rules", pid)
    bed.policy("p.json", {"#spec": "xconnect-policy@1", "allow": [{"consumer": "*", "service": "loop", "roles": ["*"]}]})
    assert "no policy entry allows" in apply(kind, bed, c.name, NODE, code=77)
    bed.host_services("devices.json", beds.services(LOOP, {**FUSE, "type": "drm"}))
    (bed.config / "policy.d/p.json").unlink()
    assert "is no DRM card and no render node" in apply(kind, bed, c.name, NODE, code=73)
    bed.host_services("devices.json", beds.services(FUSE, LOOP))
    apply(kind, bed, c.name, "fuse=/dev/null", code=73)  # something is there: the rule was made, and is undone
    assert tool(kind, "rules", pid) == rules
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot())), host.difference(before, bed.snapshot())
    assert services_of(bed, c.name) == ["loop"]


def test_a_device_of_a_dead_shim_can_still_be_revoked(bed, kind):
    c = plain(bed)
    pid = started(kind, c)
    rules = tool(kind, "rules", pid)
    apply(kind, bed, pid, NODE, "--name", c.name)
    end_shims()
    assert "its shim had ended already" in on(kind, bed, "revoke", c.name, "fuse")
    assert tool(kind, "rules", pid) == rules and "No such file" in shown(kind, c)


# --- trace ---------------------------------------------------------------------------------------------------------------

def holders():
    """Processes that have the node open."""
    found = []
    for pid in host.named("sleep"):
        with contextlib.suppress(OSError):
            if any(os.readlink(f"/proc/{pid}/fd/{fd}").endswith("/dev/fuse") for fd in os.listdir(f"/proc/{pid}/fd")):
                found.append(pid)
    return found


def printed(look, words=""):
    """What a trace has printed by the time a whole line with these words is among it."""
    text = ""
    while words not in text or not text.endswith("\n"):
        more = readable(look.process.stdout, 60) and os.read(look.process.stdout.fileno(), 65536)
        assert more, text
        text += more.decode()
    return text.splitlines()


@contextlib.contextmanager
def held(engine, c):
    """The pid of a program inside that has the node open."""
    work = threading.Thread(target=engine.execute, args=(c, "/bin/sh", "-c", "sleep 600 <>/dev/fuse"))
    work.start()
    try:
        assert host.wait_until(holders, 5)
        pid, = holders()
        yield pid
    finally:
        for pid in holders():
            os.kill(pid, signal.SIGKILL)
        work.join()


@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_a_trace_shows_who_opens_a_device(bed, kind, idmap, trace):
    c = plain(bed, run=beds.requires(WISH), idmap=idmap)
    started(kind, c)
    look, as_json = trace(f"{c.name}/fuse", device=True), trace("--json", device=True)
    with held(kind, c) as opener:
        lines, events = printed(look), printed(as_json)
        lines += look.end()
    line, = lines
    assert re.fullmatch(rf"[0-9:.]+ {c.name}/fuse  opened by process {opener}, (sh|sleep|exe) \(.*/bin/busybox\)", line), lines
    event, = (json.loads(one) for one in events + as_json.end())
    assert (event["service"], event["event"], event["pid"], event["protocol"]) == ("fuse", "open", opener, "char"), event


def test_a_program_that_ended_at_once_has_a_number_and_nobody_is_held_up(bed, runc, trace):
    c = plain(bed, run=beds.requires(WISH))
    started(runc, c)
    look = trace(c.name, device=True)
    os.kill(look.process.pid, signal.SIGSTOP)  # a tracer that does not read
    assert opened(runc, c) == "open"
    os.kill(look.process.pid, signal.SIGCONT)
    line, = printed(look) + look.end()
    assert re.search(r"opened by process [0-9]+, which has ended$", line), line


def test_a_kernel_without_fanotify_still_tells_that_somebody_opened_it(bed, runc, trace):
    c = plain(bed, run=beds.requires(WISH))
    started(runc, c)
    look = trace(c.name, device=True, before=["strace", "-f", "-o", "/dev/null", "-e", "inject=fanotify_init:error=ENOSYS"])
    assert opened(runc, c) == "open"
    line, = printed(look) + look.end()
    assert line.endswith("fuse  opened; this kernel does not say by whom"), line


def test_a_trace_says_when_the_rule_is_gone_and_ends_with_the_link(bed, runc, trace):
    c = plain(bed, run=beds.requires(WISH))
    pid = started(runc, c)
    shim, = host.named("xc-shim")
    look = trace(c.name, device=True)
    os.kill(shim, signal.SIGSTOP)  # it would put it back
    tool(runc, "drop", pid, "10:229")
    assert DENIED in opened(runc, c)
    lines = printed(look, "  denied: the rule ")
    os.kill(shim, signal.SIGCONT)
    assert host.wait_until(lambda: opened(runc, c) == "open", 5)
    lines += printed(look, "  allowed: the rule ")
    on(runc, bed, "revoke", c.name, "fuse")
    assert host.wait_until(lambda: not look.watches(), 5), "it looks at a node that is not there"
    words = [line.partition("  ")[2] for line in lines + look.end()]
    assert words[0].startswith('denied: the rule "c 10:229 rw" is not in'), words
    assert any(one.startswith('allowed: the rule "c 10:229 rw" is in') for one in words), words
