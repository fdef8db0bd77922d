"""A virtual machine of half a kilobyte: its boot sector answers over the first serial port. Emulated, so no /dev/kvm."""

import contextlib
import json
import socket

# 16-bit code at 0x7c00: wait for a byte on COM1, print "vgpu-guest:" and that byte and a newline, again.
CODE = bytes.fromhex("""31c0 8ed8 bafd03 ec a801 74fb baf803 ec 88c3 be3a7c ac 84c0 7405 e80e00 ebf6 88d8 e80700 b00a
                        e80200 ebd9 50 bafd03 ec a820 74fb 58 baf803 ee c3""") + b"vgpu-guest:\0"
BOOT_SECTOR = CODE.ljust(510, b"\0") + b"\x55\xaa"
NAME = "vgpu-mediator"


def command(program, jail, chardev, *more):
    """The machine in `jail` as nobody, its serial port at `chardev`; /boot.img is opened before it locks itself in."""
    return [program, "-M", "pc,accel=tcg", "-m", "16", "-nodefaults", "-display", "none", "-monitor", "none", "-chroot",
            str(jail), "-runas", "nobody", "-chardev", f"socket,id=c0,{chardev},reconnect=1", "-device",
            "isa-serial,chardev=c0", *map(str, more)]


ABSTRACT = f"path={NAME},abstract=on"


class Provider:
    """The service that the mediator leads to: listens at a path or, with "@", at an abstract name of the host."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.listen(4)
        self.socket.settimeout(60)

    def talk_to_guest(self):
        """What the machine answers to three bytes."""
        connection, _ = self.socket.accept()
        with connection:
            connection.settimeout(60)
            answers = []
            for byte in (b"A", b"B", b"C"):
                connection.sendall(byte)
                answer = b""
                while not answer.endswith(b"\n"):
                    piece = connection.recv(64)
                    assert piece, "the connection ended"
                    answer += piece
                answers.append(answer.decode().strip())
            return answers

    def nobody_comes(self, seconds):
        self.socket.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            connection, _ = self.socket.accept()
            connection.settimeout(seconds)
            return connection.recv(1) == b""
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def ask(qmp, *commands):
    """The answers of QEMU's control socket, one each."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(60)
        one.connect(str(qmp))
        lines = one.makefile("rw")
        lines.readline()
        answers = []
        for words in ({"execute": "qmp_capabilities"}, *commands):
            lines.write(json.dumps(words) + "\n")
            lines.flush()
            answer = json.loads(lines.readline())
            while "event" in answer:
                answer = json.loads(lines.readline())
            answers.append(answer)
        return answers[1:]


def add_chardev(name, **address):
    return {"execute": "chardev-add", "arguments": {"id": name, "backend": {"type": "socket", "data": {
        "server": False, "addr": {"type": "unix", "data": address}}}}}
