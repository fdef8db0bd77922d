"""Containers for tests: a root file system of busybox and the test programs, manifests beside it, hooks that point at
the programs under test. A Bed has its own state and configuration directory, so nothing of the machine's is touched."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import engines
import host
import house

BUILD = Path(os.environ.get("XC_BUILD", Path(__file__).resolve().parents[2] / "build/dev"))
HOOK = BUILD / "xc-hook"
INJECT = BUILD / "xc-inject"
TOOLS = ("xc-test-provider", "xc-test-client")
APPLETS = ("sh cat cp dd echo env false grep head id ln ls mkdir mknod mount rm sleep stat test touch true umount wc "
           "chmod chown tail printf sed").split()


def make_root(directory):
    """The directories, busybox and the test programs; all of it real files, so that an id-mapped owner harms nobody."""
    for name in "bin dev etc out proc run sys tmp var".split():
        (directory / name).mkdir(parents=True, mode=0o755)
    (directory / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", directory / "bin/busybox")
    for tool in TOOLS:
        subprocess.run(["strip", "-o", directory / "bin" / tool, BUILD / "tests" / tool], check=True)
    for applet in APPLETS:
        (directory / "bin" / applet).symlink_to("busybox")
    (directory / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (directory / "etc/group").write_text("root:x:0:\n")


def template():
    directory = house.WORK / "root"
    if not directory.exists():
        make_root(directory)
    return directory


@dataclass
class Container:
    name: str
    home: Path  # the bundle, or LXC's directory of this container; manifests stand here too
    args: list
    hook: list = field(default_factory=list)  # program and arguments; the stage is added
    hook_timeout: int = 60
    env: list = field(default_factory=list)
    mounts: list = field(default_factory=list)  # (source, target, options)
    tmpfs: list = field(default_factory=lambda: ["/run"])
    annotations: dict = field(default_factory=dict)
    readonly: bool = False
    idmap: bool = False
    edit_oci: object = None  # function on the config.json structure
    config_text: str = ""  # the whole config.json, for hostile ones
    lxc_lines: list = field(default_factory=list)
    podman_words: list = field(default_factory=list)  # options of podman run
    image: str = ""  # podman's, instead of the root directory

    @property
    def root(self):
        return self.home / "rootfs"

    @property
    def out(self):
        """A directory both sides see: /out in the container."""
        return self.home / "out"

    @property
    def console(self):
        return self.home / "console"

    def console_text(self):
        """What the container printed, wherever its engine put it."""
        places = (self.console, self.out / "console")
        return "".join(place.read_text(errors="replace") for place in places if place.exists())

    def clear_console(self):
        for place in (self.console, self.out / "console"):
            if place.exists():
                place.write_text("")

    def write(self, name, content):
        """A manifest beside the configuration; text stays as it is, a structure becomes JSON."""
        (self.home / name).write_text(content if isinstance(content, str) else json.dumps(content))


def services(*offers):
    return {"#spec": "service-manifest-xconnect@1", "services": list(offers)}


def requires(*required, optional=()):
    return {"#spec": "service-manifest-run@1", "services": {"required": list(required), "optional": list(optional)}}


class Bed:
    def __init__(self, directory=None):
        self.mark = f"xct{secrets.token_hex(3)}"
        self.home = (directory or house.WORK) / self.mark
        self.state = self.home / "state"
        self.config = self.home / "config"
        self.log = self.home / "log"
        self.engines = engines.every_engine()
        self.containers = []
        for part in ("services.d", "policy.d"):
            (self.config / part).mkdir(parents=True)
        self.home.chmod(0o755)
        self.log.touch()

    def hook(self, *options):
        return [str(HOOK), "--state", str(self.state), "--config", str(self.config), "--log", str(self.log), *options]

    def container(self, name, args=("sleep", "600"), run=None, services=None, **options):
        """A container with xc-hook at its hooks; `hook=[]` is one without."""
        home = self.home / "containers" / f"{self.mark}-{name}"
        home.mkdir(parents=True)
        shutil.copytree(template(), home / "rootfs", symlinks=True)
        options.setdefault("hook", self.hook())
        args = [str(a) for a in args]
        if not args[0].startswith("/"):
            args[0] = f"/bin/{args[0]}"
        c = Container(home.name, home, args, **options)
        c.out.mkdir()
        c.out.chmod(0o777)
        c.mounts = [(c.out, "/out", ["rw"]), *c.mounts]
        c.console.touch()
        if run is not None:
            c.write("run.json", run)
        if services is not None:
            c.write("services.json", services)
        if c.idmap:
            give_to(home / "rootfs", house.MAPPED)
            c.home.chmod(0o755)
            c.home.parent.chmod(0o755)
        self.containers.append(c)
        return c

    def host_services(self, name, content):
        (self.config / "services.d" / name).write_text(content if isinstance(content, str) else json.dumps(content))

    def policy(self, name, content):
        (self.config / "policy.d" / name).write_text(content if isinstance(content, str) else json.dumps(content))

    def log_text(self):
        return self.log.read_text(errors="replace")

    def snapshot(self):
        host.remove_empty_groups(self.mark, "/lxc.")
        return host.snapshot(self.mark, self.state)

    def stop_all(self, engine):
        for c in self.containers:
            engine.stop(c)

    def remove(self):
        shutil.rmtree(self.home, ignore_errors=True)


def give_to(directory, owner):
    for path, directories, files in os.walk(directory):
        for name in [path, *(os.path.join(path, entry) for entry in directories + files)]:
            os.chown(name, owner, owner, follow_symlinks=False)


@contextlib.contextmanager
def in_background(pid, *argv):
    """The same as inside(), still running while the block does; ended with all of its children after it."""
    process = subprocess.Popen(["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w", *map(str, argv)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env={"PATH": "/bin"},
                               start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def inside(pid, *argv, timeout=60, user=False):
    """Runs a program of the container in all of its namespaces, with its root."""
    namespaces = ["-m", "-u", "-i", "-n", "-p", *(["-U"] if user else [])]
    return engines.call(["nsenter", "-t", str(pid), *namespaces, "-r", "-w", *map(str, argv)], timeout=timeout,
                        env={"PATH": "/bin"})
