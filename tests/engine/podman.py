"""podman with its own storage and configuration, in one mount namespace that lives as long as the tests that use it:
pure cgroup v2, a private /etc/containers and /dev/shm, crun behind a script (conmon passes no environment on)."""

import functools
import json
import os
import subprocess
import textwrap

import bed
import engines
import host
import house
import versions

ETC = house.WORK / "podman-etc"
STORAGE = house.WORK / "podman"
LIMIT = 120
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


@functools.cache
def knows(option, *verb):
    """Whether podman has this option; options of a later podman are a matter of taste in the tests, and have another way."""
    return option in engines.call(["podman", *verb, "--help"]).output


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
        return engines.call([*self.room.enter, "podman", "--log-level", "error", *map(str, arguments)], timeout=LIMIT, **options)

    def prepare(self, c):
        """One directory of hooks for each container, as the hook of each bed has its own arguments."""
        hooks = c.home / "hooks.d"
        hooks.mkdir(exist_ok=True)
        for stage in ("createRuntime", "poststop") if c.hook else ():
            (hooks / f"{stage}.json").write_text(json.dumps({
                "version": "1.0.0", "stages": [stage], "when": self.when,
                "hook": {"path": c.hook[0], "args": [*c.hook, stage], "env": ["PATH=/usr/bin:/bin"], "timeout": 60}}))
        if c.hook and self.precreate:
            (hooks / "precreate.json").write_text(json.dumps({
                "version": "1.0.0", "stages": ["precreate"], "when": self.when,
                "hook": {"path": str(PRECREATE), "args": ["xc-precreate", *c.hook[1:]], "timeout": 60}}))

    def arguments(self, c, *more):
        if c.idmap and not c.image and versions.is_older("podman", "4.0"):
            self.make_image(c)  # 3.0 opens its own directories to the mapped root of an image alone
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
        """On a busy machine podman 3.0 waits for ever for an exit code that its own --rm has removed already."""
        if not versions.is_older("podman", "4.0"):
            return self._call(*self.arguments(c, "--rm"), output=c.console)
        outcome = self._call(*self.arguments(c), output=c.console)
        self.stop(c)
        return outcome

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
        if knows("--share-parent", "pod", "create"):
            words = ("--share-parent=false", *words)
        outcome = self._call("--runtime", self.runtime, "pod", "create", *self.first_image(), "--name", name, *words)
        assert outcome.code == 0, outcome

    def first_image(self):
        """Before version 4 podman wants to fetch an image for the first container."""
        if not versions.is_older("podman", "4.0"):
            return []
        root, image = house.WORK / "pause", "localhost/pause:1"
        if not root.exists():
            bed.make_root(root)
            (root / "pause").write_text("#!/bin/sh\nexec sleep 100000\n")
            (root / "pause").chmod(0o755)
        if self._call("image", "exists", image).code != 0:
            self.import_root(root, image, "--change", 'CMD ["/pause"]')
        return ["--infra-image", image]

    def pod(self, verb, name, *words):
        outcome = self._call("pod", verb, *words, name)
        assert outcome.code == 0, outcome
        return outcome.output

    def remove_pod(self, name):
        """Again when it fails: conmon's `podman container cleanup` and podman's own removal of a container that has
        just ended meet at its /dev/shm (EBUSY)."""
        at_once = ["--time", "0"] if knows("--time", "pod", "rm") else []
        if not at_once:
            self._call("pod", "kill", name)

        def removed():
            return (self._call("pod", "rm", "--force", *at_once, name).code == 0
                    or self._call("pod", "exists", name).code == 1)

        assert host.wait_until(removed, 6, 1), self._call("pod", "rm", "--force", *at_once, name)

    def make_image(self, c):
        """The container's root file system as an image; for what podman does with images alone."""
        c.image = f"localhost/{c.name}:1"
        self.import_root(c.root, c.image)

    def import_root(self, root, image, *words):
        archive = root.with_suffix(".tar")
        for argv in (["tar", "-C", root, "--owner=0", "--group=0", "-cf", archive, "."], ["podman", "import", *words, archive, image]):
            outcome = engines.call([*self.room.enter, *map(str, argv)], timeout=LIMIT)
            assert outcome.code == 0, outcome
        archive.unlink()

    def stop(self, c):
        if knows("--time", "rm"):
            return self._call("rm", "--force", "--time", "0", c.name)
        self._call("kill", c.name)
        return self._call("rm", "--force", c.name)

    def restart(self, c):
        """The hooks are those of the podman that restarts, not of the one that made the container."""
        return self._call("--hooks-dir", c.home / "hooks.d", "restart", "--time", "0", c.name)
