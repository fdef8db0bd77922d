"""What a test may leave behind on the host, taken before and compared after. Meant for inside the house, where every
process is ours; cgroup directories are global, so only those that carry our names are counted."""

import contextlib
import os
import subprocess
import time
from pathlib import Path


def mounts():
    """Mount points of the first process, without the ids that change by themselves."""
    lines = Path("/proc/1/mountinfo").read_text().splitlines()
    return sorted(" ".join(line.split()[2:6]) for line in lines)


def listeners():
    """Paths of the listening UNIX sockets of this network namespace."""
    found = []
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split(None, 7)
        if int(fields[3], 16) & 0x10000:
            found.append(fields[7] if len(fields) > 7 else "unnamed")
    return sorted(found)


def status_of(pid):
    try:
        return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def every_process():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def processes():
    """Name and pid of everything alive but this process, its ancestors and its threads."""
    family, pid = set(), os.getpid()
    while pid:
        family.add(pid)
        pid = int(status_of(pid).get("PPid", "0"))
    found = []
    for pid in every_process():
        status = status_of(pid)
        if pid not in family and status and not status["State"].startswith("Z"):
            found.append(f"{status['Name']} {pid}")
    return sorted(found)


def named(name):
    """Pids of living processes with this name (comm)."""
    return sorted(int(entry.split()[-1]) for entry in processes() if entry.rsplit(" ", 1)[0] == name)


def cgroup_roots():
    roots = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ")
        if right.split()[0] in ("cgroup", "cgroup2"):
            roots.append(left.split()[4])
    return roots


def cgroups(mark):
    """Control groups whose path holds `mark`."""
    found = []
    for root in cgroup_roots():
        for path, directories, _ in os.walk(root):
            found += [os.path.join(path, directory) for directory in directories if mark in os.path.join(path, directory)]
    return sorted(found)


def remove_empty_groups(mark, of):
    """crun and LXC 5.0 now and then leave their own empty group behind when a start is aborted; with that it is not our
    leftover. A group that holds a process stays, and is seen."""
    for path in cgroups(mark):
        if of in path:
            try:
                os.rmdir(path)
            except OSError:
                pass


def entries(directory):
    """Everything below a directory, by full path; what vanishes meanwhile is not there."""
    return sorted(os.path.join(path, name) for path, directories, files in os.walk(directory) for name in directories + files)


def kept(state):
    """What the state directory keeps about containers; its own two rooms and its lock stay for good."""
    rooms = {str(Path(state) / part) for part in ("lock", "c", "offers", "n")}
    return [entry for entry in entries(state) if entry not in rooms]


def descriptors(pid):
    """What each open descriptor of a process is, e.g. {"3": "socket:[17]"}."""
    table = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            table[number] = os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:
            pass
    return table


def snapshot(mark, state):
    return {"mounts": mounts(), "listeners": listeners(), "processes": processes(), "cgroups": cgroups(mark),
            "state": kept(state)}


def difference(before, after):
    """One line per thing that appeared or vanished; nothing when both are equal."""
    lines = []
    for key in before:
        lines += [f"{key}: new: {item}" for item in after[key] if item not in before[key]]
        lines += [f"{key}: gone: {item}" for item in before[key] if item not in after[key]]
        if not lines and len(before[key]) != len(after[key]):
            lines.append(f"{key}: {len(before[key])} before, {len(after[key])} after")
    return lines


BUSY = 10  # how much slower than an idle machine a busy one may be


def wait_until(condition, seconds=2.0, step=0.01):
    """True as soon as `condition()` is; False when it never was within `seconds` of a machine that has nothing else to
    do."""
    end = time.monotonic() + BUSY * seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True


@contextlib.contextmanager
def traced(pid, log, calls):
    """Writes the system calls that a process makes meanwhile to the file `log`."""
    tracer = subprocess.Popen(["strace", "-p", str(pid), "-e", f"trace={calls}", "-o", str(log)], stderr=subprocess.PIPE,
                              text=True)
    assert any("attached" in line for line in tracer.stderr)  # TracerPid is there before the process is stopped
    try:
        yield
    finally:
        tracer.terminate()
        tracer.communicate()
