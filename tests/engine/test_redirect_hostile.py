"""Links at "connect:/path" against programs, agents and shims that do what they should not."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import textwrap
import time
from pathlib import Path

import bed as beds
import host
from jobs import modem, serving, started
from test_redirect import PLACE, RAW_PLACE, RAW_WISH, dialer, run_python, with_python


LONG_LIFE = ("sleep", "600")
KILL_OTHERS = "import os; os.kill(-1, 9)"  # of the container: the kernel spares its first process


def agents(bed):
    """Pids of the processes that read paths."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if text.startswith("Name:\txc-agent\n") and "\nState:\tZ" not in text:
            found.append(int(status.parent.name))
    return found


def test_signals_do_not_show(bed, runc):
    """A caller is taken out of its wait again and again; what it is told is true all the same. Whom a signal takes away
    within the microseconds around the answer calls again; seldom that cannot be told from a second connect(2), and
    then EISCONN is the truth: once or twice in 20,000, a hundred times when nobody looks for signals."""
    serving(runc, modem(bed))
    c = with_python(dialer(bed, RAW_WISH, args=LONG_LIFE))
    started(runc, c)
    told = run_python(runc, c, """
        import ctypes, signal, socket, collections, time
        libc = ctypes.CDLL(None, use_errno=True)
        signal.signal(signal.SIGALRM, lambda *a: None)
        signal.siginterrupt(signal.SIGALRM, False)
        address = b"\\1\\0" + %r.encode()
        def takes():
            s = socket.socket(socket.AF_UNIX)
            begun = time.monotonic()
            libc.connect(s.fileno(), address, len(address))
            return time.monotonic() - begun
        usual = sorted(takes() for _ in range(51))[25]
        signal.setitimer(signal.ITIMER_REAL, 0.0011, max(0.0007, 3 * usual))  # or none would ever come to its end
        seen = collections.Counter()
        for _ in range(1500):
            s = socket.socket(socket.AF_UNIX)
            code = libc.connect(s.fileno(), address, len(address))
            seen[0 if code == 0 else ctypes.get_errno()] += 1
            if code == 0: s.getpeername()
            s.close()
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(dict(seen))
        """ % RAW_PLACE)
    seen = eval(told)
    assert set(seen) <= {0, errno.EISCONN} and seen[0] >= 1497, told


def test_a_race_in_the_clients_memory_gains_nothing(bed, runc):
    """While its path is read, another thread writes a path that it was not granted there, and back."""
    serving(runc, modem(bed))
    bed.host_services("host.json", beds.services({"name": "other", "type": "unix", "socket": str(bed.home / "other")}))
    c = with_python(dialer(bed, RAW_WISH, args=LONG_LIFE, mounts=[]))
    started(runc, c)
    told = run_python(runc, c, """
        import ctypes, errno, socket, threading, collections
        libc = ctypes.CDLL(None, use_errno=True)
        mine, other = b"\\1\\0" + %r.encode(), b"\\1\\0" + b"/magic/no.sock!"
        size = max(len(mine), len(other))
        memory = ctypes.create_string_buffer(mine, size + 1)
        stop = False
        def write():
            while not stop:
                ctypes.memmove(memory, other, len(other)); ctypes.memmove(memory, mine, len(mine))
        thread = threading.Thread(target=write); thread.start()
        seen = collections.Counter()
        for _ in range(3000):
            s = socket.socket(socket.AF_UNIX)
            code = libc.connect(s.fileno(), memory, len(mine))
            seen["connected" if code == 0 else errno.errorcode[ctypes.get_errno()]] += 1
            if code == 0: assert s.getpeername()
            s.close()
        stop = True
        thread.join()
        print(sorted(seen))
        """ % RAW_PLACE)
    assert set(eval(told)) <= {"connected", "ENOENT"}, told
    assert "connected" in told


def got(engine, c):
    return engine.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status").code == 0


def test_an_agent_that_is_killed_is_followed_by_another(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed, args=LONG_LIFE)
    started(runc, c)
    begun = time.monotonic()
    assert got(runc, c)
    usual = time.monotonic() - begun
    first = agents(bed)
    assert len(first) == 1
    os.kill(first[0], signal.SIGKILL)
    assert got(runc, c)
    assert host.wait_until(lambda: len(agents(bed)) == 1), "the first is still dying"
    second = agents(bed)
    assert second != first
    os.kill(second[0], signal.SIGSTOP)  # it takes the next question and never answers
    begun = time.monotonic()
    assert got(runc, c)
    assert 1.5 < time.monotonic() - begun < 10 + 5 * usual
    assert host.wait_until(lambda: agents(bed) != second)


def test_an_agent_that_never_lives_takes_no_other_connection_along(bed, runc):
    serving(runc, modem(bed))
    c = with_python(dialer(bed, args=LONG_LIFE))
    started(runc, c)
    assert got(runc, c)
    calling = textwrap.dedent("""
        import socket
        while True:
            with socket.socket(socket.AF_UNIX) as one:
                try: one.connect(%r)
                except OSError: pass
        """ % PLACE)
    with subprocess.Popen([*runc.base, "exec", c.name, "/usr/bin/python3", "-I", "-c", calling]) as caller:
        def given_up():  # they must die faster than eleven a minute
            for pid in agents(bed):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return "connect(2) is redirected no more" in bed.log_text()

        try:
            assert host.wait_until(given_up, 10), bed.log_text()
        finally:
            runc.execute(c, "/usr/bin/python3", "-I", "-c", KILL_OTHERS)
            caller.wait(60)
    assert host.wait_until(lambda: not agents(bed))
    told = runc.execute(c, "/bin/xc-test-client", "try", "/nowhere").output
    assert "ENOENT" in told


def test_memory_that_never_comes_holds_up_nobody_for_long(bed, runc):
    """sun_path lies where its own process must fetch the page first (a FUSE file would do as well), and does not."""
    serving(runc, modem(bed))
    c = with_python(dialer(bed, args=LONG_LIFE))
    started(runc, c)
    begun = time.monotonic()
    assert got(runc, c)
    usual = time.monotonic() - begun
    with subprocess.Popen([*runc.base, "exec", c.name, "/usr/bin/python3", "-I", "-c", textwrap.dedent("""
        import ctypes, fcntl, mmap, os, socket, struct
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        fd = libc.syscall(323, os.O_CLOEXEC | 1)
        if fd < 0: print("no userfaultfd", flush=True); raise SystemExit
        fcntl.ioctl(fd, 0xc018aa3f, bytearray(struct.pack("QQQ", 0xaa, 0, 0)))
        page = libc.mmap(None, 4096, 3, 0x22, -1, 0)
        fcntl.ioctl(fd, 0xc020aa00, bytearray(struct.pack("QQQQ", page, 4096, 1, 0)))
        s = socket.socket(socket.AF_UNIX)
        print("hangs", flush=True)
        libc.connect(s.fileno(), ctypes.c_void_p(page), 100)
        """)], stdout=subprocess.PIPE, text=True) as hanging:
        word = hanging.stdout.readline().strip()
        assert word == "hangs", word
        begun = time.monotonic()
        answer = runc.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status")
        assert answer.code == 0 and time.monotonic() - begun < 8 + 5 * usual, answer.output
        hanging.kill()


def test_more_clients_than_there_is_room_for(bed, runc):
    """Who waits, waits; who does not want to is told so, as by the kernel; and other calls go on."""
    serving(runc, modem(bed))
    c = with_python(dialer(bed, RAW_WISH, args=LONG_LIFE))
    started(runc, c)
    told = run_python(runc, c, """
        import errno, socket, threading, time
        def open_one(blocking, where=%r):
            s = socket.socket(socket.AF_UNIX); s.setblocking(blocking)
            try: s.connect(where)
            except OSError as e: return errno.errorcode[e.errno]
            return s
        open_ones, words, full = [], set(), 0
        while full < 5:  # the worker takes more while we look, until it has as many as it may
            held = [open_one(False) for _ in range(300)]
            more = [s for s in held if not isinstance(s, str)]
            open_ones += more
            words |= {s for s in held if isinstance(s, str)}
            full = 0 if more else full + 1
            time.sleep(0.1)
        print(len(open_ones) < 300, words)
        late = []
        thread = threading.Thread(target=lambda: late.append(open_one(True))); thread.start()
        time.sleep(0.3)
        print(late, open_one(True, "/nowhere"))
        [s.close() for s in open_ones]
        thread.join(60)
        print(late[0].fileno() > 0)
        """ % RAW_PLACE)
    assert told.splitlines() == ["True {'EAGAIN'}", "[] ENOENT", "True"]


def test_when_the_shim_is_killed_connect_fails(bed, runc):
    """What the manual page promises: nobody is left to answer, so the kernel says ENOSYS."""
    serving(runc, modem(bed))
    c = dialer(bed)
    started(runc, c)
    done = subprocess.run([beds.INJECT, "status", c.name, "--json", "--state", bed.state], check=True,
                          capture_output=True, text=True)
    shim = json.loads(done.stdout)[0]["monitor"]
    # The program that is started before: exec would fail already, as the engine finds nobody to send its filter to.
    os.kill(shim, signal.SIGKILL)
    assert host.wait_until(lambda: shim not in host.named("xc-shim"))
    answer = runc.execute(c, "/bin/xc-test-client", "try", PLACE)
    assert answer.code != 0
    runc.stop(c)
