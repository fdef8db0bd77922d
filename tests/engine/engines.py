"""The container engines, each behind the same few verbs. Every call is bounded in time.

prepare(c)            writes the engine's own configuration for a container of the bed
run(c) -> Outcome     in the foreground, until its first process ends; removed afterwards
start(c) -> Outcome   in the background; Outcome.pid is the init's host pid when code is 0
stop(c)               kills it and removes what the engine keeps; no error when it is gone already
"""

import json
import os
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import host
import house
import versions

LIMIT = 60  # seconds for one call of an engine

# As crun 1.8 refuses the hybrid layout, and because devices differ: one private view of pure cgroup v2.
PURE_V2 = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
           'umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', "sh"]
# The same of pure cgroup v1, where the host has the hybrid layout.
HYBRID = os.path.exists("/sys/fs/cgroup/unified")
PURE_V1 = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'umount -l /sys/fs/cgroup/unified && exec "$@"', "sh"]


@dataclass
class Outcome:
    code: int  # 124 when the time was over
    output: str
    pid: int = 0


def call(argv, timeout=LIMIT, output=None, **options):
    """Runs a program to its end. Output goes to the file `output` (a daemon may keep it open) or is collected."""
    sink = open(output, "ab") if output else subprocess.PIPE
    start = os.path.getsize(output) if output else 0
    process = subprocess.Popen(argv, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=sink,
                               stderr=subprocess.STDOUT, start_new_session=True, **options)
    try:
        text, _ = process.communicate(timeout=timeout)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        code = 124
    if output:
        sink.close()
        with open(output, "rb") as file:
            file.seek(start)
            text = file.read()
    return Outcome(code, text.decode(errors="replace"))


def is_an_engines(pid):
    """Whether a first process has still the engine's name: its start returns a moment before the program begins, and who
    reads its name or environment, or compares what runs before and after, means the program."""
    name = host.status_of(pid).get("Name", "").strip()
    return name.isdigit() or name.startswith(("runc", "crun", "lxc-start"))


class Oci:
    """runc and crun."""

    is_lxc = False

    def __init__(self, name, program, wrapper=(), environment=None):
        self.name = name
        self.state = house.WORK / f"engine-{name}"
        self.base = [*wrapper, program, "--root", str(self.state)]
        self.environment = {**os.environ, **(environment or {})}

    def _call(self, *arguments, **options):
        return call([*self.base, *arguments], env=self.environment, **options)

    def prepare(self, c):
        config = standard_config()
        config["process"].update(terminal=False, args=c.args, rlimits=[], cwd="/")
        config["process"]["env"] = ["PATH=/bin", *c.env]
        config["root"] = {"path": "rootfs", "readonly": c.readonly}
        config["hostname"] = c.name
        if c.annotations:
            config["annotations"] = c.annotations
        for source, target, options in c.mounts:
            config["mounts"].append({"destination": target, "type": "bind", "source": str(source),
                                     "options": ["bind", *options]})
        for target in c.tmpfs:
            config["mounts"].append({"destination": target, "type": "tmpfs", "source": "tmpfs",
                                     "options": ["nosuid", "nodev", "mode=755"]})
        if c.idmap:
            config["linux"]["namespaces"].append({"type": "user"})
            mapping = [{"containerID": 0, "hostID": house.MAPPED, "size": house.COUNT}]
            config["linux"].update(uidMappings=mapping, gidMappings=mapping)
        hook = {"path": c.hook[0], "env": ["PATH=/usr/bin:/bin"], "timeout": c.hook_timeout} if c.hook else None
        if hook:
            config["hooks"] = {stage: [{**hook, "args": [*c.hook, stage]}] for stage in ("createRuntime", "poststop")}
        if c.edit_oci:
            c.edit_oci(config)
        (c.home / "config.json").write_text(c.config_text or json.dumps(config, indent=1))

    def run(self, c, timeout=LIMIT):
        self.prepare(c)
        outcome = self._call("run", "--bundle", str(c.home), c.name, timeout=timeout, output=c.console)
        if outcome.code == 124:
            self.stop(c)
        return outcome

    def create(self, c, timeout=LIMIT):
        self.prepare(c)
        outcome = self._call("create", "--bundle", str(c.home), c.name, timeout=timeout, output=c.console)
        outcome.pid = self.pid(c) if outcome.code == 0 else 0
        return outcome

    def release(self, c, timeout=LIMIT):
        """Lets a created container run its program."""
        return self._call("start", c.name, timeout=timeout, output=c.console)

    def start_plainly(self, c):
        """Nothing but the engine's own two commands, for a measurement."""
        return [self._call("create", "--bundle", str(c.home), c.name, output=c.console), self.release(c)]

    def start(self, c, timeout=LIMIT):
        outcome = self.create(c, timeout)
        if outcome.code != 0:
            return outcome
        started = self.release(c, timeout)
        host.wait_until(lambda: not is_an_engines(outcome.pid))
        return Outcome(started.code, outcome.output + started.output, outcome.pid)

    def pid(self, c):
        state = self._call("state", c.name)
        return json.loads(state.output).get("pid", 0) if state.code == 0 else 0

    def execute(self, c, *argv):
        """Runs a program in a running container, as a person would."""
        return self._call("exec", c.name, *map(str, argv))

    def kill(self, c):
        return self._call("kill", c.name, "KILL")

    def stop(self, c):
        outcome = self._call("delete", "--force", c.name)
        host.remove_empty_groups(c.name, "/" + c.name)
        return outcome

    def pause(self, c):
        return self._call("pause", c.name)

    def resume(self, c):
        return self._call("resume", c.name)


def standard_config():
    """What `runc spec` writes: the configuration every OCI tutorial starts from."""
    directory = house.WORK / "spec"
    if not directory.exists():
        directory.mkdir()
        subprocess.run(["runc", "spec", "--bundle", str(directory)], check=True)
    return json.loads((directory / "config.json").read_text())


class Lxc:
    is_lxc = True

    def __init__(self, name, hook_version, wrapper=()):
        self.name = name
        self.hook_version = hook_version
        self.wrapper = list(wrapper)

    def _call(self, program, c, *arguments, **options):
        return call([*self.wrapper, program, "-P", str(c.home.parent), "-n", c.name, *arguments], **options)

    def prepare(self, c, init=None):
        lines = [f"lxc.rootfs.path = dir:{c.root}", f"lxc.uts.name = {c.name}", "lxc.net.0.type = empty",
                 "lxc.mount.auto = proc:mixed sys:mixed", "lxc.autodev = 1", "lxc.pty.max = 1",
                 f"lxc.console.logfile = {c.console}",
                 f"lxc.hook.version = {self.hook_version}", f"lxc.init.cmd = {init or self._init(c)}"]
        lines += [f"lxc.environment = {variable}" for variable in ["PATH=/bin", *c.env]]
        lines += [f"lxc.mount.entry = {source} {target.lstrip('/')} none bind,create=dir,{','.join(options) or 'rw'} 0 0"
                  for source, target, options in c.mounts]
        lines += [f"lxc.mount.entry = tmpfs {target.lstrip('/')} tmpfs rw,nosuid,nodev,mode=755 0 0" for target in c.tmpfs]
        if c.readonly:
            lines.append("lxc.rootfs.options = ro")
        if c.idmap:
            lines += [f"lxc.idmap = {kind} 0 {house.MAPPED} {house.COUNT}" for kind in "ug"]
        if c.hook:
            lines += [f"lxc.hook.{stage} = {' '.join(c.hook)}" for stage in ("start-host", "post-stop")]
        (c.home / "config").write_text("\n".join([*lines, *c.lxc_lines]) + "\n")

    @staticmethod
    def log_words(c):
        """Not in the configuration: LXC 6 makes a file of lxc.log.file and writes nothing in it."""
        return ["-o", str(c.home / "lxc.log"), "-l", "DEBUG"]

    @staticmethod
    def _init(c):
        """lxc.init.cmd is split at blanks, without quotes: an argument that holds one needs a script."""
        if all(argument and not set(argument) & set(" \t\"'\\") for argument in c.args):
            return " ".join(c.args)
        return Lxc._script(c, "")

    @staticmethod
    def _script(c, redirection):
        script = c.root / "first"
        script.write_text(f"#!/bin/sh\nexec {shlex.join(c.args)} {redirection}\n")
        script.chmod(0o755)
        return "/first"

    def run(self, c, timeout=LIMIT):
        """The container prints to its console, which LXC copies to a file, as there is no terminal here; LXC 4.0 now and
        then ends before it has copied what a short-lived program printed."""
        self.prepare(c, self._script(c, ">>/out/console 2>&1") if versions.is_older("lxc", "5.0") else None)
        before = len(c.console_text())
        outcome = self._call("lxc-start", c, "-F", *self.log_words(c), timeout=timeout)
        if outcome.code == 124:
            self.stop(c)
        outcome.output += c.console_text()[before:].replace("\r\n", "\n")
        return outcome

    def start(self, c, timeout=LIMIT):
        """In the background LXC gives the container no output at all, so its first process makes one of its own."""
        self.prepare(c, self._script(c, ">>/out/console 2>&1"))
        outcome = self._call("lxc-start", c, "-d", *self.log_words(c), timeout=timeout)
        outcome.pid = self.pid(c) if outcome.code == 0 else 0
        host.wait_until(lambda: not is_an_engines(outcome.pid))
        return outcome

    def pid(self, c):
        text = self._call("lxc-info", c, "-p", "-H").output.strip()
        return int(text) if text.isdigit() else 0

    def execute(self, c, *argv):
        return self._call("lxc-attach", c, "--clear-env", "-v", "PATH=/bin", "--", *map(str, argv))

    def kill(self, c):
        return self._call("lxc-stop", c, "-k")

    def stop(self, c):
        outcome = self.kill(c)
        host.remove_empty_groups(c.name, "/lxc.")
        return outcome

    def pause(self, c):
        return self._call("lxc-freeze", c)

    def resume(self, c):
        return self._call("lxc-unfreeze", c)


def has_capability(number):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    return bool(int(line.split()[1], 16) >> number & 1)


def crun_environment():
    """crun needs CAP_SYS_RESOURCE (24) or the preload that does without."""
    if has_capability(24):
        return {}
    library = house.WORK / "norlimit.so"
    if not library.exists():
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).parent / "norlimit.c")],
                       check=True)
    return {"LD_PRELOAD": str(library)}


def every_engine():
    # LXC 7 makes no use of cpuset groups of version 1, and starts nothing where there are some (ENOSPC).
    view = () if versions.is_older("lxc", "7.0") else PURE_V2
    return {engine.name: engine for engine in (
        Oci("runc", "runc"),
        Oci("runc-v2", "runc", PURE_V2),
        Oci("crun", "crun", PURE_V2, crun_environment()),
        Lxc("lxc", 1, view),
        Lxc("lxc0", 0, view))}
