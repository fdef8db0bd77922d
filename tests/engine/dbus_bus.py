"""Private buses for tests: dbus-daemon, and dbus-broker without systemd, with everything allowed."""

import os
import socket
import struct
import subprocess
import threading
import time

import dbus_wire as wire

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_replies_per_connection">60000</limit>
</busconfig>
"""


def wait_for(path, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(path)
            return
        except OSError:
            assert process.poll() is None, f"{process.args[0]} ended"
            time.sleep(0.01)
    raise AssertionError(f"nobody listens at {path}")


class Daemon:
    name = "dbus-daemon"
    activates = True

    def __init__(self, directory):
        self.path = os.path.join(directory, "bus")
        config = os.path.join(directory, "bus.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(path=self.path, services=directory))
        for name in ("org.pv.Late", "org.pv.Hidden.Sleeping"):
            with open(os.path.join(directory, name + ".service"), "w", encoding="ascii") as file:
                file.write(f"[D-BUS Service]\nName={name}\nExec=/bin/false\n")
        self.process = subprocess.Popen(["dbus-daemon", "--config-file=" + config, "--nofork", "--nopidfile"],
                                        stderr=subprocess.DEVNULL)
        wait_for(self.path, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        if os.path.exists(self.path):
            os.unlink(self.path)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


class PolicyBody:
    """Values with alignment, for the one odd message a broker needs."""

    def __init__(self):
        self.data = b""

    def put(self, fmt, value, boundary):
        self.data = wire.pad(self.data, boundary) + struct.pack("<" + fmt, value)
        return self

    def string(self, value):
        self.data = wire.pad(self.data, 4) + wire.text(value)
        return self

    def signature(self, value):
        self.data += wire.signature(value)
        return self

    def array(self, fill):
        self.put("I", 0, 4)
        at = len(self.data) - 4
        self.data = wire.pad(self.data, 8)
        start = len(self.data)
        fill()
        self.data = self.data[:at] + struct.pack("<I", len(self.data) - start) + self.data[at + 4:]
        return self

    def align(self):
        self.data = wire.pad(self.data, 8)
        return self


RULES = "a(btssssuutt)"
BATCH = "bta(btbs)" + RULES + RULES
POLICY = f"(a(u({BATCH}))a(buu({BATCH}))a(ss)bs)"


def allow_everything(body):
    """The policy: one batch for every uid that allows to connect, own, send and receive."""
    def transmissions():
        body.align().put("I", 1, 4).put("Q", 1, 8)
        for _ in range(4):
            body.string("")
        body.put("I", 0, 4).put("I", 0, 4).put("Q", 0, 8).put("Q", (1 << 64) - 1, 8)

    def batch():
        body.align().put("I", 0xffffffff, 4)
        body.align().put("I", 1, 4).put("Q", 1, 8)
        body.array(lambda: body.align().put("I", 1, 4).put("Q", 1, 8).put("I", 1, 4).string(""))
        body.array(transmissions)
        body.array(transmissions)

    body.align()
    body.array(batch)
    body.array(lambda: None)
    body.array(lambda: None)
    body.put("I", 0, 4).string("session")


class Broker:
    name = "dbus-broker"
    activates = False

    def __init__(self, directory):
        self.path = os.path.join(directory, "bus")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(256)
        listener.setblocking(False)
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            ["dbus-broker", "--controller", str(theirs.fileno()), "--machine-id", "0123456789abcdef" * 2,
             "--max-bytes", str(1 << 30), "--max-objects", "200000", "--max-matches", "200000", "--max-fds", "4096"],
            pass_fds=[theirs.fileno()])
        theirs.close()
        self.control = wire.Peer.__new__(wire.Peer)
        self.control.socket, self.control.data, self.control.pending_fds = ours, b"", []
        self.control.serial, self.control.kept = 0, []
        ours.settimeout(60)
        self.control.authenticate()
        body = PolicyBody().string("/org/bus1/DBus/Listener/0").put("I", 0, 4).signature(POLICY)
        allow_everything(body)
        fields = [(1, "o", "/org/bus1/DBus/Broker"), (2, "s", "org.bus1.DBus.Broker"), (3, "s", "AddListener"),
                  (8, "g", "ohv"), (9, "u", 1)]
        self.control.send(wire.raw_message(wire.CALL, 1, fields, body.data), [listener.fileno()])
        reply = self.control.answer(1)
        assert reply.kind == wire.REPLY, reply.error
        listener.close()
        self.idle = threading.Thread(target=self.drain, daemon=True)
        self.idle.start()
        wait_for(self.path, self.process)

    def drain(self):
        """The broker tells its controller things; nobody needs to know."""
        try:
            while True:
                self.control.next(3600)
        except (wire.Closed, OSError, TimeoutError, ValueError):
            pass

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.idle.join(60)
        self.control.close()
        os.unlink(self.path)


BUSES = {"dbus-daemon": Daemon, "dbus-broker": Broker}
