"""podman as an ordinary user: a user of the house's own with subordinate ids, a home, /run/user/UID and a control group of
theirs, and no session of systemd. The verbs are those of podman.py; every call of podman is made as that user."""

import contextlib
import os
import stat
import subprocess
import textwrap
from pathlib import Path

import bed
import engines
import house
import podman

UID = 5555
NAME = "xcuser"
FIRST, COUNT = 300000, 65536  # subordinate ids
GROUP = "xcuser-delegated"
HOME = house.WORK / "user-home"
RUNTIME = Path(f"/run/user/{UID}")
ETC = house.WORK / "user-etc"
NODES = house.WORK / "user-nodes"  # stand in for the machine's own, so that a test may change owner and mode
LOOP = NODES / "loop-control"
STATE = RUNTIME / "xconnect"  # where it is by default

CONTAINERS_CONF = """
[containers]
netns = "none"
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "crun"
[network]
network_backend = "{network}"
"""

ROOM = """
for file in subuid subgid; do mount --bind {etc}/$file /etc/$file; done
mount --make-rshared /
mount --bind {etc}/containers /etc/containers
for node in loop-control fuse; do mount --bind {nodes}/$node /dev/$node; done
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/{group}/inner && chown -R {uid}:{uid} /sys/fs/cgroup/{group}
echo ready
exec sleep infinity
"""


def furnish():
    """What an administrator has made of the user, on a machine with a login manager."""
    for directory in (ETC / "containers", HOME / ".config/containers", RUNTIME, NODES):
        directory.mkdir(parents=True, exist_ok=True)
    for name, minor in (("loop-control", 237), ("fuse", 229)):
        if not (NODES / name).exists():
            os.mknod(NODES / name, stat.S_IFCHR | 0o600, os.makedev(10, minor))
    (NODES / "fuse").chmod(0o666)  # as udev has it
    for name, line in (("passwd", f"{NAME}:x:{UID}:{UID}::{HOME}:/bin/sh"), ("group", f"{NAME}:x:{UID}:")):
        (ETC / name).write_text(Path(f"/etc/{name}").read_text() + line + "\n")
    for name in ("subuid", "subgid"):
        (ETC / name).write_text(f"{NAME}:{FIRST}:{COUNT}\n")
    (ETC / "containers/policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (ETC / "containers/registries.conf").write_text("")
    (HOME / ".config/containers/containers.conf").write_text(CONTAINERS_CONF.format(network=podman.NETWORK))
    (HOME / ".config/containers/storage.conf").write_text('[storage]\ndriver = "vfs"\n')
    for path in (HOME, RUNTIME):
        bed.give_to(path, UID)
        path.chmod(0o700)


class Room:
    def __init__(self):
        furnish()
        for name in ("passwd", "group"):  # others of the machine must know the user, too
            subprocess.run(["mount", "--bind", ETC / name, f"/etc/{name}"], check=True)
        script = textwrap.dedent(ROOM.format(etc=ETC, nodes=NODES, group=GROUP, uid=UID))
        self.holder = subprocess.Popen(["unshare", "--mount", "--propagation", "slave", "sh", "-ec", script],
                                       stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-m"]
        join = f'echo $$ >/sys/fs/cgroup/{GROUP}/inner/cgroup.procs; cd {HOME}; exec "$@"'
        self.as_user = [*self.enter, "sh", "-c", join, "sh", "setpriv", "--reuid", str(UID), "--regid", str(UID),
                        "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin:/usr/sbin", f"HOME={HOME}", f"USER={NAME}",
                        f"XDG_RUNTIME_DIR={RUNTIME}", f"DBUS_SESSION_BUS_ADDRESS=unix:path={RUNTIME}/no-bus"]
        first = engines.call([*self.as_user, "podman", "ps"], timeout=podman.LIMIT)  # which leaves a process behind
        assert first.code == 0, first

    def leave(self):
        """podman keeps a process that holds its user namespace."""
        engines.call([*self.as_user, "podman", "system", "migrate"], timeout=podman.LIMIT)
        pause = RUNTIME / "libpod/tmp/pause.pid"
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):  # it may be ending already
            os.kill(int(pause.read_text()), 9)
        self.holder.kill()
        self.holder.wait()
        for name in ("passwd", "group"):
            subprocess.run(["umount", "-l", f"/etc/{name}"], check=True)  # somebody who is ending may have it open
        engines.call(["sh", "-c", f"umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; cd /sys/fs/cgroup/{GROUP} "
                                  "&& find . -depth -type d -exec rmdir {} +; rmdir ../" + GROUP])


class Podman(podman.Podman):
    """All of the bed belongs to the user, and nobody says where the state is: that is theirs by default."""

    def __init__(self, room, runtime="crun"):
        super().__init__(room, runtime)
        self.name = f"rootless-{runtime}"
        self.prefix = room.as_user

    def _call(self, *arguments, **options):
        return engines.call([*self.prefix, "podman", *map(str, arguments)], timeout=podman.LIMIT, **options)

    def prepare(self, c):
        if "--state" in c.hook:
            at = c.hook.index("--state")
            c.hook = c.hook[:at] + c.hook[at + 2:]
        super().prepare(c)
        bed.give_to(c.home.parents[1], UID)
