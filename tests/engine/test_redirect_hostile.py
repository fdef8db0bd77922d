"""Links at "connect:/path" against programs, agents and shims that do what they should not."""

import errno
import json
import os
import signal
import subprocess
import textwrap
import time
from pathlib import Path

import bed as beds
from jobs import modem, serving, started
from test_redirect import PLACE, RAW_PLACE, RAW_WISH, dialer, run_python, with_python


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
    c = with_python(dialer(bed, RAW_WISH))
    started(runc, c)
    told = run_python(runc, c, """
        import ctypes, signal, socket, collections
        libc = ctypes.CDLL(None, use_errno=True)
        signal.signal(signal.SIGALRM, lambda *a: None)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, 0.0011, 0.0007)
        seen = collections.Counter()
        address = b"\\1\\0" + %r.encode()
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
    c = with_python(dialer(bed, RAW_WISH, mounts=[]))
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


def test_an_agent_that_is_killed_is_followed_by_another(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    started(runc, c)
    get = lambda: runc.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status")
    assert get().code == 0
    first = agents(bed)
    assert len(first) == 1
    os.kill(first[0], signal.SIGKILL)
    assert get().code == 0
    second = agents(bed)
    assert len(second) == 1 and second != first
    os.kill(second[0], signal.SIGSTOP)  # it takes the next question and never answers
    begun = time.monotonic()
    assert get().code == 0
    assert 1.5 < time.monotonic() - begun < 10
    assert agents(bed) != second


def test_an_agent_that_never_lives_takes_no_other_connection_along(bed, runc):
    serving(runc, modem(bed))
    c = with_python(dialer(bed))
    started(runc, c)
    assert runc.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status").code == 0
    for _ in range(12):
        for pid in agents(bed):
            os.kill(pid, signal.SIGKILL)
        runc.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status")
    assert not agents(bed)
    told = runc.execute(c, "/bin/xc-test-client", "try", "/nowhere").output
    assert "ENOENT" in told


def test_memory_that_never_comes_holds_up_nobody_for_long(bed, runc):
    """sun_path lies where its own process must fetch the page first (a FUSE file would do as well), and does not."""
    serving(runc, modem(bed))
    c = with_python(dialer(bed))
    started(runc, c)
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
        assert answer.code == 0 and time.monotonic() - begun < 8, answer.output
        hanging.kill()


def test_more_clients_than_there_is_room_for(bed, runc):
    """Who waits, waits; who does not want to is told so, as by the kernel; and other calls go on."""
    serving(runc, modem(bed))
    c = with_python(dialer(bed, RAW_WISH))
    started(runc, c)
    told = run_python(runc, c, """
        import errno, socket, threading, time
        def open_one(blocking, where=%r):
            s = socket.socket(socket.AF_UNIX); s.setblocking(blocking)
            try: s.connect(where)
            except OSError as e: return errno.errorcode[e.errno]
            return s
        held = [open_one(False) for _ in range(300)]
        open_ones = [s for s in held if not isinstance(s, str)]
        print(len(open_ones) < 300, {s for s in held if isinstance(s, str)})
        late = []
        thread = threading.Thread(target=lambda: late.append(open_one(True))); thread.start()
        time.sleep(0.3)
        print(late, open_one(True, "/nowhere"))
        [s.close() for s in open_ones]
        thread.join(5)
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
    answer = runc.execute(c, "/bin/xc-test-client", "try", PLACE)
    assert answer.code != 0
    runc.stop(c)
