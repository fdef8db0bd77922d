"""xc-inject as a person calls it on containers that run: once, in the background, or in a terminal of its own."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time

import pytest

import bed as beds
import host


def inject(bed, *arguments, code=0):
    """Its outcome; the exit code must be `code`."""
    done = subprocess.run([beds.INJECT, *map(str, arguments), "--state", bed.state], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def status(bed, name):
    return json.loads(inject(bed, "status", name, "--json").stdout)[0]


def services_of(bed, name):
    return [link["service"] for link in status(bed, name)["links"]]


class Trace:
    """A trace in the background, which has begun to look when this is made. Of a device the kernel tells it, and no shim."""

    def __init__(self, bed, *arguments, device=False, before=()):
        self.bed = bed
        self.device = device
        self.before = before
        seen = self.observers()
        self.process = subprocess.Popen([*before, beds.INJECT, "trace", "--state", bed.state, *map(str, arguments)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun = self.watches if device else lambda: self.observers() > seen
        assert host.wait_until(begun, 5), self.process.poll()
        host.wait_until(self.rests_for_a_while, 3)  # of several links it has begun to look at the first

    def observers(self):
        return sum(one["observers"] for one in json.loads(inject(self.bed, "status", "--json").stdout))

    def pid(self):
        """Of xc-inject itself, which is a child of what came `before`."""
        if not self.before:
            return self.process.pid
        children = subprocess.run(["pgrep", "-P", str(self.process.pid), "-x", "xc-inject"], capture_output=True, text=True, check=False)
        return int((children.stdout.split() or [self.process.pid])[0])

    def watches(self):
        with contextlib.suppress(OSError):
            directory = f"/proc/{self.pid()}/fd"
            return any("notify]" in os.readlink(f"{directory}/{fd}") or "inotify" in os.readlink(f"{directory}/{fd}")
                       for fd in os.listdir(directory))
        return False

    def rests(self):
        """Nobody on the way of a line has anything to do: it is asleep, and does not wait for a processor."""
        pids = [self.pid(), *host.named("xc-shim"), *host.named("xc-worker")]
        return all(host.status_of(pid).get("State", "S")[0] in "SZ" for pid in pids)

    def rests_for_a_while(self):
        for _ in range(4):
            if not self.rests():
                return False
            time.sleep(0.1)
        return True

    def end(self):
        """What it printed."""
        host.wait_until(self.rests_for_a_while, 3)  # what was said a moment ago is on its way
        before = self.observers()
        os.kill(self.pid(), signal.SIGINT)
        out, errors = self.process.communicate(timeout=60)
        assert (self.process.returncode, errors) == (0, ""), (self.process.returncode, errors)
        assert self.device or host.wait_until(lambda: self.observers() < before, 5), "it still looks"
        return out.splitlines()


@pytest.fixture
def trace(bed):
    """Begins traces of the bed's containers; whatever of them is left at the end of the test is ended."""
    begun = []

    def begin(*arguments, **options):
        begun.append(Trace(bed, *arguments, **options))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.communicate()


class Terminal:
    """A terminal of 24 rows that runs one command."""

    def __init__(self, home, *command, columns=150):
        self.base = ["tmux", "-L", f"live-{secrets.token_hex(4)}", "-f", "/dev/null"]
        self.environment = {**os.environ, "TERM": "screen", "TMUX_TMPDIR": str(home)}
        self.tmux("new-session", "-d", "-x", str(columns), "-y", "24", " ".join(map(str, command)) + "; echo over; exec cat")

    def tmux(self, *arguments):
        return subprocess.run([*self.base, *arguments], env=self.environment, capture_output=True, text=True, timeout=60,
                              check=True).stdout

    def text(self):
        return self.tmux("capture-pane", "-p")

    def shows(self, words, seconds=10):
        return host.wait_until(lambda: words in self.text(), seconds, 0.1)

    def press(self, key):
        self.tmux("send-keys", key)


@contextlib.contextmanager
def terminal(home, *command, columns=150):
    one = Terminal(home, *command, columns=columns)
    try:
        yield one
    finally:
        one.tmux("kill-server")
