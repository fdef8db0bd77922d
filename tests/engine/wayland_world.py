"""Real compositors for Wayland tests, the mediator before them, and real clients; all inside the house."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import bed as beds
import host
import house

NOBODY = 65534
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def environment(**more):
    """Nothing of the caller's, so that a client finds the display it is given and no other."""
    return {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "XDG_CONFIG_HOME": "/nonexistent",
            "NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory", "GDK_BACKEND": "wayland", **more}


def end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def accepts(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Compositor:
    """A directory, a socket and a process; `owner` runs it."""

    owner = 0

    def __init__(self, name):
        self.directory = house.WORK / name
        self.directory.mkdir(mode=0o700)
        os.chown(self.directory, self.owner, self.owner)
        self.processes = []

    def launch(self, argv, env=(), ready=None, **options):
        with open(self.directory / "log", "ab") as log:
            process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True,
                                       env=environment(XDG_RUNTIME_DIR=str(self.directory), **dict(env)), **options)
        self.processes.append(process)
        if ready:
            assert host.wait_until(ready, 20), self.log()
        return process

    def log(self):
        return (self.directory / "log").read_text(errors="replace")[-3000:]

    def alive(self):
        return all(process.poll() is None for process in self.processes)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()  # X has a lock file to remove
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            end(process)
        subprocess.run(["rm", "-rf", str(self.directory)], check=True)


class Weston(Compositor):
    """Without a seat; --debug lets every client take screenshots, which makes an attacker that succeeds."""

    def __init__(self, name="weston", *options):
        super().__init__(name)
        self.socket = self.directory / "wayland-0"
        self.launch(["weston", "--backend=headless-backend.so", "--use-pixman", "--debug", "--no-config",
                     "--socket=wayland-0", "--width=1024", "--height=640", "--idle-time=0", *options],
                    ready=lambda: accepts(self.socket))


class WestonOnX(Compositor):
    """With keyboard and pointer, which xdotool moves, and a screen that `import` shoots."""

    def __init__(self, name="weston-x"):
        super().__init__(name)
        self.socket = self.directory / "wayland-0"
        number, theirs = os.pipe()
        self.launch(["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1024x640x24", "-nolisten", "tcp", "-nolisten",
                     "unix"], pass_fds=[theirs])
        os.close(theirs)
        with open(number, encoding="ascii") as file:
            self.display = f":{file.readline().strip()}"
        self.launch(["weston", "--backend=x11-backend.so", "--use-pixman", "--no-config", "--socket=wayland-0",
                     "--width=1024", "--height=640", "--idle-time=0"], env={"DISPLAY": self.display},
                    ready=lambda: accepts(self.socket))

    def x(self, *argv):
        return subprocess.run([str(a) for a in argv], env=environment(DISPLAY=self.display), check=True, timeout=120,
                              capture_output=True).stdout

    def shoot(self, path):
        self.x("import", "-window", "root", path)

    def pixels(self):
        return self.x("import", "-window", "root", "-depth", "8", "rgb:-")


    def type(self, text, arrived):
        """A person clicks into the middle, where a window that fills the screen is (Weston puts others anywhere), and types a
        line; once more if it was not there yet."""
        for _ in range(4):
            self.x("xdotool", "mousemove", "512", "320", "click", "1", "key", "ctrl+u")
            self.x("xdotool", "type", "--delay", "40", text)
            self.x("xdotool", "key", "Return")
            if host.wait_until(arrived, 4):
                return True
        return False

    def settled(self):
        """A picture that no longer moves: Weston's shell fades in, with pauses where the machine is busy."""
        picture, still = self.pixels(), 0
        for _ in range(200):
            time.sleep(0.5)
            last, picture = picture, self.pixels()
            still = still + 1 if changed(last, picture) < 5000 and len(set(picture[:3000])) > 1 else 0
            if still == 3:
                return picture
        raise AssertionError("the screen does not settle")


def changed(before, after):
    """How many bytes of two pictures differ."""
    return sum(a != b for a, b in zip(before, after))


class Sway(Compositor):
    """Offers every privileged protocol to everybody: screens, keys and the clipboard of all clients."""

    owner = NOBODY
    CONFIG = """output HEADLESS-1 mode 1024x640@60Hz
output HEADLESS-1 bg #204060 solid_color
default_border none
xwayland disable
"""

    def __init__(self, name="sway"):
        super().__init__(name)
        (self.directory / "config").write_text(self.CONFIG)
        self.socket = self.directory / "wayland-1"
        self.launch(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "sway", "-d", "-c",
                     self.directory / "config"],
                    env={"WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1",
                         "HOME": str(self.directory)}, ready=lambda: accepts(self.socket))


class Mediator:
    """`xc-inject mediate wayland` before a compositor."""

    def __init__(self, compositor, rules=None, client="panel"):
        self.directory = compositor.directory
        number = sum(entry.startswith("mediated") for entry in os.listdir(self.directory))
        self.socket = self.directory / f"mediated-{number}"
        argv = [beds.INJECT, "mediate", "wayland", "--listen", self.socket, "--connect", compositor.socket, "--client",
                client]
        if rules is not None:
            (self.directory / f"rules-{number}").write_text(rules)
            argv += ["--rules", self.directory / f"rules-{number}"]
        self.ready, theirs = os.pipe()  # the mediator ends when we do
        os.set_inheritable(theirs, True)
        self.process = subprocess.Popen([str(a) for a in [*argv, "--ready-fd", theirs]], close_fds=False,
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        os.close(theirs)
        assert os.read(self.ready, 1) == b"x"

    def stop(self):
        os.close(self.ready)
        self.process.wait(60)


@contextlib.contextmanager
def running(*things):
    try:
        yield things if len(things) > 1 else things[0]
    finally:
        for thing in reversed(things):
            thing.stop()


def display_of(thing, directory):
    return environment(WAYLAND_DISPLAY=str(thing.socket), XDG_RUNTIME_DIR=str(directory))


def run(thing, *argv, timeout=10, **options):
    """A client of a compositor or mediator, to its end or for `timeout` seconds (then its code is 124)."""
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True, cwd=thing.directory,
                               env=display_of(thing, thing.directory), **options)
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        end(process)
        return 124, process.communicate()[0].decode(errors="replace")


class Client:
    """A client that keeps running."""

    def __init__(self, thing, *argv):
        self.argv = argv
        self.output = thing.directory / f"out-{time.monotonic_ns()}"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True,
                                            env=display_of(thing, thing.directory), cwd=thing.directory)

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        end(self.process)


def globals_of(thing):
    """{interface: version} as wayland-info sees them."""
    code, output = run(thing, "wayland-info", timeout=60)
    assert code == 0, output
    found = {}
    for line in output.splitlines():
        if line.startswith("interface: '"):
            name, version = line.split("'")[1], line.split("version:")[1].split(",")[0]
            found[name] = int(version)
    return found
