"""podman's pods, with their first container ("infra") and the network that all members share, and the shapes of user
namespaces that podman chooses by itself."""

import re
from pathlib import Path

import pytest

import bed as beds
import host
import house
import podman
from jobs import API, RAW_OFFER, REST_WISH, client, dialer, get, has, modem, refused, serving, started

NAME_WISH = {"name": "modem-raw", "target": "@raw"}


@pytest.fixture(params=podman.RUNTIMES)
def engine(request, room, bed):
    one = podman.serving_bed(bed, room, request.param, precreate=True)
    one.when = {"always": True}  # every container, the pod's first one too
    return one


@pytest.fixture
def pod(bed, engine):
    """A function that makes a pod; its members end with it."""
    made = []

    def make(*words):
        made.append(f"{bed.mark}-pod{len(made)}")
        engine.make_pod(made[-1], *words)
        return made[-1]

    yield make
    for name in made:
        engine.remove_pod(name)


def member(bed, pod, name="dialer", wishes=(REST_WISH,), **more):
    return dialer(bed, name=name, wishes=wishes, podman_words=["--pod", pod], **more)


def net_of(pid):
    return Path(f"/proc/{pid}/ns/net").readlink()


def recorded(bed):
    return [entry.name for entry in (bed.state / "c").iterdir()]


@pytest.mark.parametrize("shared", [[], ["--share", "pid,net,ipc,uts"]], ids=["", "pids shared"])
def test_each_member_has_its_own_links_and_the_first_container_none(bed, engine, pod, shared):
    serving(engine, modem(bed))
    name = pod(*shared)
    first = started(engine, member(bed, name))
    second = started(engine, member(bed, name, "other", wishes=[{**REST_WISH, "target": "/run/svc/own.sock"}]))
    plain = started(engine, bed.container("plain", podman_words=["--pod", name]))
    assert net_of(first) == net_of(second) == net_of(plain)
    ids = [get(first)["client"], get(second, socket="/run/svc/own.sock")["client"]]
    assert ids == [engine.id(c) for c in bed.containers[1:3]]
    assert not has(second, API) and not has(plain, "/run/svc")
    assert len(recorded(bed)) == 3, "the provider and two members"


def test_members_serve_each_other_and_others(bed, engine, pod):
    name = pod()
    serving(engine, modem(bed, podman_words=["--pod", name]))
    assert get(started(engine, member(bed, name)))["role"] == "viewer"
    assert get(started(engine, dialer(bed, name="outside", wishes=[REST_WISH])))["role"] == "viewer"


def test_a_pod_that_restarts_has_its_links_again(bed, engine, pod):
    serving(engine, modem(bed))
    name = pod()
    c = member(bed, name)
    c.podman_words += ["--stop-timeout", "0"]
    started(engine, c)
    outcome = engine._call("--hooks-dir", c.home / "hooks.d", "pod", "restart", name)
    assert outcome.code == 0, outcome
    assert get(engine.pid(c))["role"] == "viewer"


@pytest.mark.parametrize("target, words", [("@raw", 'abstract endpoint with shared network: "@raw"'),
                                           ("tcp:127.0.0.1:81", 'port with shared network: "tcp:127.0.0.1:81"')])
def test_a_name_or_port_that_other_members_would_see_is_refused(bed, engine, pod, target, words):
    serving(engine, modem(bed, offers=[{"name": "modem-raw", "type": "unix", "socket": "/run/modem/raw.sock"}]))
    refused(bed, engine, member(bed, pod(), wishes=[{"name": "modem-raw", "target": target}]), words)
    c = member(bed, pod(), "elsewhere", wishes=[{"name": "modem-raw", "target": [target, "/run/svc/raw.sock"]}])
    assert "hello" in client(started(engine, c), "echo", "/run/svc/raw.sock", "hello")


@pytest.mark.parametrize("shared", [[], ["--share", "pid,net,ipc,uts"]], ids=["", "pids shared"])
def test_a_name_that_is_meant_for_the_pods_network_serves_its_own_container_alone(bed, engine, pod, shared):
    serving(engine, modem(bed, offers=[RAW_OFFER]))
    name = pod(*shared)
    meant = {**NAME_WISH, "shared-netns": True}
    asking, neighbour = member(bed, name, wishes=[meant]), bed.container("plain", podman_words=["--pod", name])
    for c in (asking, neighbour):
        started(engine, c)
    said = [engine.execute(c, "/bin/xc-test-client", "echo", "@raw", "hello").output for c in (asking, neighbour)]
    assert "hello" in said[0] and "hello" not in said[1], said
    assert host.wait_until(lambda: "does not live in the container" in bed.log_text(), 5), bed.log_text()
    refused(bed, engine, member(bed, name, "late", wishes=[meant]), "@raw")


def test_a_container_that_joins_anothers_network_is_in_a_shared_one(bed, engine):
    serving(engine, modem(bed, offers=[RAW_OFFER]))
    first = bed.container("first")
    started(engine, first)
    second = dialer(bed, wishes=[NAME_WISH], podman_words=["--network", f"container:{first.name}"])
    refused(bed, engine, second, "abstract endpoint with shared network")
    engine.stop(second)  # podman does not remove the first before it


@pytest.mark.parametrize("words", [["--userns=auto"], ["--userns=auto:size=2000"], ["--userns=auto", "--read-only"]],
                         ids=lambda words: " ".join(words))
def test_a_user_namespace_that_podman_chooses(bed, engine, words):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[REST_WISH], podman_words=words)
    engine.make_image(c)
    pid = started(engine, c)
    assert re.split(" +", Path(f"/proc/{pid}/uid_map").read_text().strip())[:2] == ["0", str(house.AUTO)]
    assert '"role":"viewer"' in beds.inside(pid, "xc-test-client", "get", API, "/v1/status", user=True).output


@pytest.mark.since(podman="4.0")
def test_a_pod_in_a_user_namespace(bed, engine, pod):
    serving(engine, modem(bed))
    name = pod("--userns=auto")
    members = [member(bed, name, word) for word in ("one", "two")]
    for c in members:
        engine.make_image(c)
    first, second = (started(engine, c) for c in members)
    assert Path(f"/proc/{first}/ns/user").readlink() == Path(f"/proc/{second}/ns/user").readlink() != \
        Path("/proc/self/ns/user").readlink()
    for pid in (first, second):
        assert '"role":"viewer"' in beds.inside(pid, "xc-test-client", "get", API, "/v1/status", user=True).output
