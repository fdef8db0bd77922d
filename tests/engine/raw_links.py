"""Two ways to the same listening socket: straight, and through `xc-inject mediate unix`. What a client and a server can
observe must be the same on both."""

import array
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(os.environ.get("XC_SOURCE", Path(__file__).resolve().parents[2]))
INJECT = Path(os.environ.get("XC_BUILD", SOURCE / "build" / "dev")) / "xc-inject"
KINDS = {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}


class Link:
    """A provider's listening socket at `.address`, and a mediator in front of it at `.front`."""

    def __init__(self, kind="stream", fds=253, abstract=False, options=(), role="any"):
        self.kind = kind
        self.home = tempfile.TemporaryDirectory()
        home = Path(self.home.name)
        name = lambda part: f"\0{home}/{part}" if abstract else f"{home}/{part}"
        shown = lambda address: "@" + address[1:] if abstract else address
        self.address, self.front = name("provider"), name("front")
        self.listener = socket.socket(socket.AF_UNIX, KINDS[kind])
        self.listener.bind(self.address)
        if kind != "dgram":
            self.listener.listen(16)
        self.listener.settimeout(60)
        rules = home / "rules"
        rules.write_text(json.dumps({"fds": fds}))
        self.ready, theirs = os.pipe()  # the mediator ends with our end of it
        more = [] if kind == "stream" else ["--socket-type", kind]
        self.process = subprocess.Popen(
            [INJECT, "mediate", "unix", "--listen", shown(self.front), "--connect", shown(self.address), "--rules", rules,
             "--client", "dialer", "--role", role, "--ready-fd", str(theirs), *more, *options],
            pass_fds=[theirs], stderr=subprocess.PIPE, text=True)
        os.close(theirs)
        assert os.read(self.ready, 1) == b"x", self.process.communicate()[1]

    def pair(self, straight):
        """(client, server), connected; every wait ends after a minute."""
        client = socket.socket(socket.AF_UNIX, KINDS[self.kind])
        client.settimeout(60)
        client.connect(self.address if straight else self.front)
        server, _ = self.listener.accept()
        server.settimeout(60)
        return client, server

    def workers(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children]

    def close(self):
        self.process.terminate()
        left = self.process.communicate(timeout=60)[1]
        assert self.process.returncode == 0, left
        os.close(self.ready)
        self.listener.close()
        self.home.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def send(sock, data, descriptors=(), flags=0):
    """sendmsg with SCM_RIGHTS; the number of bytes taken."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    return sock.sendmsg([data], rights, flags)


def receive(sock, size, flags=0):
    """(bytes, descriptors) of one recvmsg."""
    data, parts, _, _ = sock.recvmsg(size, socket.CMSG_SPACE(253 * 4), flags | socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, value in parts:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(value[:len(value) - len(value) % 4])
    return data, list(descriptors)
