"""`xc-inject dbus-proxy` with the command line of xdg-dbus-proxy(1), as flatpak and others write it."""

import json
import os
import shutil
import stat
import subprocess
import time
from contextlib import contextmanager

import pytest

import dbus_wire as wire
from dbus_world import *  # noqa: F403 (fixtures and vocabulary)

PROGRAM = [os.path.join(BUILD, "xc-inject"), "dbus-proxy"]


@contextmanager
def proxy(*words, program=PROGRAM, fd=True, **options):
    """A running proxy that has said it is ready; its --fd end is closed when the block ends, and it must end well."""
    ready, theirs = os.pipe()
    process = subprocess.Popen([*program, *([f"--fd={theirs}"] if fd else []), *words],
                               pass_fds=[theirs, *options.pop("pass_fds", [])], **options)
    os.close(theirs)
    try:
        assert os.read(ready, 1) == b"x"
        yield process
        os.close(ready)
        ready = -1
        assert process.wait(60) == 0
    finally:
        if ready >= 0:
            os.close(ready)
        process.kill()
        process.wait(60)


def does(path, name, member="Do", interface="org.pv.Iface"):
    with wire.Peer(path) as peer:
        return peer.ask(name, member, interface=interface, path=OBJ).error


def test_the_proxys_own_test_passes(world):
    """What tests/test-proxy.c of xdg-dbus-proxy asks: ready byte, ListNames, exit 0 when the pipe is closed."""
    path = world.new_path()
    with proxy(f"unix:path={world.path}", path):
        with wire.Peer(path) as peer:
            assert "org.pv.Hidden" in peer.ask(BUS, "ListNames").args()[0]
    assert not os.path.exists(path)


def test_without_a_filter_everything_passes_monitors_included(world):
    path = world.new_path()
    with proxy(f"unix:path={world.path}", path):
        with wire.Peer(path) as peer:
            assert peer.ask("org.pv.Hidden", "Do", interface="org.any").kind == REPLY
            assert peer.ask(BUS, "BecomeMonitor", "asu", [[], 0], interface="org.freedesktop.DBus.Monitoring").kind == REPLY


def test_with_a_filter_the_words_mean_what_they_mean_there(world):
    path = world.new_path()
    with proxy(f"unix:path={world.path}", path, "--filter", *DEFAULT_POLICY):
        assert does(path, "org.pv.Allowed", interface="org.any") is None
        assert does(path, "org.pv.Partial") is None
        assert does(path, "org.pv.Partial", interface="org.other") == DENIED
        assert does(path, "org.pv.Seen") == DENIED
        assert does(path, "org.pv.Hidden") == UNKNOWN


def test_several_groups_have_a_socket_and_rules_each(world):
    one, two, three = (world.new_path() for _ in range(3))
    address = f"unix:path={world.path}"
    with proxy(address, one, "--filter", "--talk=org.pv.Allowed", address, two, "--filter", "--talk=org.pv.Hidden",
               f"tcp:host=localhost;unix:path={world.path},guid=0", three):
        assert [does(path, "org.pv.Allowed") for path in (one, two, three)] == [None, UNKNOWN, None]
        assert [does(path, "org.pv.Hidden") for path in (one, two, three)] == [UNKNOWN, None, None]


def test_arguments_come_from_descriptors_into_their_places(world):
    path = world.new_path()
    outer, inner = os.pipe(), os.pipe()
    os.write(outer[1], b"unix:path=" + world.path.encode() + b"\0" + path.encode() + b"\0--filter\0")
    os.write(inner[1], b"--talk=org.pv.Allowed\0")
    for _, end in (outer, inner):
        os.close(end)
    with proxy(f"--args={outer[0]}", "--see=org.pv.Seen", f"--args={inner[0]}", pass_fds=[outer[0], inner[0]]):
        assert does(path, "org.pv.Allowed") is None
        assert does(path, "org.pv.Seen") == DENIED
    for end, _ in (outer, inner):
        os.close(end)


def test_sloppy_names_show_every_connection_and_no_more(world):
    strict, sloppy = world.new_path(), world.new_path()
    address = f"unix:path={world.path}"
    with proxy(address, strict, "--filter", address, sloppy, "--filter", "--sloppy-names"):
        seen = {}
        for path in (strict, sloppy):
            with wire.Peer(path) as peer:
                seen[path] = set(peer.ask(BUS, "ListNames").args()[0]) - {peer.name}
        assert seen[strict] == {BUS}
        assert world.hidden.unique in seen[sloppy] and "org.pv.Hidden" not in seen[sloppy]
        assert does(sloppy, world.hidden.unique) == DENIED


def test_the_log_has_a_line_for_every_message(world, tmp_path):
    path = world.new_path()
    log = tmp_path / "log"

    def judged():
        lines = [json.loads(line) for line in log.read_text().splitlines(True) if line.endswith("\n")]
        return {(line["destination"], line["verdict"]) for line in lines if line.get("member") == "Do"}

    with log.open("wb") as out, proxy(f"unix:path={world.path}", path, "--filter", "--log", "--talk=org.pv.Allowed",
                                      stderr=out):
        does(path, "org.pv.Allowed")
        does(path, "org.pv.Hidden")
        wait_until(lambda: judged() == {("org.pv.Allowed", "passed"), ("org.pv.Hidden", "answered")}, report=log.read_text)


def test_it_serves_under_the_others_name_and_replaces_what_an_earlier_run_left(world, tmp_path):
    name = tmp_path / "xdg-dbus-proxy"
    name.symlink_to(PROGRAM[0])
    path = world.new_path()
    for _ in range(2):
        with proxy(f"unix:path={world.path}", path, program=[name]) as process:
            assert does(path, "org.pv.Allowed") is None
            process.kill()  # leaves its socket
            process.wait(60)
            process.returncode = 0
        assert os.path.exists(path)
    os.unlink(path)
    with open(path, "w", encoding="ascii"):
        pass
    done = subprocess.run([name, f"unix:path={world.path}", path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 71 and "already in use" in done.stderr.lower()


def test_an_unprivileged_user_may_run_it(world, tmp_path):
    path = str(tmp_path / "link")
    for directory in (tmp_path, *tmp_path.parents[:-1]):
        directory.chmod(0o777 if directory == tmp_path else stat.S_IMODE(directory.stat().st_mode) | 0o011)
    os.chmod(os.path.dirname(world.path), 0o755)
    os.chmod(world.path, 0o777)
    program = tmp_path / "xc-inject"
    shutil.copy(PROGRAM[0], program)
    with proxy(f"unix:path={world.path}", path, "--filter", "--talk=org.pv.Allowed", program=[program, "dbus-proxy"],
               user=33, group=33, extra_groups=[]):
        with wire.Peer(path) as peer:
            assert peer.ask(BUS, "GetConnectionUnixUser", "s", [peer.name]).args() == [33]
            assert peer.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY


@pytest.mark.parametrize("words, error", [
    ([], "expected ADDRESS PATH; see --help"),
    (["--filter"], '"--filter": not known here; a bus address is expected first'),
    (["unix:path=/x"], '"unix:path=/x": no path follows for the socket to make'),
    (["unix:path=/x", "--filter"], '"unix:path=/x": no path follows for the socket to make'),
    (["nonsense", "/y"], 'bus address "nonsense": expected one such as unix:path=/run/dbus/system_bus_socket'),
    (["tcp:host=x", "/y"], 'bus address "tcp:host=x": no UNIX socket; other transports are not supported'),
    (["unix:path=x", "/y"], 'bus address "unix:path=x": expected an absolute path'),
    (["unix:path=/%zz", "/y"], 'bus address "unix:path=/%zz": a socket\'s name that is empty, odd or badly escaped'),
    (["unix:path=/x", "/y", "--talk=:1.5"], '"--talk=:1.5": expected a bus name, or one with ".*" behind it'),
    (["unix:path=/x", "/y", "--call=a.b"],
     '"--call=a.b": expected a rule such as "org.example.Name=org.example.Interface.Method@/path"'),
    (["unix:path=/x", "/y", "--what"], '"--what": not known'),
    (["--fd=x", "unix:path=/x", "/y"], '"--fd=x": expected the number of a descriptor'),
    (["--args=900", "unix:path=/x", "/y"], "the descriptor of --args: Bad file descriptor"),
])
def test_a_wrong_command_line_is_refused_in_one_line(words, error):
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (64, f"xc-inject: {error}\n")


def test_help_and_version_are_answers():
    for words, begins in ((["--help"], "usage: xc-inject dbus-proxy"), (["--version"], "xc-inject ")):
        done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.startswith(begins)
