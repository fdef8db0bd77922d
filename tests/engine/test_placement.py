"""Where a link appears when its first place does not take it: each failure by itself, under real containers."""

import json
import os
import socket
import subprocess

import pytest

import bed as beds
import host
from jobs import client, dialer, get, modem, refused, serving, started

GOOD = "/run/svc/good.sock"


def wish(*targets, name="modem-api", **more):
    return {"name": name, "role": "viewer", "target": list(targets), **more}


@pytest.fixture(params=["runc", "crun", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


def links_of(bed, c):
    """What xc-inject status says of the container's links."""
    done = subprocess.run([beds.BUILD / "xc-inject", "status", c.name, "--json", "--state", bed.state], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)[0]["links"]


def a_file(c):
    (c.root / "tmp/taken").write_text("somebody's")


def a_directory(c):
    (c.root / "tmp/taken").mkdir()


def a_dangling_link(c):
    (c.root / "tmp/taken").symlink_to("/nowhere")


def a_loop(c):
    (c.root / "tmp/loop").symlink_to("/tmp/loop2")
    (c.root / "tmp/loop2").symlink_to("/tmp/loop")


def a_file_as_parent(c):
    (c.root / "tmp/file").write_text("x")


def a_link_to_nowhere_as_parent(c):
    (c.root / "tmp/gone").symlink_to("/nowhere/at/all")


def a_stale_socket(c):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(c.root / "tmp/taken"))


def a_live_socket(c):
    """Of somebody who listens as long as the test runs."""
    c.holder = socket.socket(socket.AF_UNIX)
    c.holder.bind(str(c.root / "tmp/taken"))
    c.holder.listen()


def a_strangers_empty_file(c):
    (c.root / "tmp/taken").touch()
    os.chown(c.root / "tmp/taken", 4711, 4711)


def an_immutable_directory(c):
    (c.root / "tmp/immutable").mkdir()
    subprocess.run(["chattr", "+i", c.root / "tmp/immutable"], check=True)


def nothing(c):
    pass


# name: (preparation of the root, place that fails, what the reason says)
FAILURES = {
    "a file": (a_file, "/tmp/taken", "a file with contents is there already"),
    "a directory": (a_directory, "/tmp/taken", "a directory is there already"),
    "a dangling symlink": (a_dangling_link, "/tmp/taken", "a symlink is there already"),
    "a stale socket": (a_stale_socket, "/tmp/taken", "a socket is there already"),
    "a live socket": (a_live_socket, "/tmp/taken", "a socket is there already"),
    "a stranger's empty file": (a_strangers_empty_file, "/tmp/taken", "a file of another user is there already"),
    "an immutable directory": (an_immutable_directory, "/tmp/immutable/x.sock", "Operation not permitted"),
    "a loop of symlinks": (a_loop, "/tmp/loop/x.sock", "Too many levels of symbolic links"),
    "a file as parent": (a_file_as_parent, "/tmp/file/x.sock", "Not a directory"),
    "a symlink to nowhere as parent": (a_link_to_nowhere_as_parent, "/tmp/gone/x.sock", "a symlink that leads nowhere"),
    "a read-only mount": (nothing, "/tmp/readonly/x.sock", "is read-only there"),
    "a full tmpfs": (nothing, "/run/full/x.sock", "No space left on device"),
}


@pytest.fixture(autouse=True)
def readonly(bed):
    """A file system that is read-only by itself: crun makes bind mounts read-only after the hooks only."""
    directory = bed.home / "readonly"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", directory], check=True)
    yield directory
    for c in bed.containers:
        for engine in bed.engines.values():
            engine.stop(c)
    # A namespace of a container that has just ended may still hold it.
    assert host.wait_until(lambda: subprocess.run(["umount", directory], check=False).returncode == 0, 5)
    for c in bed.containers:
        if hasattr(c, "holder"):
            c.holder.close()
        if (c.root / "tmp/immutable").exists():
            subprocess.run(["chattr", "-i", c.root / "tmp/immutable"], check=True)


def prepare(bed, c, engine):
    """A read-only file system and a tmpfs without a free inode."""
    c.mounts.append((bed.home / "readonly", "/tmp/readonly", ["rbind"]))
    if engine.is_lxc:
        c.lxc_lines.append("lxc.mount.entry = tmpfs run/full tmpfs nr_inodes=1,create=dir 0 0")
    else:
        c.edit_oci = lambda config: config["mounts"].append(
            {"destination": "/run/full", "type": "tmpfs", "source": "tmpfs", "options": ["nr_inodes=1"]})


@pytest.mark.parametrize("failure", FAILURES)
def test_the_next_place_is_taken_and_the_reason_told(bed, engine, failure):
    prepare_root, place, reason = FAILURES[failure]
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[wish(place, GOOD)])
    prepare(bed, c, engine)
    prepare_root(c)
    pid = started(engine, c)
    assert get(pid, socket=GOOD)["role"] == "viewer"
    link = links_of(bed, c)[0]
    assert link["target"] == GOOD
    assert link["passed-over"][0]["place"] == place
    assert reason in link["passed-over"][0]["reason"]
    assert f"service modem-api is at {GOOD} because" in bed.log_text()


@pytest.mark.parametrize("failure", FAILURES)
def test_without_another_place_the_container_does_not_start(bed, engine, failure):
    prepare_root, place, reason = FAILURES[failure]
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[wish(place)])
    prepare(bed, c, engine)
    prepare_root(c)
    before = bed.snapshot()
    refused(bed, engine, c, reason)
    engine.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())


def test_a_tmpfs_of_a_container_with_ids_of_its_own_takes_the_socket(bed, engine):
    """Where a file of the host's root would be EOVERFLOW: it is made as the container's root."""
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[wish("/run/deep/x.sock")], idmap=True))
    assert get(pid, socket="/run/deep/x.sock")["role"] == "viewer"
    assert not links_of(bed, bed.containers[-1])[0]["passed-over"]


def test_names_that_are_too_long_never_come_so_far(bed, engine):
    serving(engine, modem(bed))
    refused(bed, engine, dialer(bed, wishes=[wish("/tmp/" + "x" * 256)]), "has a component longer than 255 bytes")
    refused(bed, engine, dialer(bed, name="two", wishes=[wish("@" + "x" * 108)]), "longer than the 107 bytes")


def test_a_path_that_is_too_long_for_sun_path_is_there_for_relative_names(bed, engine):
    serving(engine, modem(bed))
    long = "/tmp/" + "d" * 100 + "/" + "e" * 60
    c = dialer(bed, wishes=[wish(long)])
    pid = started(engine, c)
    assert "longer than 107 bytes: clients can reach it by a relative path only" in bed.log_text()
    there = beds.inside(pid, "sh", "-c", f"cd {long.rsplit('/', 1)[0]} && xc-test-client get {'e' * 60} /v1/status")
    assert '"role":"viewer"' in there.output, there


def test_when_every_place_fails_each_reason_is_told(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[wish("/tmp/readonly/x.sock", "/tmp/taken")])
    prepare(bed, c, engine)
    a_file(c)
    refused(bed, engine, c, "no place takes it: /tmp/readonly")
    assert "; /tmp/taken: a file with contents is there already" in bed.log_text()


def test_missing_parents_are_made_and_removed(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[wish("/tmp/a/b/c/x.sock")])
    assert get(started(engine, c), socket="/tmp/a/b/c/x.sock")["role"] == "viewer"
    engine.stop(c)
    assert host.wait_until(lambda: not (c.root / "tmp/a").exists(), 5)  # LXC's hook may be a moment behind its stop


def test_an_optional_service_without_any_place_is_left_out(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[], optional=[wish("/tmp/readonly/x.sock")])
    prepare(bed, c, engine)
    started(engine, c)
    assert "optional service modem-api is left out: /tmp/readonly" in bed.log_text()


def test_auto_is_where_a_stranger_would_look(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[{"name": "modem-api", "role": "viewer", "target": "auto"}])
    assert get(started(engine, c), socket="/run/pv/services/modem-api.sock")["role"] == "viewer"


def test_auto_goes_on_to_the_common_directories(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[{"name": "modem-api", "role": "viewer"}], tmpfs=[])
    c.mounts.append((bed.home / "readonly", "/run", ["rbind"]))
    pid = started(engine, c)
    assert get(pid, socket="/tmp/modem-api.sock")["role"] == "viewer"
    assert [one["place"] for one in links_of(bed, c)[0]["passed-over"]] == [
        "/run/pv/services/modem-api.sock", "/run/modem-api.sock"]


# --- directories of somebody else -------------------------------------------------------------------------------------
def with_a_directory_of_the_host(bed, mode, *targets, idmap=True, **more):
    """A volume that belongs to the host's root, whom the container's user namespace does not know."""
    volume = bed.home / "closed"
    (volume / "inner").mkdir(parents=True)
    (volume / "inner").chmod(0o755)
    volume.chmod(mode)
    c = dialer(bed, wishes=[wish(*targets)], idmap=idmap, **more)
    c.mounts.append((volume, "/tmp/closed", ["rbind"]))
    return c


NOBODY = "nobody in the container can pass /tmp/closed, a directory of user 0 and group 0 with mode 0700"
SHUT = "/tmp/closed/inner/x.sock"


def test_where_nobody_inside_can_get_to_the_next_place_is_taken(bed, engine):
    serving(engine, modem(bed))
    c = with_a_directory_of_the_host(bed, 0o700, SHUT, GOOD)
    pid = started(engine, c)
    assert get(pid, socket=GOOD)["role"] == "viewer"
    link = links_of(bed, c)[0]
    assert link["target"] == GOOD and link["passed-over"][0]["place"] == SHUT, link
    assert NOBODY in link["passed-over"][0]["reason"], link
    assert f"service modem-api is at {GOOD} because: {SHUT}: {NOBODY}" in bed.log_text()
    doctor = subprocess.run([beds.INJECT, "doctor", c.name, "--state", bed.state, "--config", bed.config, "--all"],
                            capture_output=True, text=True, check=False).stdout
    assert f"{SHUT} was not taken: {SHUT}: {NOBODY}" in " ".join(doctor.split()), doctor
    assert [one.name for one in (bed.home / "closed").rglob("*")] == ["inner"]


def test_where_nobody_inside_can_get_to_alone_is_refused(bed, engine):
    serving(engine, modem(bed))
    c = with_a_directory_of_the_host(bed, 0o700, "/tmp/closed/deep/x.sock")
    before = bed.snapshot()
    refused(bed, engine, c, f"/tmp/closed/deep/x.sock: {NOBODY}")
    engine.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())
    assert not (bed.home / "closed/deep").exists()


@pytest.mark.parametrize("mode", [0o701, 0o711])
def test_where_others_may_search_the_socket_is_reached(bed, engine, mode):
    serving(engine, modem(bed))
    pid = started(engine, with_a_directory_of_the_host(bed, mode, SHUT))
    seen = beds.inside(pid, "xc-test-client", "get", SHUT, "/v1/status", user=True)
    assert '"role":"viewer"' in seen.output, seen


def test_without_a_user_namespace_root_passes_everywhere(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, with_a_directory_of_the_host(bed, 0o700, SHUT, idmap=False))
    assert get(pid, socket=SHUT)["role"] == "viewer"


# --- abstract names --------------------------------------------------------------------------------------------------
NAME = "@modem-in-here"


def net_of(pid, *argv):
    """Runs a program of the host in the container's network namespace only."""
    return subprocess.run(["nsenter", "-t", str(pid), "-n", *map(str, argv)], capture_output=True, text=True, timeout=60,
                          check=False)


TOOL = beds.BUILD / "tests/xc-test-client"


def test_an_abstract_name_is_there_from_the_first_instruction(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, ["xc-test-client", "get", NAME, "/v1/status"], wishes=[wish(NAME)])
    outcome = engine.run(c)
    assert '"role":"viewer"' in outcome.output, outcome


def test_abs_02_nobody_outside_reaches_an_abstract_name(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[wish(NAME)]))
    other = started(engine, bed.container("other"))
    assert get(pid, socket=NAME)["role"] == "viewer"
    assert subprocess.run([TOOL, "try", NAME], capture_output=True, text=True, check=False).stdout == "ECONNREFUSED\n"
    assert client(other, "try", NAME).strip() == "ECONNREFUSED"
    # A process of the host that entered the network namespace is still not of the container.
    intruder = net_of(pid, TOOL, "get", NAME, "/v1/status")
    assert "200" not in intruder.stdout and intruder.returncode != 0, intruder
    told = lambda: "connected" in json.dumps(links_of(bed, bed.containers[1]))
    assert host.wait_until(lambda: "does not live in the container" in bed.log_text() or told(), 5), bed.log_text()
    assert get(pid, socket=NAME)["role"] == "viewer"


def test_an_abstract_name_serves_any_uid_and_any_root_of_the_container(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[wish(NAME)])
    jail = c.root / "jail"
    (jail / "bin").mkdir(parents=True)
    (jail / "bin/xc-test-client").write_bytes((c.root / "bin/xc-test-client").read_bytes())
    (jail / "bin/xc-test-client").chmod(0o755)
    pid = started(engine, c)
    jailed = ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-r/proc/%d/root/jail" % pid, "-S", "65534", "-G",
              "65534", "/bin/xc-test-client", "get", NAME, "/v1/status"]
    done = subprocess.run(jailed, capture_output=True, text=True, timeout=60, check=False)
    assert '"role":"viewer"' in done.stdout, done


def test_an_abstract_name_in_a_user_namespace(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[wish(NAME)], idmap=True))
    assert get(pid, socket=NAME)["role"] == "viewer"


def test_a_padded_name_is_another_name(bed, runc):
    serving(runc, modem(bed))
    pid = started(runc, dialer(bed, wishes=[wish(NAME, padded=True)]))
    names = [line.split()[-1] for line in net_of(pid, "cat", "/proc/net/unix").stdout.splitlines() if NAME in line]
    assert names == [NAME + "@" * (108 - len(NAME))], names  # the kernel shows a zero byte as @
    assert client(pid, "try", NAME).strip() == "ECONNREFUSED"


def share_network(config):
    config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "network"]


def test_abs_05_an_abstract_name_with_host_network_is_refused(bed, oci):
    serving(oci, modem(bed))
    refused(bed, oci, dialer(bed, wishes=[wish(NAME)], edit_oci=share_network), "abstract endpoint with host network")


def test_an_abstract_name_with_host_network_on_purpose_serves_the_container_alone(bed, oci):
    serving(oci, modem(bed))
    shared = wish(NAME, **{"shared-netns": True})
    pid = started(oci, dialer(bed, wishes=[shared], edit_oci=share_network))
    assert get(pid, socket=NAME)["role"] == "viewer"
    stranger = subprocess.run([TOOL, "get", NAME, "/v1/status"], capture_output=True, text=True, timeout=60, check=False)
    assert stranger.returncode != 0 and "provider" not in stranger.stdout, stranger
    # The name is taken now: a second container cannot have it, and says so before it starts.
    second = dialer(bed, name="second", wishes=[shared], edit_oci=share_network)
    refused(bed, oci, second, f"{NAME}: bind: Address already in use")


def test_a_taken_name_leads_to_the_next_place(bed, oci):
    serving(oci, modem(bed))
    shared = {"shared-netns": True}
    started(oci, dialer(bed, wishes=[wish(NAME, **shared)], edit_oci=share_network))
    second = dialer(bed, name="second", wishes=[wish(NAME, GOOD, **shared)], edit_oci=share_network)
    assert get(started(oci, second), socket=GOOD)["role"] == "viewer"


def test_nothing_of_an_abstract_link_is_left(bed, engine):
    serving(engine, modem(bed))
    before = bed.snapshot()
    c = dialer(bed, wishes=[wish(NAME)])
    started(engine, c)
    assert not list((bed.state / "c").glob(f"{c.name}.*/*.sock"))
    engine.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())
