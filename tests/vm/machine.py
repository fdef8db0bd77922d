"""A virtual machine with two display devices, and a way to run scripts in it. QEMU without hardware help (TCG), so it runs
wherever the tests do; it is up in a few seconds."""

import base64
import json
import shutil
import socket
import struct
import subprocess
import time
from pathlib import Path

import image
import kernel

HERE = Path(__file__).parent
PATIENCE = 300  # seconds for whatever the guest does: an emulated machine on a busy one
DEVICES = ["virtio-gpu-pci,id=gpu,max_outputs=2", "bochs-display", "virtio-keyboard-pci"]


def base_image(modules):
    """busybox, the engines, modetest; what is under test is added by the caller."""
    one = image.Image()
    one.file("init", (HERE / "init.sh").read_text(), 0o755)
    for directory in ("proc", "sys", "dev", "tmp", "run", "etc", "var/lib/lxc", "usr/lib/x86_64-linux-gnu/lxc/rootfs"):
        one.directory(directory)
    one.program("bin/busybox", "/bin/busybox")
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            one.link(f"bin/{applet}", "busybox")
    for program in ("runc", "crun", "lxc-start", "modetest", "strace"):
        one.program(f"usr/bin/{program}", shutil.which(program))
    for program in ("bin/busybox", "usr/bin/modetest"):  # the root file system of containers
        one.program(f"image/{program}", Path("/") / program)
    for applet in applets:
        if applet != "busybox":
            one.link(f"image/bin/{applet}", "busybox")
    for directory in ("dev", "proc", "sys", "run", "tmp", "etc"):
        one.directory(f"image/{directory}")
    one.file("etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
    one.file("etc/group", "root:x:0:\n")
    for module in sorted(Path(modules).iterdir()):
        one.file(f"modules/{module.name}", module.read_bytes())
    return one


class Machine:
    def __init__(self, directory, vmlinux, initrd, memory):
        self.directory = Path(directory)
        self.began = time.monotonic()
        argv = ["qemu-system-x86_64", "-accel", "tcg", "-M", "pc", "-m", str(memory), "-nodefaults", "-no-user-config",
                "-display", "none", "-no-reboot", "-kernel", str(vmlinux), "-initrd", str(initrd),
                "-append", "console=ttyS0 quiet panic=-1 mitigations=off nokaslr",
                "-serial", f"file:{self.directory}/console", "-chardev", f"socket,id=line,path={self.directory}/line,server=on,wait=off",
                "-serial", "chardev:line", "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off"]
        argv += ["-vnc", f"unix:{self.directory}/vnc,display=gpu,head=1"]  # who looks at the second screen
        for device in DEVICES:
            argv += ["-device", device]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=open(self.directory / "qemu.log", "wb"))
        self.line = self.connect("line").makefile("rwb")
        try:
            self.read_line(PATIENCE, b"ready\n")
        except TimeoutError:
            self.end()
            raise
        self.seconds_to_boot = time.monotonic() - self.began

    def connect(self, name, limit=60):
        end = time.monotonic() + limit
        while True:
            one = socket.socket(socket.AF_UNIX)
            try:
                one.connect(str(self.directory / name))
                one.settimeout(PATIENCE)
                return one
            except OSError:
                one.close()
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self.directory / "qemu.log").read_text())
                time.sleep(0.05)

    def read_line(self, limit, wanted=None):
        end = time.monotonic() + limit
        while True:
            line = self.line.readline()
            if not line or time.monotonic() > end:
                raise TimeoutError("the guest is gone: " + (self.directory / "console").read_text()[-2000:])
            if wanted is None or line == wanted:
                return line

    def run(self, script, limit=PATIENCE):
        """(exit code, output) of a shell script in the guest."""
        self.line.write(base64.b64encode(script.encode()) + b"\n")
        self.line.flush()
        text, _, code = self.read_line(limit).decode().rpartition(" ")
        return int(code), base64.b64decode(text).decode(errors="replace")

    def must(self, script, limit=PATIENCE):
        code, output = self.run(script, limit)
        assert code == 0, f"{script}\n{output}"
        return output

    def put(self, path, content, mode="644"):
        text = content if isinstance(content, str) else json.dumps(content)
        packed = base64.b64encode(text.encode()).decode()
        self.must(f"mkdir -p $(dirname {path}) && echo {packed} | base64 -d >{path} && chmod {mode} {path}")

    def plug_second_screen(self, width=640, height=480):
        """A virtual GPU's output is connected once somebody looks at it and says how large a window that is (the RFB
        protocol of RFC 6143, with the community's message SetDesktopSize)."""
        self.viewer = self.connect("vnc")
        stream = self.viewer.makefile("rwb")

        def read(size):
            data = stream.read(size)
            assert len(data) == size, "QEMU's display server ended"
            return data

        def say(data):
            stream.write(data)
            stream.flush()

        say(read(12))  # the version
        assert b"\1" in read(read(1)[0])  # "None" is among the ways to authenticate
        say(b"\1")
        assert read(4) == bytes(4)
        say(b"\1")  # shared
        read(20)
        read(int.from_bytes(read(4), "big"))  # its name
        say(struct.pack(">BxHi", 2, 1, -308))  # we know of desktops that change their size
        say(struct.pack(">BxHHBxIHHHHI", 251, width, height, 1, 0, 0, 0, width, height, 0))

    def screen(self, head=0):
        """(width, height, pixels as RGB bytes) of a display, as a person would see it."""
        control = self.connect("qmp").makefile("rwb")
        picture = self.directory / "screen.ppm"
        control.readline()
        for command in ({"execute": "qmp_capabilities"}, {"execute": "screendump", "arguments": {
                "filename": str(picture), "device": "gpu", "head": head}}):
            control.write(json.dumps(command).encode() + b"\n")
            control.flush()
            while "return" not in json.loads(control.readline()):
                pass
        magic, size, _, pixels = picture.read_bytes().split(b"\n", 3)
        assert magic == b"P6"
        width, height = map(int, size.split())
        return width, height, pixels

    def end(self):
        self.process.kill()
        self.process.wait()


def boot(directory, cache, programs, more=(), memory=640):
    """A running machine. `programs`: {path in the guest: file of ours}; `more`: functions that add to its image."""
    vmlinux, modules = kernel.prepare(cache)
    one = base_image(modules)
    for path, source in programs.items():
        stripped = Path(directory) / "stripped"
        subprocess.run(["strip", "-o", stripped, source], check=True)
        one.program(path, stripped)
    for add in more:
        add(one)
    initrd = Path(directory) / "initrd"
    one.write(initrd)
    return Machine(directory, vmlinux, initrd, memory)
