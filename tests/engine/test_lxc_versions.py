"""What hooks of LXC 3 to 6 are told. Debian has LXC 5.0 alone, so the containers are its own, and only the words and
variables that the hook is called with, and the control groups, are laid out as the other versions give them. Sources:
lxc.container.conf(5) of each version, and src/lxc/start.c and conf.c.

The contract, and since when:
- 3.0 is the first with lxc.hook.start-host, and with lxc.hook.version: 0 gives NAME "lxc" TYPE as arguments, 1 gives
  LXC_HOOK_TYPE and LXC_HOOK_SECTION instead; LXC_HOOK_VERSION says which.
- LXC_PID is set right before start-host in 3.0, and right after the clone since 4.0: never before pre-start.
- LXC_ROOTFS_PATH is what the configuration says, with its store ("dir:", "overlay:lower:upper"); it is not there without a
  root file system.
- LXC_CGNS_AWARE is there when the kernel has control group namespaces; consoles have LXC_CONSOLE, LXC_CONSOLE_LOGPATH.
- LXC_TARGET (stop, reboot) at stop and post-stop; the namespaces (LXC_MNT_NS ...) only with hook version 1 since 3.0.
- Groups: lxc/NAME in 3.0; lxc.payload/NAME and lxc.monitor/NAME in 3.1; lxc.payload.NAME since 4.0.
- 6.0 adds lxc.environment.hooks: a site's own variables, for hooks alone."""

import contextlib
import shutil
from pathlib import Path

import pytest

import bed as beds
import engines
import host
from jobs import API, client, dialer, get, has, modem, refused, serving, started

ALWAYS = {"LXC_NAME": "$LXC_NAME", "LXC_CONFIG_FILE": "$LXC_CONFIG_FILE", "LXC_PID": "$LXC_PID", "LXC_LOG_LEVEL": "NOTICE"}
ROOT = {"LXC_ROOTFS_PATH": "dir:$LXC_ROOTFS_PATH", "LXC_ROOTFS_MOUNT": "$LXC_ROOTFS_MOUNT"}
BY_VARIABLES = {"LXC_HOOK_TYPE": "$type", "LXC_HOOK_SECTION": "lxc", "LXC_HOOK_VERSION": "1"}
BY_WORDS = {"LXC_HOOK_VERSION": "0"}
CALLS = {
    "3.0 with arguments": ({**ROOT, **BY_WORDS, "LXC_CONSOLE": "none"}, True),
    "3.0 with variables": ({**ROOT, **BY_VARIABLES, "LXC_CONSOLE_LOGPATH": "/x"}, False),
    "4.0 on an overlay": ({**BY_VARIABLES, "LXC_ROOTFS_PATH": "overlay:/lower:/upper", "LXC_CGNS_AWARE": "1"}, False),
    "4.0 without a root of its own": ({**BY_WORDS, "LXC_CGNS_AWARE": "1"}, True),
    "4.0 inside a hook of another": ({**ROOT, **BY_WORDS, "LXC_HOOK_TYPE": "pre-start", "LXC_TARGET": "stop"}, True),
    "6.0 with a site's variables": ({**ROOT, **BY_VARIABLES, "LXC_CGNS_AWARE": "1", "PATH": "/nowhere", "HOME": "/x",
                                     "LXC_HOOK_NOISE": "a b'c"}, False),
}
GROUPS = {"3.0": ("lxc/{name}", "lxc.monitor.{name}"), "3.1": ("lxc.payload/{name}", "lxc.monitor/{name}")}


def called_as(bed, variables, words):
    """The hook, with exactly these variables; `words`: and with the arguments of hook version 0."""
    script = bed.home / "called"
    given = " ".join(f'{key}="{value}"' for key, value in {**ALWAYS, **variables}.items())
    arguments = '"$LXC_NAME" lxc "$type"' if words else ""
    script.write_text(f'#!/bin/sh\ntype=${{LXC_HOOK_TYPE:-$3}}\necho "$type" >>{bed.home}/types\n'
                      f'exec env -i {given} {" ".join(bed.hook())} {arguments}\n')
    script.chmod(0o755)
    return [str(script)]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("shape", [{}, {"idmap": True}], ids=["", "id-mapped"])
def test_every_version_is_understood(bed, lxc, call, shape):
    hook = called_as(bed, *CALLS[call])
    serving(lxc, modem(bed, hook=hook))
    c = dialer(bed, hook=hook, **shape)
    assert get(started(lxc, c))["client"] == c.name
    lxc.stop(c)
    assert host.wait_until(lambda: (bed.home / "types").read_text().split().count("post-stop") == 1)
    assert host.wait_until(lambda: len(list((bed.state / "c").iterdir())) == 1), "the provider alone"


@pytest.fixture
def parents():
    """The groups above those of GROUPS, which LXC leaves behind."""
    names = {path.partition("/")[0] for paths in GROUPS.values() for path in paths if "/" in path}
    roots = [Path("/sys/fs/cgroup"), *(path for path in Path("/sys/fs/cgroup").iterdir() if path.is_dir())]
    mine = [root / name for root in roots for name in names if not (root / name).exists()]
    yield
    for directory in mine:
        with contextlib.suppress(OSError):
            directory.rmdir()


@pytest.mark.since(lxc="5.0")  # and with it lxc.cgroup.dir.container, by which the groups are laid out
@pytest.mark.parametrize("version", GROUPS)
def test_the_groups_of_older_versions_are_told_of_devices_too(bed, lxc, parents, version):
    lines = [f"lxc.cgroup.devices.{rule}" for rule in ("deny = a", "allow = c *:* m", "allow = c 1:* rwm", "allow = c 5:* rwm")]
    bed.host_services("fuse.json", beds.services({"name": "fuse", "type": "char", "socket": "/dev/fuse"}))
    c = dialer(bed, wishes=[{"name": "fuse", "type": "char", "target": "/dev/fuse"}], lxc_lines=lines)
    own, monitor = (path.format(name=c.name) for path in GROUPS[version])
    c.lxc_lines += [f"lxc.cgroup.dir.container = {own}", f"lxc.cgroup.dir.monitor = {monitor}"]
    pid = started(lxc, c)
    assert f":devices:/{own}" in Path(f"/proc/{pid}/cgroup").read_text()
    assert "open" in lxc.execute(c, "/bin/sh", "-c", "(: <>/dev/fuse) 2>&1 && echo open").output
    lxc.stop(c)


@pytest.mark.parametrize("without, why", [("LXC_PID", "LXC_PID is not set: use lxc.hook.start-host"),
                                          ("LXC_CONFIG_FILE", "")])
def test_what_a_version_does_not_tell_is_missed_aloud(bed, lxc, without, why):
    variables = {**ROOT, **BY_VARIABLES, without: ""}
    c = dialer(bed, hook=called_as(bed, variables, False))
    if why:
        refused(bed, lxc, c, why)
    else:  # nobody says where its manifests are: it asks for nothing
        assert not has(started(lxc, c), API)


def test_a_hook_that_comes_too_early_is_refused(bed, lxc):
    hook = called_as(bed, {**ROOT, **BY_VARIABLES, "LXC_PID": ""}, False)
    c = dialer(bed, hook=[], lxc_lines=[f"lxc.hook.pre-start = {hook[0]}"])
    assert lxc.start(c).code not in (0, 124)
    said = 'LXC hook type "pre-start": use lxc.hook.start-host'
    assert host.wait_until(lambda: said in (c.home / "lxc.log").read_text())


def test_a_container_that_reboots_has_its_links_again(bed, lxc):
    """The same name and the same monitor, LXC_TARGET=reboot at post-stop, and another LXC_PID."""
    serving(lxc, modem(bed))
    c = dialer(bed)
    before = started(lxc, c)
    assert get(before)["role"] == "viewer"
    beds.inside(before, "/bin/busybox", "reboot", "-f")
    assert host.wait_until(lambda: lxc.pid(c) not in (0, before), 10)
    viewed = lambda: '"role":"viewer"' in client(lxc.pid(c), "get", API, "/v1/status")  # there is a pid before the hooks ran
    assert host.wait_until(viewed, 5), client(lxc.pid(c), "get", API, "/v1/status")
    assert host.wait_until(lambda: len(host.named("xc-shim")) == 1), "that of its first life has ended"


def named_relatively(lxc, c, how):
    lxc.prepare(c, lxc._script(c, ">>/out/console 2>&1"))
    shutil.move(c.home / "config", c.home / "other.conf")
    return engines.call(["lxc-start", "-P", str(c.home.parent), "-n", c.name, "-f", "other.conf", how, *lxc.log_words(c)],
                        cwd=c.home)


def test_a_configuration_may_be_named_by_a_relative_path(bed, lxc):
    serving(lxc, modem(bed))
    c = dialer(bed, ["xc-test-client", "get", API, "/v1/status"])
    assert named_relatively(lxc, c, "-F").code == 0
    assert '"role":"viewer"' in c.console_text()


def test_where_a_daemon_forgot_what_the_path_was_relative_to_the_container_does_not_run_without_its_links(bed, lxc):
    c = dialer(bed)
    assert named_relatively(lxc, c, "-d").code not in (0, 124)
    assert host.wait_until(lambda: "lxc-start -f /..." in (c.home / "lxc.log").read_text())
