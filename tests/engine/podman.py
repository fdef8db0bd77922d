"""podman with its own storage and configuration, in one mount namespace that lives as long as the tests that use it:
pure cgroup v2, a private /etc/containers and /dev/shm, crun behind a script (conmon passes no environment on)."""

import json
import os
import subprocess
import textwrap
import time

import bed
import engines
import house

ETC = house.WORK / "podman-etc"
STORAGE = house.WORK / "podman"
LIMIT = 60
PRECREATE = bed.BUILD / "xc-precreate"

CONTAINERS_CONF = """
[containers]
netns = "none"
pids_limit = 0
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "crun-here"
[engine.runtimes]
crun-here = ["{work}/crun-here"]
runc = ["/usr/sbin/runc"]
[network]
network_backend = "{network}"
"""
# Which networks podman makes is nothing to the tests, but it wants to know how: podman 5 with netavark alone.
NETWORK = "netavark" if os.path.exists("/usr/lib/podman/netavark") else "cni"

STORAGE_CONF = """
[storage]
driver = "vfs"
graphroot = "{work}/podman/storage"
runroot = "{work}/podman/run"
"""

ROOM = """
mount --bind {etc} /etc/containers
mount -t tmpfs tmpfs /dev/shm
umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
echo ready
exec sleep infinity
"""


class Room:
    """The mount namespace. `enter` is the prefix of a command that runs in it."""

    def __init__(self):
        ETC.mkdir(exist_ok=True)
        STORAGE.mkdir(exist_ok=True)
        (ETC / "containers.conf").write_text(CONTAINERS_CONF.format(work=house.WORK, network=NETWORK))
        (ETC / "storage.conf").write_text(STORAGE_CONF.format(work=house.WORK))
        (ETC / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (ETC / "registries.conf").write_text("")
        preload = engines.crun_environment().get("LD_PRELOAD", "")
        script = house.WORK / "crun-here"
        script.write_text(f'#!/bin/sh\n{f"export LD_PRELOAD={preload}" if preload else ""}\nexec /usr/bin/crun "$@"\n')
        script.chmod(0o755)
        self.holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                                        textwrap.dedent(ROOM.format(etc=ETC))], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-m"]

    def leave(self):
        self.holder.kill()
        self.holder.wait()


RUNTIMES = ("crun-here", "runc")


def serving_bed(bed, room, runtime, precreate=False):
    """podman as the one engine of a bed."""
    one = Podman(room, runtime, precreate)
    bed.engines = {one.name: one}
    return one


class Podman:
    """The verbs of engines.py; manifests are named by annotations, as a person would on podman's command line."""

    is_lxc = False

    def __init__(self, room, runtime="crun-here", precreate=False):
        self.name = f"podman-{runtime}"
        self.room = room
        self.runtime = runtime
        self.precreate = precreate  # whether the hook of that stage is registered as well
        self.when = {"annotations": {r"^io\.xconnect\.": ""}}

    def _call(self, *arguments, **options):
        return engines.call([*self.room.enter, "podman", *map(str, arguments)], timeout=LIMIT, **options)

    def prepare(self, c):
        """One directory of hooks for each container, as the hook of each bed has its own arguments."""
        hooks = c.home / "hooks.d"
        hooks.mkdir(exist_ok=True)
        for stage in ("createRuntime", "poststop") if c.hook else ():
            (hooks / f"{stage}.json").write_text(json.dumps({
                "version": "1.0.0", "stages": [stage], "when": self.when,
                "hook": {"path": c.hook[0], "args": [*c.hook, stage], "env": ["PATH=/usr/bin:/bin"], "timeout": 10}}))
        if c.hook and self.precreate:
            (hooks / "precreate.json").write_text(json.dumps({
                "version": "1.0.0", "stages": ["precreate"], "when": self.when,
                "hook": {"path": str(PRECREATE), "args": ["xc-precreate", *c.hook[1:]], "timeout": 10}}))

    def arguments(self, c, *more):
        self.prepare(c)
        annotations = dict(c.annotations)
        for name, key in (("run.json", "io.xconnect.run"), ("services.json", "io.xconnect.services")):
            if (c.home / name).exists():
                annotations[key] = c.home / name
        words = ["--runtime", self.runtime, "--hooks-dir", c.home / "hooks.d", "run", "--name", c.name, *more]
        words += [part for key, value in annotations.items() for part in ("--annotation", f"{key}={value}")]
        words += [part for source, target, options in c.mounts
                  for part in ("-v", ":".join([str(source), target, ",".join(options) or "rw"]))]
        words += [part for target in c.tmpfs for part in ("--tmpfs", target)]
        words += [part for variable in c.env for part in ("-e", variable)]
        words += c.podman_words
        if c.readonly:
            words.append("--read-only")
        if c.idmap:
            words += [f"--{kind}map=0:{house.MAPPED}:{house.COUNT}" for kind in ("uid", "gid")]
        return [*words, *(["--rootfs", c.root] if not c.image else [c.image]), *c.args]

    def run(self, c, timeout=LIMIT):
        return self._call(*self.arguments(c, "--rm"), output=c.console)

    def start(self, c, timeout=LIMIT):
        outcome = self._call(*self.arguments(c, "-d", "--log-driver", "k8s-file", "--log-opt", f"path={c.console}"),
                             output=c.home / "podman.out")
        if outcome.code == 0:
            outcome.pid = self.pid(c)
        return outcome

    def pid(self, c):
        return int(self._call("inspect", "-f", "{{.State.Pid}}", c.name).output or 0)

    def execute(self, c, *argv):
        return self._call("exec", c.name, *argv)

    def id(self, c):
        return self._call("inspect", "-f", "{{.Id}}", c.name).output.strip()

    def make_pod(self, name, *words):
        """podman's first container of a pod has an image that podman makes of catatonit. Without the group of a pod's own:
        podman 4.3 forbids all devices in it when it makes groups itself, and then no first container starts."""
        outcome = self._call("--runtime", self.runtime, "pod", "create", "--share-parent=false", "--name", name, *words)
        assert outcome.code == 0, outcome

    def pod(self, verb, name, *words):
        outcome = self._call("pod", verb, *words, name)
        assert outcome.code == 0, outcome
        return outcome.output

    def remove_pod(self, name):
        """Once more when it fails: conmon's `podman container cleanup` and podman's own removal of a container that has
        just ended meet at its /dev/shm (EBUSY)."""
        outcome = self._call("pod", "rm", "--force", "--time", "0", name)
        if outcome.code != 0:
            time.sleep(1)
            self.pod("rm", name, "--force", "--time", "0")

    def make_image(self, c):
        """The container's root file system as an image; for what podman does with images alone."""
        c.image = f"localhost/{c.name}:1"
        archive = c.home / "image.tar"
        for argv in (["tar", "-C", c.root, "-cf", archive, "."], ["podman", "import", archive, c.image]):
            outcome = engines.call([*self.room.enter, *map(str, argv)], timeout=LIMIT)
            assert outcome.code == 0, outcome
        archive.unlink()

    def stop(self, c):
        return self._call("rm", "--force", "--time", "0", c.name)

    def restart(self, c):
        """The hooks are those of the podman that restarts, not of the one that made the container."""
        return self._call("--hooks-dir", c.home / "hooks.d", "restart", "--time", "0", c.name)
