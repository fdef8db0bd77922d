"""Ends of a vchan: our library through cffi, and a stand-in for the older one, which speaks plain bytes on the socket."""

import contextlib
import faulthandler
import os
import socket
import time
from pathlib import Path

import cffi
import pytest

from waiting import readable

BUILD = Path(os.environ.get("XC_BUILD", Path(__file__).resolve().parents[2] / "build/dev"))
DISCONNECTED, CONNECTED, WAITING = 0, 1, 2
BIG = os.urandom(1 << 20) * 3

ffi = cffi.FFI()
ffi.cdef("""
    typedef int EVTCHN;
    typedef struct libvchan libvchan_t;
    libvchan_t *libvchan_server_init(int, int, size_t, size_t);
    libvchan_t *libvchan_client_init(int, int);
    libvchan_t *libvchan_client_init_async(int, int, EVTCHN *);
    int libvchan_client_init_async_finish(libvchan_t *, bool);
    void libvchan_set_blocking(libvchan_t *, bool);
    int libvchan_write(libvchan_t *, const void *, size_t);
    int libvchan_send(libvchan_t *, const void *, size_t);
    int libvchan_read(libvchan_t *, void *, size_t);
    int libvchan_recv(libvchan_t *, void *, size_t);
    int libvchan_wait(libvchan_t *);
    void libvchan_close(libvchan_t *);
    EVTCHN libvchan_fd_for_select(libvchan_t *);
    int libvchan_is_open(libvchan_t *);
    int libvchan_data_ready(libvchan_t *);
    int libvchan_buffer_space(libvchan_t *);
""")
lib = ffi.dlopen(str(BUILD / "libvchan-socket.so"))


class Failed(Exception):
    """A function of the API said -1 or NULL."""


def checked(value):
    if value < 0:
        raise Failed(value)
    return value


class End:
    """One handle; close() as the end of a with block."""

    def __init__(self, handle):
        if handle == ffi.NULL:
            raise Failed("NULL")
        self.handle = handle

    def write(self, data):
        return checked(lib.libvchan_write(self.handle, data, len(data)))

    def send(self, data):
        return checked(lib.libvchan_send(self.handle, data, len(data)))

    def write_all(self, data):
        view = memoryview(data)
        while view:
            view = view[self.write(ffi.from_buffer(view)):]

    def read(self, size):
        room = ffi.new("char[]", max(size, 1))
        return ffi.buffer(room, checked(lib.libvchan_read(self.handle, room, size)))[:]

    def recv(self, size):
        room = ffi.new("char[]", max(size, 1))
        return ffi.buffer(room, checked(lib.libvchan_recv(self.handle, room, size)))[:]

    def read_to_end(self):
        parts = []
        with contextlib.suppress(Failed):
            while True:
                parts.append(self.read(1 << 20))
        return b"".join(parts)

    def wait(self):
        return lib.libvchan_wait(self.handle)

    def set_blocking(self, blocking):
        lib.libvchan_set_blocking(self.handle, blocking)

    def finish(self, blocking=True):
        return lib.libvchan_client_init_async_finish(self.handle, blocking)

    @property
    def state(self):
        return lib.libvchan_is_open(self.handle)

    @property
    def ready(self):
        return lib.libvchan_data_ready(self.handle)

    @property
    def space(self):
        return lib.libvchan_buffer_space(self.handle)

    def fileno(self):
        return lib.libvchan_fd_for_select(self.handle)

    def close(self):
        handle, self.handle = self.handle, ffi.NULL
        lib.libvchan_close(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Old:
    """An end as the older library makes it: a stream without a word of its own, read by a thread into nothing but this
    program's memory."""

    def __init__(self, line):
        self.line = line
        line.settimeout(60)

    def write_all(self, data):
        self.line.sendall(data)

    def recv(self, size):
        parts = b""
        while len(parts) < size:
            data = os.read(self.line.fileno(), size - len(parts)) if self.wait() else b""  # read(2): no room for rights
            if not data:
                raise Failed(parts)
            parts += data
        return parts

    def wait(self):
        return readable(self.line, 60)

    def read_to_end(self):
        parts = []
        while True:
            assert self.wait(), "it does not end"
            try:
                data = os.read(self.line.fileno(), 65536)
            except ConnectionResetError:
                break
            if not data:
                break
            parts.append(data)
        return b"".join(parts)

    def close(self):
        self.line.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def environment(**variables):
    before = {name: os.environ.get(name) for name in variables}
    for name, value in variables.items():
        os.environ[name] = str(value)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)  # another thread may have been here
            else:
                os.environ[name] = value


class Street:
    """A directory of sockets, with domain 1 serving domain 2."""

    def __init__(self, directory, **more):
        self.directory = directory
        self.more = {"VCHAN_SOCKET_DIR": directory, **more}

    def path(self, port=0):
        return f"{self.directory}/vchan.1.2.{port}.sock"

    def server(self, port=0, read=0, write=0, **more):
        with environment(VCHAN_DOMAIN=1, **self.more, **more):
            return End(lib.libvchan_server_init(2, port, read, write))

    def client(self, port=0, **more):
        with environment(VCHAN_DOMAIN=2, **self.more, **more):
            return End(lib.libvchan_client_init(1, port))

    def client_async(self, port=0):
        watch = ffi.new("EVTCHN *")
        with environment(VCHAN_DOMAIN=2, **self.more):
            return End(lib.libvchan_client_init_async(1, port, watch)), watch[0]

    def old_client(self, port=0):
        line = socket.socket(socket.AF_UNIX)
        line.connect(self.path(port))
        return Old(line)

    def old_pair(self, serves):
        """(server, client) of which one is the older library: the server when `serves`."""
        if not serves:
            return self.server(), self.old_client()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path())
        listener.listen(1)
        client = self.client()
        line, _ = listener.accept()
        listener.close()
        os.unlink(self.path())
        return Old(line), client


def soon(act, wanted, seconds=60):
    end = time.monotonic() + seconds
    while (seen := act()) != wanted and time.monotonic() < end:
        time.sleep(0.005)
    return seen


def used_processor(act):
    """Seconds of processor time this process used while `act` ran."""
    before = time.process_time()
    act()
    return time.process_time() - before


# --- fixtures of the tests that import them ----------------------------------------------------------------------
@pytest.fixture(autouse=True)
def watchdog():
    """A call that hangs keeps Python from doing anything about it."""
    faulthandler.dump_traceback_later(300, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def street(tmp_path):
    return Street(tmp_path)


@pytest.fixture(params=["shared", "stream"])
def ours(request, tmp_path):
    """Both ends are of this library; with and without memory."""
    return Street(tmp_path, VCHAN_SHM=int(request.param == "shared"))


@pytest.fixture(params=["shared", "stream", "old client", "old server"])
def pair(request, tmp_path):
    """(server, client)."""
    street = Street(tmp_path, VCHAN_SHM=int(request.param != "stream"))
    if request.param.startswith("old"):
        server, client = street.old_pair(request.param == "old server")
    else:
        server = street.server()
        client = street.client()
    yield server, client
    for end in (client, server):
        if not isinstance(end, Old) and end.handle == ffi.NULL:
            continue
        end.close()
