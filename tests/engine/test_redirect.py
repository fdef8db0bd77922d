"""Links at "connect:/path": no file at all, and unmodified clients in containers whose file system takes none. Programs
run as the container's own or by the engine's exec, because a process that only enters the namespaces has no filter."""

import json
import os
import signal
import subprocess
import textwrap
from pathlib import Path

import pytest

import bed as beds
import host
import versions
from jobs import AS_LONG_AS_NEEDED, modem, refused, serving, started
from test_placement import links_of

PLACE = "/magic/modem.sock"  # in no image
RAW_PLACE = "/magic/raw.sock"
WISH = {"name": "modem-api", "type": "rest", "role": "viewer", "target": f"connect:{PLACE}"}
RAW_WISH = {"name": "modem-raw", "target": f"connect:{RAW_PLACE}"}


@pytest.fixture(params=["runc", "crun"])
def engine(request, bed):
    return bed.engines[request.param]


def redirected(bed, c):
    """What `xc-inject hooks print ENGINE --connect NAME` says, put into config.json."""
    done = subprocess.run([beds.INJECT, "hooks", "print", "runc", "--connect", c.name, "--state", bed.state, "--hook",
                           beds.HOOK], capture_output=True, text=True, check=True)
    part = done.stdout[done.stdout.index('"seccomp"'):]
    before = c.edit_oci

    def edit(config):
        config["linux"].update(json.loads("{" + part + "}"))
        if before:
            before(config)
    c.edit_oci = edit
    return c


def with_python(c):
    """The host's programs and libraries, read-only."""
    c.mounts.append(("/usr", "/usr", ["rbind", "ro"]))
    for name in ("lib", "lib64", "sbin"):
        (c.root / name).symlink_to(f"usr/{name}")
    (c.root / "usr").mkdir()
    return c


def dialer(bed, *wishes, args=AS_LONG_AS_NEEDED, name="dialer", **more):
    more.setdefault("readonly", True)
    more.setdefault("tmpfs", [])
    return redirected(bed, bed.container(name, args, run=beds.requires(*(wishes or (WISH,))), **more))


def awaited(bed, engine, c):
    """crun looks for the place before the container exists."""
    if engine.name == "crun":
        subprocess.run([beds.INJECT, "hooks", "await", c.name, "--state", bed.state], check=True)
    return c


def run_python(engine, c, text, *arguments):
    done = engine.execute(c, "/usr/bin/python3", "-I", "-c", textwrap.dedent(text), *arguments)
    assert done.code == 0, done.output
    return done.output


@pytest.mark.since(runc="1.1", crun="0.19")
def test_an_unmodified_client_in_a_read_only_container(bed, engine):
    serving(engine, modem(bed))
    c = with_python(dialer(bed, args=["/usr/bin/curl", "-sS", "--unix-socket", PLACE, "http://modem/v1/status"]))
    outcome = engine.run(awaited(bed, engine, c))
    assert outcome.code == 0, outcome.output + bed.log_text()
    answer = json.loads(outcome.output.splitlines()[-1])
    assert (answer["client"], answer["role"]) == (c.name, "viewer")


@pytest.mark.since(runc="1.1", crun="0.19")
def test_without_the_link_nobody_is_there(bed, engine):
    """The same container, image and filter; only the wish names another path."""
    serving(engine, modem(bed))
    c = dialer(bed, {**WISH, "target": "connect:/magic/another.sock"},
               args=["xc-test-client", "get", PLACE, "/v1/status"])
    outcome = engine.run(awaited(bed, engine, c))
    assert outcome.code != 0 and "No such file or directory" in outcome.output, outcome.output


@pytest.mark.since(runc="1.1", crun="0.19")
def test_programs_that_are_put_in_later(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    started(engine, awaited(bed, engine, c))
    for _ in range(3):
        answer = engine.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status")
        assert answer.code == 0 and json.loads(answer.output.splitlines()[-1])["client"] == c.name, answer.output
    link = links_of(bed, c)[0]
    assert link["target"] == f"connect:{PLACE}" and link["connections"] == 3
    assert link["client"].endswith(", user 0")


@pytest.mark.since(runc="1.1", crun="0.19")
def test_the_rest_of_connect_is_as_ever(bed, runc):
    """Other paths, kinds and numbers have the kernel's own answers."""
    serving(runc, modem(bed))
    c = with_python(dialer(bed, WISH, RAW_WISH))
    started(runc, c)
    told = run_python(runc, c, """
        import errno, os, socket
        def attempt(kind, address, family=socket.AF_UNIX, before=None):
            s = socket.socket(family, kind)
            if before: before(s)
            try:
                s.connect(address)
                return "connected"
            except OSError as e:
                return errno.errorcode[e.errno]
        here = %r
        print(attempt(socket.SOCK_STREAM, here))
        print(attempt(socket.SOCK_STREAM, here + "x"), attempt(socket.SOCK_STREAM, here[:-1]))
        print(attempt(socket.SOCK_STREAM, "\\0" + here), attempt(socket.SOCK_DGRAM, here))
        print(attempt(socket.SOCK_SEQPACKET, here), attempt(socket.SOCK_STREAM, here, before=lambda s: s.connect(here)))
        print(attempt(socket.SOCK_STREAM, ("127.0.0.1", 9), socket.AF_INET))
        os.chdir("/magic") if os.path.exists("/magic") else os.chdir("/")
        print(attempt(socket.SOCK_STREAM, here[1:]))
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        print(libc.connect(99, b"\\1\\0" + here.encode(), 2 + len(here)), errno.errorcode[ctypes.get_errno()])
        print(libc.connect(0, b"\\1\\0" + here.encode(), 2 + len(here)), errno.errorcode[ctypes.get_errno()])
        """ % PLACE)
    assert told.split() == ["connected", "ENOENT", "ENOENT", "ECONNREFUSED", "EPROTOTYPE", "EPROTOTYPE", "EISCONN",
                            "ECONNREFUSED", "ENOENT", "-1", "EBADF", "-1", "ENOTSOCK"]


@pytest.mark.since(runc="1.1", crun="0.19")
def test_the_clients_own_socket_stays_its_own(bed, runc):
    """Flags, copies, watches, options, its name: nothing is exchanged."""
    serving(runc, modem(bed))
    c = with_python(dialer(bed, RAW_WISH))
    started(runc, c)
    told = run_python(runc, c, """
        import fcntl, os, select, socket
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind("\\0mine")
        s.setblocking(False)
        s.set_inheritable(True)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        room = s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        copy = os.dup(s.fileno())
        watch = select.epoll(); watch.register(s, select.EPOLLIN)
        s.connect(%r)
        print(s.getblocking(), s.get_inheritable(), s.getsockname(), s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == room)
        os.write(copy, b"over the copy"); s.shutdown(socket.SHUT_WR)
        print(len(watch.poll(60)))
        """ % RAW_PLACE)
    assert told.split() == ["False", "True", "b'\\x00mine'", "True", "1"]


@pytest.mark.since(runc="1.1", crun="0.19")
def test_threads_and_descriptor_tables_of_their_own(bed, runc):
    serving(runc, modem(bed))
    c = with_python(dialer(bed))
    started(runc, c)
    told = run_python(runc, c, """
        import ctypes, os, socket, threading
        libc = ctypes.CDLL(None)
        out = []
        def call(own):
            if own: libc.unshare(0x400)  # CLONE_FILES
            s = socket.socket(socket.AF_UNIX)
            if own: s = socket.socket(fileno=os.dup2(s.detach(), 77))
            s.connect(%r)
            s.sendall(b"GET /v1/status HTTP/1.0\\r\\n\\r\\n")
            out.append(s.recv(12))
        for own in (False, True):
            threads = [threading.Thread(target=call, args=(own,)) for _ in range(8)]
            [t.start() for t in threads]; [t.join() for t in threads]
        print(len(out), set(out))
        """ % PLACE)
    assert told.strip() == "16 {b'HTTP/1.1 200'}"


def test_an_engine_that_asks_nobody(bed, engine):
    serving(engine, modem(bed))
    c = bed.container("dialer", run=beds.requires(WISH))  # no filter
    refused(bed, engine, c, "config.json lets nobody be asked about connect(2)")


def test_the_next_place_where_nobody_asks(bed):
    for engine in (bed.engines["runc"], bed.engines["lxc"]):
        c = bed.container(f"dialer-{engine.name}", run=beds.requires({**WISH, "target": [WISH["target"], "/run/a.sock"]}))
        started(engine, c)
        link = links_of(bed, c)[0]
        assert link["target"] == "/run/a.sock" and link["passed-over"][0]["place"] == WISH["target"]


@pytest.mark.since(runc="1.1", crun="0.19")
def test_a_place_after_one_that_fails(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, {**WISH, "target": ["/tmp/taken", f"connect:{PLACE}"]})
    (c.root / "tmp/taken").write_text("somebody's")
    started(engine, awaited(bed, engine, c))
    assert engine.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status").code == 0
    assert links_of(bed, c)[0]["passed-over"][0]["place"] == "/tmp/taken"


@pytest.mark.since(runc="1.1", crun="0.19")
def test_a_listener_path_that_is_not_ours(bed, runc):
    c = dialer(bed)
    good = c.edit_oci
    c.edit_oci = lambda config: (good(config), config["linux"]["seccomp"].update(listenerPath="/run/evil"))
    refused(bed, runc, c, 'linux.seccomp.listenerPath is "/run/evil", and must be')


@pytest.mark.since(runc="1.1", crun="0.19")
def test_a_link_that_comes_and_goes(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    started(runc, c)
    order = lambda verb, *rest: subprocess.run([beds.INJECT, verb, c.name, *rest, "--state", bed.state], check=True,
                                               capture_output=True, text=True)
    attempt = lambda path: runc.execute(c, "/bin/xc-test-client", "try", path).output.strip()
    assert (attempt(PLACE), attempt(RAW_PLACE)) == ("connected", "ENOENT")
    order("apply", f"modem-raw=connect:{RAW_PLACE}", "--config", bed.config)
    assert (attempt(PLACE), attempt(RAW_PLACE)) == ("connected", "connected")
    order("revoke", "modem-api")
    assert (attempt(PLACE), attempt(RAW_PLACE)) == ("ENOENT", "connected")


@pytest.mark.since(runc="1.1", crun="0.19")
def test_in_a_user_namespace(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed, idmap=True, tmpfs=["/run"])
    started(runc, c)
    answer = runc.execute(c, "/bin/xc-test-client", "get", PLACE, "/v1/status")
    assert answer.code == 0, answer.output + bed.log_text()


@pytest.mark.since(runc="1.1")
@pytest.mark.parametrize("waited", [False, True], ids=["", "awaited"])
def test_an_engine_that_does_not_come_is_refused(bed, runc, waited):
    """crun before 0.19 installs the filter and tells nobody, and then the kernel fails every connect(2) of the container. It
    is played by runc, which comes after the hooks: crun is known by a word of its state, and comes before them."""
    speaker = bed.home / "speaker"
    speaker.write_text(f"""#!/bin/sh\nsed 's/^{{/{{"root":"rootfs",/' | {" ".join(bed.hook())} "$@"\n""")
    speaker.chmod(0o755)
    c = dialer(bed, hook=[str(speaker)])
    if waited:
        subprocess.run([beds.INJECT, "hooks", "await", c.name, "--state", bed.state], check=True)
    refused(bed, runc, c, "the engine did not come to linux.seccomp.listenerPath")


def test_an_old_crun_is_refused(bed):
    engine = bed.engines["crun"]
    c = awaited(bed, engine, dialer(bed))
    if versions.is_older("crun", "0.19"):
        refused(bed, engine, c, "the engine did not come to linux.seccomp.listenerPath")
    else:
        started(engine, c)


def test_a_refused_container_leaves_nobody_waiting(bed):
    engine = bed.engines["crun"]
    c = awaited(bed, engine, dialer(bed, {**WISH, "target": "/nowhere/x.sock"}))
    refused(bed, engine, c, "/nowhere/x.sock")
    assert host.wait_until(lambda: not list((bed.state / "n").iterdir()), 5)


def test_a_place_that_nobody_comes_for_ends(bed):
    """What `hooks await` makes is for one container, and not twice."""
    command = [beds.INJECT, "hooks", "await", "nobody", "--state", bed.state]
    subprocess.run(command, check=True)
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 71 and "Address already in use" in again.stderr
    (waiting,) = [int(p.parent.name) for p in Path("/proc").glob("[0-9]*/comm") if read(p) == "xc-waiting\n"]
    os.kill(waiting, signal.SIGKILL)
    assert host.wait_until(lambda: not Path(f"/proc/{waiting}").exists(), 5)
    subprocess.run(command, check=True)  # over the socket that the killed one left
    (waiting,) = [int(p.parent.name) for p in Path("/proc").glob("[0-9]*/comm") if read(p) == "xc-waiting\n"]
    os.kill(waiting, signal.SIGKILL)
    (bed.state / "n/nobody").unlink()


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""
