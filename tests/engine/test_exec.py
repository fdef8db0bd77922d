"""Programs that are given descriptors instead of names: by xc-inject exec, and at the rendezvous of "fd:NAME"."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

import bed as beds
import host
from jobs import dialer, modem, refused, serving, started

SAY = "import os, socket, sys; s = socket.socket(fileno=int(os.environ[sys.argv[1]])); "
GET = SAY + "s.sendall(b'GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'); " \
            "print(s.makefile().read())"
RAW_GET = 'printf "GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" >&$XC_MODEM_API_FD; ' \
          'cat <&$XC_MODEM_API_FD'


@pytest.fixture(params=["runc", "crun", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


def execute(bed, *words, **options):
    return subprocess.run([beds.INJECT, "exec", "--state", bed.state, "--config", bed.config, *map(str, words)],
                          capture_output=True, text=True, timeout=60, check=False, **options)


def listens(place):
    """Whether somebody listens there; ours is bound by the descriptor of its directory."""
    return any(path.endswith(f"/{place.name}") for path in host.listeners())


def test_a_program_of_the_host_gets_its_connection(bed, runc):
    serving(runc, modem(bed))
    done = execute(bed, "--name", "panel", "modem-api;role=viewer", "--", sys.executable, "-c", GET, "XC_MODEM_API_FD")
    assert done.returncode == 0, done
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert (answer["client"], answer["role"]) == ("panel", "viewer")


def test_policy_judges_a_program_of_the_host_too(bed, runc):
    serving(runc, modem(bed))
    bed.policy("p.json", {"#spec": "xconnect-policy@1", "allow": [
        {"consumer": "panel", "service": "modem-api", "roles": ["viewer"]}]})
    words = ["modem-api;role=viewer", "--", "true"]
    assert execute(bed, "--name", "panel", *words).returncode == 0
    done = execute(bed, "--name", "stranger", *words)
    assert done.returncode == 77 and "stranger" in done.stderr, done


def test_the_programs_own_code_comes_back_and_nothing_is_left(bed, runc):
    serving(runc, modem(bed))
    before = bed.snapshot()
    assert execute(bed, "modem-api", "--", "sh", "-c", "exit 7").returncode == 7
    assert execute(bed, "modem-api", "--", "sh", "-c", "kill -9 $$").returncode == 137
    assert execute(bed, "modem-api", "--", "/nowhere").returncode == 127
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot())), host.difference(before, bed.snapshot())


def test_a_provider_is_started_with_its_listening_socket(bed, runc):
    """LISTEN_FDS: the program answers at the address that services.d declares, and never binds anything itself."""
    place = bed.home / "web.sock"
    bed.host_services("web.json", beds.services({"name": "web", "type": "rest", "socket": str(place)}))
    server = ("import os, socket; assert os.environ['LISTEN_PID'] == str(os.getpid()); "
              "assert (os.environ['LISTEN_FDS'], os.environ['LISTEN_FDNAMES']) == ('1', 'web'); "
              "c = socket.socket(fileno=3).accept()[0]; c.recv(4096); "
              "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\npage')")
    words = ["exec", "--config", bed.config, "--listen", "web", "--", sys.executable, "-c", server]
    provider = subprocess.Popen(list(map(str, [beds.INJECT, *words])))
    assert host.wait_until(lambda: listens(place), 5)
    pid = started(runc, dialer(bed, wishes=[{"name": "web", "target": "/run/web.sock"}]))
    assert beds.inside(pid, "xc-test-client", "get", "/run/web.sock", "/").output == "page"
    assert provider.wait(timeout=60) == 0
    assert not place.exists()


# --- inside a container -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", ["/run/svc/modem.sock", "@modem", "fd:modem"])
def test_a_person_runs_a_program_in_a_container_with_its_links(bed, engine, target):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[{"name": "modem-api", "type": "rest", "role": "viewer", "target": target}])
    pid = started(engine, c)
    assert host.wait_until(lambda: host.status_of(pid).get("Name") == "sleep", 5)  # it has been executed
    done = execute(bed, "--container", c.name, "modem-api", "--", "/bin/sh", "-c", RAW_GET)
    assert '"role":"viewer"' in done.stdout and c.name in done.stdout, done
    seen = execute(bed, "--container", c.name, "--", "/bin/sh", "-c", "cat /proc/1/comm; ls -d /out /home").stdout
    assert seen.splitlines() == ["sleep", "/out"], seen  # its own processes, its own root


def test_a_program_inside_has_no_more_rights_than_the_container(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    pid = started(runc, c)
    assert host.wait_until(lambda: host.status_of(pid).get("Name") == "sleep", 5)  # it has been executed
    done = execute(bed, "--container", c.name, "--", "/bin/grep", "Cap", "/proc/self/status")
    of_init = host.status_of(pid)
    said = dict(line.split(":\t") for line in done.stdout.splitlines())
    assert said["CapBnd"] == of_init["CapBnd"].strip() and said["CapPrm"] == of_init["CapPrm"].strip(), done


def test_a_person_is_told_what_is_not_there(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    started(runc, c)
    assert "no link to a service" in execute(bed, "--container", c.name, "nothing", "--", "/bin/true").stderr
    assert "no such container" in execute(bed, "--container", "nobody", "modem-api", "--", "/bin/true").stderr
    assert "behind \"--\"" in execute(bed, "modem-api").stderr
    done = execute(bed, "modem-api", "modem-api;role=viewer", "--", "/bin/true")
    assert (done.returncode, '"modem-api" is asked for twice; say it once' in done.stderr) == (64, True), done


def test_a_real_provider_takes_its_socket_from_its_environment(bed, runc):
    """dbus-daemon as systemd would start it (sd_listen_fds(3)): it is given a bus's socket and binds nothing itself."""
    address = bed.home / "bus.sock"
    bed.host_services("bus.json", beds.services({"name": "bus", "type": "dbus", "socket": str(address)}))
    config = bed.home / "bus.conf"
    config.write_text("""<busconfig><type>session</type><listen>systemd:</listen><policy context="default">
        <allow send_destination="*"/><allow own="*"/><allow eavesdrop="false"/></policy></busconfig>""")
    daemon = subprocess.Popen([beds.INJECT, "exec", "--state", bed.state, "--config", bed.config, "--listen", "bus", "--",
                               "dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog"],
                              stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        assert host.wait_until(lambda: listens(address), 5)
        done = subprocess.run(["dbus-send", f"--bus=unix:path={address}", "--print-reply", "--dest=org.freedesktop.DBus",
                               "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames"], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0 and '"org.freedesktop.DBus"' in done.stdout, done.stderr
    finally:
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait(60)
        address.unlink()


# --- the rendezvous ---------------------------------------------------------------------------------------------------
def ask(path):
    """All that a client needs: the descriptors and the description that come with them."""
    with socket.socket(socket.AF_UNIX) as meeting:
        meeting.connect(str(path))
        text, (connection, description), _, _ = socket.recv_fds(meeting, 4096, 2)
    return json.loads(text), socket.socket(fileno=connection), description


def test_whoever_asks_is_handed_a_connection_and_a_sealed_description(bed, engine):
    serving(engine, modem(bed))
    wanted = {"name": "modem-api", "type": "rest", "role": "viewer", "target": "fd:modem"}
    pid = started(engine, dialer(bed, wishes=[wanted], readonly=True))
    words, connection, description = ask(f"/proc/{pid}/root/dev/xconnect/modem")
    assert words == {"service": "modem-api", "role": "viewer", "target": "fd:modem", "type": "rest"}
    connection.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert '"role":"viewer"' in connection.makefile().read()
    assert json.loads(os.pread(description, 4096, 0)) == words
    with pytest.raises(PermissionError):
        os.pwrite(description, b"x", 0)
    os.close(description)


def test_a_launcher_in_the_container_needs_nothing_but_the_rendezvous(bed, runc):
    """xc-inject is static: in an image it is a program's launcher."""
    serving(runc, modem(bed))
    wanted = {"name": "modem-api", "type": "rest", "role": "viewer", "target": "fd:modem"}
    c = dialer(bed, ["xc-inject", "exec", "modem-api=fd:modem", "--", "/bin/sh", "-c", RAW_GET], wishes=[wanted])
    shutil.copy(beds.INJECT, c.root / "bin/xc-inject")
    assert '"role":"viewer"' in runc.run(c).output


def test_without_a_provider_nothing_is_handed_over(bed, runc):
    raw = {"name": "modem-raw", "type": "unix", "target": "fd:raw"}
    pid = started(runc, dialer(bed, wishes=[raw]))
    with socket.socket(socket.AF_UNIX) as meeting:
        meeting.connect(f"/proc/{pid}/root/dev/xconnect/raw")
        assert meeting.recv(10) == b""


def test_two_links_cannot_meet_at_one_place(bed, runc):
    serving(runc, modem(bed))
    wishes = [{"name": "modem-api", "target": "fd:x"}, {"name": "modem-raw", "target": "/dev/xconnect/x"}]
    refused(bed, runc, dialer(bed, wishes=wishes), "have the same target")


