"""podman as an ordinary user, with our hooks in that user's namespace: what is possible works by the same words, and what
is not is refused with a sentence."""

import json
import os
import socket
import subprocess

import pytest

import bed as beds
import engines
import host
import house
import podman
import rootless
from jobs import API, RAW, RAW_OFFER, RAW_WISH, REST_WISH, client, dialer, get, has, modem, refused, serving, started

LOOP_OFFER = {"name": "loop", "type": "char", "socket": "/dev/loop-control"}
LOOP_WISH = {"name": "loop", "type": "char", "target": "/dev/loop-control"}


@pytest.fixture(scope="module")
def room():
    one = rootless.Room()
    yield one
    one.leave()


@pytest.fixture(params=["crun", "runc"])
def both(request, room, bed):
    yield from engine_in(room, bed, request.param)


@pytest.fixture
def engine(room, bed):
    """For cases where one runtime is as good as the other."""
    yield from engine_in(room, bed, "crun")


def engine_in(room, bed, runtime):
    one = rootless.Podman(room, runtime)
    bed.engines = {one.name: one}
    yield one
    one.prefix = room.as_user
    bed.stop_all(one)
    entries = rootless.STATE / "c"
    assert host.wait_until(lambda: not entries.exists() or not list(entries.iterdir()), 3), "left behind"


def as_user(room, *argv):
    return engines.call([*room.as_user, *map(str, argv)])


# --- sockets ----------------------------------------------------------------------------------------------------------
@pytest.mark.since(runc="1.1")  # an older one makes no group where the user may
def test_the_main_job(bed, both):
    serving(both, modem(bed))
    c = dialer(bed)
    pid = started(both, c)
    assert get(pid)["role"] == "viewer" and get(pid)["client"] == both.id(c)
    assert "descriptor: seen" in client(pid, "pass", RAW, "seen")


@pytest.mark.parametrize("shape", [{"readonly": True}, {"podman_words": ["--userns=keep-id"]},
                                   pytest.param({"podman_words": ["--uidmap=0:1000:5000", "--gidmap=0:1000:5000"]},
                                                marks=pytest.mark.since(podman="4.0"))],
                         ids=["readonly", "keep-id", "nested"])
def test_shapes_of_containers(bed, engine, shape):
    serving(engine, modem(bed))
    c = dialer(bed, **shape)
    prepare = engine.prepare

    def prepare_nested(one):
        prepare(one)
        if "--uidmap=0:1000:5000" in one.podman_words:  # a namespace inside the user's, whose 1000 is its root
            beds.give_to(one.root, rootless.FIRST + 1000 - 1)

    engine.prepare = prepare_nested
    pid = started(engine, c)
    assert get(pid)["role"] == "viewer"


def test_a_name_in_the_containers_own_network(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[{**REST_WISH, "target": "@modem"}])
    pid = started(engine, c)
    assert '"viewer"' in engine.execute(c, "xc-test-client", "get", "@modem", "/v1/status").output
    assert beds.inside(pid, "xc-test-client", "get", "@modem", "/v1/status").code != 0  # one whom the user cannot see


def test_a_service_of_the_users_machine(bed, engine):
    """One socket that the user may use, and one that only root may: a link gives nobody more than its user has."""
    for name, mode in (("open", 0o666), ("closed", 0o600)):
        path = rootless.NODES / f"{bed.mark}-{name}"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            path.chmod(mode)
            listener.listen()
            listener.settimeout(60 if name == "open" else 2)
            bed.host_services("one.json", beds.services({"name": name, "type": "unix", "socket": str(path)}))
            pid = started(engine, bed.container(name, run=beds.requires({"name": name, "target": "/run/s.sock"})))
            with beds.in_background(pid, "xc-test-client", "echo", "/run/s.sock", "x"):
                if name == "open":
                    listener.accept()[0].close()
                else:
                    with pytest.raises(socket.timeout):
                        listener.accept()
        path.unlink()


def test_the_providers_own_socket_directly(bed, engine):
    offer = {**RAW_OFFER, "via": "direct", "roles": {"any": {"unix": {"fds": 253}}}}
    serving(engine, modem(bed, offers=(offer,)))
    c = dialer(bed, wishes=[RAW_WISH])
    pid = started(engine, c)
    assert "descriptor: seen" in client(pid, "pass", RAW, "seen")
    assert '"state":"direct"' in status(engine.room).replace(" ", "")


def status(room):
    return as_user(room, beds.INJECT, "status", "--json").output


def test_a_role_that_is_a_user_of_the_machine_is_refused(bed, engine, room):
    """It is nobody among the user's ids; a client gets nothing, and the status says why."""
    offer = {**RAW_OFFER, "identity": "credentials", "roles": {"viewer": {"uid": 900000, "unix": {"fds": 1}}}}
    serving(engine, modem(bed, offers=(offer,)))
    c = dialer(bed, wishes=[{**RAW_WISH, "role": "viewer"}])
    pid = started(engine, c)
    assert "x" not in client(pid, "echo", RAW, "x")
    assert host.wait_until(lambda: "user 900000 is not among the ids" in status(room)), status(room)


def test_what_hooks_print_says_is_enough(bed, engine, room):
    """Installed by root where podman looks, for every user; the annotation is all that is typed."""
    directory = "/usr/share/containers/oci/hooks.d"
    said = subprocess.run([beds.INJECT, "hooks", "print", "podman", "--hook", beds.HOOK], capture_output=True, text=True,
                          check=True).stdout
    place = house.WORK / f"{bed.mark}-hooks"
    place.mkdir()
    for part in said.split("# ")[1:]:
        (place / os.path.basename(part.split("\n", 1)[0])).write_text(part.split("\n", 1)[1])
    serving(engine, modem(bed))
    c = bed.container("typed", hook=[])
    engine.prepare(c)
    mounted = engines.call([*room.enter, "sh", "-ec", f"mkdir -p {directory}; mount --bind {place} {directory}"])
    assert mounted.code == 0, mounted
    try:
        outcome = engine._call("run", "--rm", "--annotation", "io.xconnect.require.modem-api=auto;role=viewer", "--rootfs",
                               c.root, "/bin/xc-test-client", "get", "/run/pv/services/modem-api.sock", "/v1/status")
        assert '"role":"viewer"' in outcome.output, outcome
    finally:
        engines.call([*room.enter, "umount", directory])


def test_state_and_status_are_the_users_own(bed, engine, room):
    serving(engine, modem(bed))
    c = dialer(bed)
    pid = started(engine, c)
    get(pid)
    info = rootless.STATE.stat()
    assert (info.st_uid, info.st_mode & 0o777) == (rootless.UID, 0o700)
    links = {link["service"]: link for one in json.loads(status(room)) for link in one.get("links", [])}
    assert links["modem-api"]["role"] == "viewer"


def test_what_is_left_of_the_sandbox(bed, engine):
    """The monitor is the user and nobody on the machine; its workers are the last of the user's subordinate ids."""
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed))
    get(pid)
    monitors = [host.status_of(one) for one in host.named("xc-shim")]
    assert monitors and all(one["Uid"].split() == [str(rootless.UID)] * 4 for one in monitors)
    (worker,) = host.named("xc-worker")
    status = host.status_of(worker)
    last = rootless.FIRST + rootless.COUNT - 1
    assert status["Uid"].split() == [str(last)] * 4, status["Uid"]
    assert (status["CapEff"].strip("0\n"), status["CapBnd"].strip("0\n"), status["Seccomp"].strip()) == ("", "", "2")
    for kind in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"):
        assert os.readlink(f"/proc/{worker}/ns/{kind}") != os.readlink(f"/proc/{host.named('xc-shim')[0]}/ns/{kind}")


def test_variables_are_set_before_it_starts(bed, engine):
    engine.precreate = True
    bed.host_services("display.json", beds.services({"name": "display", "type": "wayland", "socket": "/run/no-display"}))
    c = bed.container("typed", ["env"], annotations={"io.xconnect.require.display": "auto"})
    outcome = engine.run(c)
    assert "WAYLAND_DISPLAY=/run/wayland-0\n" in outcome.output, outcome


def test_a_required_service_that_cannot_be_planted_stops_the_container(bed, engine):
    refused(bed, engine, bed.container("typed", annotations={"io.xconnect.require.modem-api": "/etc/passwd;role=x"}),
            "/etc/passwd")


def test_policy_of_the_machine_binds_the_user_who_names_none(bed, engine, room):
    """Its files belong to a root whom the user's namespace does not show."""
    etc = "/etc/xconnect"
    text = json.dumps({"#spec": "xconnect-policy@1", "allow": []})
    made = engines.call([*room.enter, "sh", "-ec", f"mkdir -p /etc/xconnect; mount -t tmpfs -o mode=755 tmpfs {etc}; mkdir "
                                                   f"{etc}/policy.d; echo '{text}' >{etc}/policy.d/none.json"])
    assert made.code == 0, made
    try:
        c = dialer(bed)
        at = c.hook.index("--config")
        c.hook = c.hook[:at] + c.hook[at + 2:]
        refused(bed, engine, c, "no policy entry allows")
    finally:
        engines.call([*room.enter, "umount", etc])


def test_another_users_policy_is_nobodys_word(bed, engine):
    bed.policy("mine.json", {"#spec": "xconnect-policy@1", "allow": []})
    c = dialer(bed)
    engine.prepare(c)
    engine.prepare = lambda _: None
    os.chown(bed.config / "policy.d/mine.json", 1234, 1234)
    refused(bed, engine, c, "it must belong to root")


def test_called_by_the_user_without_a_namespace_it_says_what_to_do(bed, room):
    done = engines.call([*room.as_user, str(beds.HOOK), "createRuntime"])
    assert done.code == 64 and f"called as user {rootless.UID}" in done.output and "podman unshare" in done.output


# --- devices ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def loop():
    """Who may open the machine's loop-control; root alone at first."""
    def give(uid, gid, mode):
        os.chown(rootless.LOOP, uid, gid)
        os.chmod(rootless.LOOP, mode)

    yield give
    give(0, 0, 0o600)


def wanting_loop(bed, **options):
    bed.host_services("devices.json", beds.services(LOOP_OFFER))
    return bed.container("user", run=beds.requires(LOOP_WISH), **options)


def opened(engine, c):
    return engine.execute(c, "/bin/sh", "-c", "(: <>/dev/loop-control) 2>&1 && echo open").output.strip()


@pytest.mark.since(runc="1.1")
@pytest.mark.parametrize("given", [(0, 0, 0o666), (rootless.UID, 0, 0o600)], ids=["everybodys", "the-users"])
def test_a_node_that_the_user_may_open_is_there_and_opens(bed, both, loop, given):
    loop(*given)
    c = wanting_loop(bed)
    started(both, c)
    assert opened(both, c) == "open"
    assert engine_says(both, c, "/bin/stat", "-c", "%t:%T", "/dev/loop-control") == "a:ed"


def engine_says(engine, c, *argv):
    return engine.execute(c, *argv).output.strip()


@pytest.mark.parametrize("shape", [{"readonly": True, "tmpfs": ["/run", "/dev/xconnect:mode=755"]}, {}], ids=["readonly", "plain"])
def test_a_read_only_root_and_a_tmpfs_without_devices_are_no_obstacle(bed, engine, loop, shape):
    loop(0, 0, 0o666)
    bed.host_services("devices.json", beds.services(LOOP_OFFER))
    c = bed.container("user", run=beds.requires({**LOOP_WISH, "target": "/dev/xconnect/loop"}), **shape)
    (c.root / "dev/xconnect").mkdir()
    started(engine, c)
    assert engine_says(engine, c, "/bin/sh", "-c", "(: <>/dev/xconnect/loop) && echo open") == "open"


@pytest.mark.since(runc="1.1")
def test_a_node_that_the_user_may_not_open_is_refused(bed, both, loop):
    refused(bed, both, wanting_loop(bed), "/dev/loop-control: the user may not open it, and only root can make another")


def test_an_optional_node_that_the_user_may_not_open_is_left_out(bed, engine, loop):
    bed.host_services("devices.json", beds.services(LOOP_OFFER))
    c = bed.container("user", run=beds.requires(optional=[LOOP_WISH]))
    pid = started(engine, c)
    assert not has(pid, "/dev/loop-control") and "optional service loop is left out" in bed.log_text()


@pytest.mark.since(podman="4.0")
def test_a_group_opens_where_the_container_keeps_it(bed, engine, room, loop):
    loop(0, 7777, 0o660)
    engine.prefix = [word if word != "--clear-groups" else "--groups=7777" for word in room.as_user]
    refused(bed, engine, wanting_loop(bed), "as member of a group only")
    c = bed.container("keeps", run=beds.requires(LOOP_WISH), podman_words=["--group-add", "keep-groups"])
    outcome = engine.start(c)
    assert outcome.code == 0, bed.log_text()
    assert opened(engine, c) == "open"


def test_owner_and_mode_cannot_be_given_without_root(bed, engine, loop):
    loop(0, 0, 0o666)
    bed.policy("p.json", {"allow": [{"consumer": "*", "service": "loop", "roles": {"any": {"device": {"mode": "0600"}}}}]})
    refused(bed, engine, wanting_loop(bed), "without root its node is the host's as it is")


def test_the_plan_says_whose_node_it_will_be(bed, room, loop):
    bed.host_services("devices.json", beds.services(LOOP_OFFER))
    c = bed.container("user", run=beds.requires(LOOP_WISH))
    (c.home / "config.json").write_text(json.dumps({"root": {"path": "rootfs"}}))
    beds.give_to(bed.home, rootless.UID)
    done = as_user(room, beds.INJECT, "plan", "--config", bed.config, c.home)
    assert "the host's own node, as it is" in done.output and "lend the host's node for" in done.output, done
    assert "allow" not in done.output


def test_lxc_of_the_user_is_refused_with_a_sentence(bed, room):
    """Its hooks are called outside of the container's namespace, by a user without any right over it."""
    one = engines.Lxc("lxc-user", 1, room.as_user)
    bed.engines = {one.name: one}
    lines = [f"lxc.idmap = {kind} 0 {rootless.FIRST} {rootless.COUNT}" for kind in "ug"]
    c = dialer(bed, lxc_lines=[*lines, "lxc.apparmor.profile = unconfined"])
    beds.give_to(bed.home, rootless.FIRST)
    for path in (bed.home, bed.log, *bed.home.rglob("*")):
        if c.root not in path.parents:
            os.chown(path, rootless.UID, rootless.UID)
    outcome = one.start(c)
    log = c.home / "lxc.log"
    said = lambda: (log.read_text() if log.exists() else "") + bed.log_text()
    assert outcome.code != 0, outcome.output
    assert host.wait_until(lambda: f"called as user {rootless.UID}" in said()), outcome.output + said()
