"""A D-Bus client that speaks raw bytes, so that tests can also say what no library would say."""

import array
import os
import select
import socket
import struct
import time

CALL, REPLY, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY, NO_AUTO_START = 1, 2
BUS = "org.freedesktop.DBus"
BUS_PATH = "/org/freedesktop/DBus"
PATIENCE = 60  # seconds for what must come
TYPES = {1: "o", 2: "s", 3: "s", 4: "s", 5: "u", 6: "s", 7: "s", 8: "g", 9: "u"}
CODES = {"path": 1, "interface": 2, "member": 3, "error": 4, "reply_serial": 5, "destination": 6, "sender": 7,
         "signature": 8, "fds": 9}


def pad(data, boundary):
    return data + b"\0" * (-len(data) % boundary)


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<I", len(raw)) + raw + b"\0"


def signature(value):
    raw = value.encode()
    return bytes([len(raw)]) + raw + b"\0"


def body_of(sig, args):
    """The few types tests need: s, u, v of a string, as, ay."""
    out = b""
    for kind, arg in zip(sig.replace("as", "S").replace("ay", "Y"), args):
        if kind == "s":
            out = pad(out, 4) + text(arg)
        elif kind in "uhi":
            out = pad(out, 4) + struct.pack("<I", arg)
        elif kind == "v":
            out += signature("s")
            out = pad(out, 4) + text(arg)
        elif kind == "Y":
            out = pad(out, 4) + struct.pack("<I", len(arg)) + arg
        elif kind == "S":
            inner = b""
            for item in arg:
                inner = pad(inner, 4) + text(item)
            out = pad(out, 4) + struct.pack("<I", len(inner)) + inner
    return out


def field(code, kind, value):
    """One header field; `value` is a string or a number, `kind` may be the wrong one on purpose."""
    out = bytes([code]) + signature(kind)
    if kind in "so":
        return pad(out, 4) + text(value)
    if kind == "g":
        return out + signature(value)
    return pad(out, 4) + struct.pack("<I", value if isinstance(value, int) else 0)


def raw_message(kind, serial, fields, body=b"", flags=0):
    inner = b""
    for code, sig, value in fields:
        inner = pad(inner, 8) + field(code, sig, value)
    head = struct.pack("<cBBBIII", b"l", kind, flags, 1, len(body), serial, len(inner))
    return pad(head + inner, 8) + body


def message(kind, serial, sig="", args=(), flags=0, **fields):
    if sig:
        fields["signature"] = sig
    listed = [(CODES[name], TYPES[CODES[name]], value) for name, value in fields.items() if value]
    return raw_message(kind, serial, listed, body_of(sig, args), flags)


class Heard:
    """A message that was received."""

    def __init__(self, data, fds):
        self.fds = fds
        self.kind, self.flags = data[1], data[2]
        body_size, self.serial, fields = struct.unpack_from("<III" if data[:1] == b"l" else ">III", data, 4)
        end = 16 + fields
        self.body = data[(end + 7) // 8 * 8:]
        assert len(self.body) == body_size
        self.fields = {}
        at = 16
        while at < end:
            at = (at + 7) // 8 * 8
            code, kind = data[at], chr(data[at + 2])
            at += 4
            if kind == "g":
                size = data[at]
                self.fields[code] = data[at + 1:at + 1 + size].decode()
                at += size + 2
            else:
                at = (at + 3) // 4 * 4
                (number,) = struct.unpack_from("<I", data, at)
                at += 4
                if kind == "u":
                    self.fields[code] = number
                else:
                    self.fields[code] = data[at:at + number].decode()
                    at += number + 1
        for name, code in CODES.items():
            setattr(self, name, self.fields.get(code))

    def args(self):
        out, at = [], 0
        for kind in (self.signature or "").replace("as", "S"):
            if kind in "suob":
                at = (at + 3) // 4 * 4
                (number,) = struct.unpack_from("<I", self.body, at)
                at += 4
                if kind in "so":
                    out.append(self.body[at:at + number].decode())
                    at += number + 1
                else:
                    out.append(number)
            elif kind == "S":
                (size,) = struct.unpack_from("<I", self.body, at)
                at += 4
                end, items = at + size, []
                while at < end:
                    at = (at + 3) // 4 * 4
                    (number,) = struct.unpack_from("<I", self.body, at)
                    items.append(self.body[at + 4:at + 4 + number].decode())
                    at += 5 + number
                out.append(items)
            else:
                break
        return out

    def __repr__(self):
        return f"<{self.kind} {self.member or self.error} {self.sender}->{self.destination} re {self.reply_serial}>"


class Closed(Exception):
    """The other side ended the connection."""


class Peer:
    """One connection. With `login`, authenticated and named."""

    def __init__(self, path, login=True, fds=True, hello=True, patient=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(None if patient else 0)  # 0: a full backlog is an error at once
        self.socket.connect(path)
        self.socket.settimeout(PATIENCE)
        self.data, self.pending_fds, self.serial, self.name, self.kept = b"", [], 0, None, []
        if login:
            self.authenticate(fds=fds)
            if hello:
                self.hello()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()
        for fd in self.pending_fds:
            os.close(fd)
        self.pending_fds = []

    def send(self, data, fds=()):
        try:
            if fds:
                sent = self.socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
                data = data[sent:]
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def receive(self, timeout=PATIENCE):
        ready, _, _ = select.select([self.socket], [], [], timeout)
        if not ready:
            raise TimeoutError
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, 1 << 18, 253)
        except ConnectionResetError as error:
            raise Closed from error
        if not data:
            raise Closed
        self.data += data
        self.pending_fds += fds

    def line(self):
        while b"\r\n" not in self.data:
            self.receive()
        line, self.data = self.data.split(b"\r\n", 1)
        return line

    def authenticate(self, fds=True, claim=None):
        who = (claim or str(os.getuid())).encode().hex().encode()
        self.send(b"\0AUTH EXTERNAL " + who + b"\r\n")
        assert self.line().startswith(b"OK ")
        if fds:
            self.send(b"NEGOTIATE_UNIX_FD\r\n")
            assert self.line() == b"AGREE_UNIX_FD"
        self.send(b"BEGIN\r\n")

    def hello(self):
        self.name = self.ask(BUS, "Hello").args()[0]
        return self

    def next(self, timeout=PATIENCE):
        """The next message; what the bus tells the connection about its own names is left out."""
        end = time.monotonic() + timeout
        while True:
            if len(self.data) >= 16:
                order = "<" if self.data[:1] == b"l" else ">"
                body, _, fields = struct.unpack_from(order + "III", self.data, 4)
                size = (16 + fields + 7) // 8 * 8 + body
                if len(self.data) >= size:
                    heard = Heard(self.data[:size], [])
                    self.data = self.data[size:]
                    count = heard.fields.get(9, 0)
                    heard.fds, self.pending_fds = self.pending_fds[:count], self.pending_fds[count:]
                    if heard.member not in ("NameAcquired", "NameLost"):
                        return heard
                    continue
            self.receive(max(0, end - time.monotonic()))

    def write(self, kind=CALL, sig="", args=(), flags=0, fds=(), serial=None, **fields):
        self.serial += 1
        serial = serial or self.serial
        if fds:
            fields.setdefault("fds", len(fds))
        self.send(message(kind, serial, sig, args, flags, **fields), fds)
        return serial

    def answer(self, serial, timeout=PATIENCE):
        """The reply to `serial`; other messages wait in `kept`."""
        end = time.monotonic() + timeout
        while True:
            heard = self.next(max(0.001, end - time.monotonic()))
            if heard.kind in (REPLY, ERROR) and heard.reply_serial == serial:
                return heard
            self.kept.append(heard)

    def ask(self, destination, member, sig="", args=(), interface=BUS, path=None, timeout=PATIENCE, **more):
        path = path or (BUS_PATH if destination == BUS else "/org/pv/obj/1")
        return self.answer(self.write(CALL, sig, args, destination=destination, interface=interface, member=member,
                                      path=path, **more), timeout)

    def settle(self):
        """Everything sent before is through: the bus has answered a question asked after it."""
        serial = self.write(CALL, destination=BUS, interface=BUS, member="GetId", path=BUS_PATH)
        self.answer(serial)
        return self

    def quiet(self, timeout=0.3):
        """All messages that come within `timeout`."""
        out, self.kept = self.kept, []
        try:
            while True:
                out.append(self.next(timeout))
        except TimeoutError:
            return out

    def closed(self, timeout=25):
        """True when the other side ends the connection; for a reason of its own, before a greeting's 30 s are over."""
        try:
            end = time.monotonic() + timeout
            while True:
                self.receive(max(0, end - time.monotonic()))
        except Closed:
            return True
        except TimeoutError:
            return False

    def own(self, name, flags=4):
        reply = self.ask(BUS, "RequestName", "su", [name, flags])
        assert reply.kind == REPLY and reply.args() == [1], reply
        return self

    def match(self, rule):
        reply = self.ask(BUS, "AddMatch", "s", [rule])
        assert reply.kind == REPLY, reply.args()
        return self
