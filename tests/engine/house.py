"""A private machine for the tests: own mount, process, network and IPC namespaces, a private /run, `/` shared as
systemd leaves it. Inside, every process, mount and UNIX listener is ours, so what is left behind can be counted, and
when the house is torn down the kernel removes all of it. Nothing outside changes but cgroup directories.

`enter(command)` replaces the calling process; this file run as a program is the first process of the house: it
furnishes, starts the command, reaps orphans as an init does, and ends with the command's exit code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

WORK = Path("/run/bed")  # scratch directory inside the house
MARK = "XC_HOUSE"
MAPPED = 100000  # first host id of id-mapped containers
AUTO = 400000  # the same of those whose map podman chooses
COUNT = 65536


def inside():
    return os.environ.get(MARK) == "1"


def enter(command):
    """Does not return. `command` is an argument vector to run inside."""
    if os.geteuid() != 0:
        sys.exit("the engine tests start real containers: run them as root")
    os.environ[MARK] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc",
                          "--propagation", "private", sys.executable, __file__, *command])


def must(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def furnish():
    must("mount", "--make-rshared", "/")
    must("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for directory in (WORK, Path("/run/lock")):
        directory.mkdir()
    WORK.chmod(0o755)
    must("busybox", "ip", "link", "set", "lo", "up")
    # newuidmap and newgidmap ask these files, even for root; podman's --userns=auto takes from those of "containers"
    table = WORK / "subid"
    table.write_text(f"root:{MAPPED}:{COUNT}\ncontainers:{AUTO}:{COUNT}\n")
    for file in ("/etc/subuid", "/etc/subgid"):
        if os.path.exists(file):
            must("mount", "--bind", str(table), file)


def run_as_init(command):
    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: child.send_signal(received))
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    furnish()
    code = run_as_init(sys.argv[1:])
    sys.exit(code if code >= 0 else 128 - code)
