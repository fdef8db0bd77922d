"""Wayland by the byte, for clients that no library would let one write."""

import array
import contextlib
import os
import socket
import struct

import host

DISPLAY, REGISTRY = 1, 2
SYNC, GET_REGISTRY, BIND, CREATE_POOL = 0, 1, 0, 0
ERROR, DELETE_ID, DONE, GLOBAL = 0, 1, 0, 0


def string(text):
    data = text.encode() + b"\0"
    return struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)


def message(target, opcode, *arguments, size=None):
    """Numbers and strings; `size` is a lie about the length."""
    body = b"".join(string(a) if isinstance(a, str) else a if isinstance(a, bytes) else struct.pack("<I", a)
                    for a in arguments)
    return struct.pack("<IHH", target, opcode, 8 + len(body) if size is None else size) + body


class Closed(Exception):
    pass


class Peer:
    """A connection with a registry (object 2) and what it announced."""

    def __init__(self, path, registry=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.data, self.globals, self.error, self.next_id = b"", {}, None, 2
        if registry:
            self.next_id = 3
            self.send(message(DISPLAY, GET_REGISTRY, REGISTRY))
            self.roundtrip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, descriptors=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sent = self.socket.sendmsg([data], rights)
        if sent < len(data):
            self.socket.sendall(data[sent:])

    def new_id(self):
        self.next_id += 1
        return self.next_id - 1

    def event(self):
        """The next event: object, opcode, body."""
        while len(self.data) < 8 or len(self.data) < struct.unpack_from("<H", self.data, 6)[0]:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                raise Closed(self.error)
            self.data += more
        target, opcode, size = struct.unpack_from("<IHH", self.data)
        body, self.data = self.data[8:size], self.data[size:]
        if (target, opcode) == (DISPLAY, ERROR):
            about, code, length = struct.unpack_from("<III", body)
            self.error = (about, code, body[12:12 + length - 1].decode())
        elif (target, opcode) == (REGISTRY, GLOBAL):
            name, length = struct.unpack_from("<II", body)
            self.globals[body[8:8 + length - 1].decode()] = (name, struct.unpack_from("<I", body, len(body) - 4)[0])
        return target, opcode, body

    def roundtrip(self):
        callback = self.new_id()
        self.send(message(DISPLAY, SYNC, callback))
        self.wait_for(callback)

    def wait_for(self, callback):
        while self.event()[:2] != (callback, DONE):
            pass

    def bind(self, interface, version=1):
        identity = self.new_id()
        self.send(message(REGISTRY, BIND, self.globals[interface][0], interface, version, identity))
        return identity

    def fate(self):
        """Reads to the end: the error that was sent, or None when the end came without one."""
        try:
            while True:
                self.event()
        except Closed:
            return self.error


def works(path):
    """A well-behaved client still gets all it needs."""
    with contextlib.suppress(Closed), Peer(path) as peer:
        shm = peer.bind("wl_shm")
        memory = os.memfd_create("pool")
        os.truncate(memory, 4096)
        peer.send(message(shm, CREATE_POOL, peer.new_id(), 4096), [memory])
        os.close(memory)
        peer.roundtrip()
        return peer.error is None
    return False


def eventually(question, seconds=5):
    return host.wait_until(question, seconds, 0.02)
