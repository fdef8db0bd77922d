"""What podman alone lets us set: variables of the container's first process (precreate), devices by name (CDI)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import bed as beds
import host
import podman
from jobs import get, has, modem, refused, serving, started

PRECREATE = podman.PRECREATE
ID = "0123456789abcdef" * 4


@pytest.fixture(params=podman.RUNTIMES)
def engine(request, room, bed):
    return podman.serving_bed(bed, room, request.param, precreate=True)


def bus(bed, name="system-bus"):
    bed.host_services("bus.json", beds.services({"name": name, "type": "dbus", "socket": "/run/nobody-is-there"}))


def display(bed):
    bed.host_services("display.json", beds.services({"name": "display", "type": "wayland", "socket": "/run/no-display"}))


def printed(engine, c):
    """The environment that the container's program sees."""
    outcome = engine.run(c)
    assert outcome.code == 0, outcome
    return dict(line.split("=", 1) for line in outcome.output.splitlines() if "=" in line)


def environment_of(pid):
    """That of the engine's own program, until it has become the container's."""
    return Path(f"/proc/{pid}/environ").read_text().split("\0")


# --- podman -----------------------------------------------------------------------------------------------------------
def test_an_annotation_is_all_a_user_types(bed, engine):
    bus(bed)
    c = bed.container("typed", ["env"], annotations={"io.xconnect.require.system-bus": "auto"})
    assert printed(engine, c)["DBUS_SYSTEM_BUS_ADDRESS"] == "unix:path=/run/dbus/system_bus_socket"


def test_the_variable_names_the_place_that_is_there(bed, engine):
    display(bed)
    c = bed.container("typed", annotations={"io.xconnect.require.display": "/tmp/here/wl"})
    pid = started(engine, c)
    assert has(pid, "/tmp/here/wl", "-S")
    assert host.wait_until(lambda: "WAYLAND_DISPLAY=/tmp/here/wl" in environment_of(pid)), environment_of(pid)


def test_a_variable_of_the_image_gives_way(bed, engine):
    """Which of two counts is the engine's affair: the program must see ours alone."""
    display(bed)
    c = bed.container("typed", ["env"], env=["WAYLAND_DISPLAY=wayland-7"],
                      annotations={"io.xconnect.require.display": "auto"})
    outcome = engine.run(c)
    assert [line for line in outcome.output.splitlines() if line.startswith("WAYLAND_DISPLAY")] == [
        "WAYLAND_DISPLAY=/run/wayland-0"], outcome


def test_a_manifest_names_variables_of_its_own(bed, engine):
    serving(engine, modem(bed))
    wanted = {"name": "modem-api", "role": "viewer", "target": "/run/api.sock",
              "env": {"MODEM_URL": "http+unix://{target}/v1", "MODE": "quiet"}}
    variables = printed(engine, bed.container("typed", ["env"], run=beds.requires(wanted)))
    assert (variables["MODEM_URL"], variables["MODE"]) == ("http+unix:///run/api.sock/v1", "quiet")


@pytest.mark.parametrize("shape", [{"readonly": True}, {"idmap": True}])
def test_shapes_of_containers(bed, engine, shape):
    display(bed)
    c = bed.container("typed", annotations={"io.xconnect.require.display": "auto"}, **shape)
    pid = started(engine, c)
    assert has(pid, "/run/wayland-0", "-S")


def test_policy_asks_for_the_containers_id_before_it_exists(bed, engine):
    display(bed)
    bed.policy("p.json", {"#spec": "xconnect-policy@1", "allow": [
        {"consumer": "somebody", "service": "display", "roles": ["any"]}]})
    c = bed.container("typed", annotations={"io.xconnect.require.display": "auto"})
    refused(bed, engine, c, "no policy entry allows")


def test_a_variable_names_the_place_or_there_is_no_container(bed, engine):
    """The first place does not take it. Another one would, but the program looks where its variable says."""
    display(bed)
    wanted = {"name": "display", "target": ["/tmp/taken", "/run/wl"]}
    c = bed.container("typed", run=beds.requires(wanted))
    (c.root / "tmp/taken").write_text("somebody's")
    refused(bed, engine, c, "/tmp/taken: a file with contents is there already")
    assert "/run/wl" not in bed.log_text()


def test_without_a_variable_the_next_place_is_taken(bed, engine):
    serving(engine, modem(bed))
    wanted = {"name": "modem-api", "role": "viewer", "target": ["/tmp/taken", "/run/api.sock"]}
    c = bed.container("typed", run=beds.requires(wanted))
    (c.root / "tmp/taken").write_text("somebody's")
    assert get(started(engine, c), socket="/run/api.sock")["role"] == "viewer"


@pytest.mark.since(podman="3.1", crun="0.19", runc="1.1")  # podman 3.0 drops listenerPath from what precreate says
def test_a_redirected_connect(bed, engine):
    """podman has a filter of its own, which stays; crun looks for its listener before the container exists."""
    serving(engine, modem(bed))
    wanted = {"name": "modem-api", "role": "viewer", "target": "connect:/magic/api.sock",
              "env": {"MODEM": "http+unix://{target}"}}
    script = "echo $MODEM; xc-test-client get /magic/api.sock /v1/status; xc-test-client try /nowhere"
    c = bed.container("typed", ["sh", "-c", script], run=beds.requires(wanted), readonly=True)
    outcome = engine.run(c)
    assert "http+unix:///magic/api.sock" in outcome.output, outcome.output + bed.log_text()
    assert '"role":"viewer"' in outcome.output and "ENOENT" in outcome.output, outcome.output


def test_a_port_has_a_token_in_a_variable(bed, engine):
    serving(engine, modem(bed))
    wanted = {"name": "modem-api", "role": "viewer", "target": "tcp:127.0.0.1:8080"}
    c = bed.container("typed", ["env"], run=beds.requires(wanted))
    token = printed(engine, c)["XC_MODEM_API_TOKEN"]
    assert len(token) == 32 and token != printed(engine, bed.container("other", ["env"], run=beds.requires(wanted)))[
        "XC_MODEM_API_TOKEN"]


# --- CDI --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def cdi(bed, room):
    """The file that xc-inject cdi writes, at the place where podman looks."""
    modem_offer = {"name": "host-api", "type": "rest", "socket": "/run/nobody", "roles": {"viewer": {"rest": "all"}}}
    bed.host_services("two.json", beds.services(modem_offer, {"name": "display", "type": "wayland", "socket": "/run/no"}))
    wrapper = bed.home / "xc-hook"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(bed.hook())} "$@"\n')
    wrapper.chmod(0o755)
    done = subprocess.run([beds.INJECT, "cdi", "--config", bed.config, "--hook", wrapper], capture_output=True, text=True,
                          check=True)
    file = Path("/var/run/cdi/xconnect.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(done.stdout)
    yield json.loads(done.stdout)
    file.unlink()


@pytest.mark.since(podman="4.0")
def test_a_service_is_a_device_of_podman(bed, engine, cdi):
    c = bed.container("typed", hook=[], podman_words=["--device", "xconnect/service=display"])
    pid = started(engine, c)
    assert has(pid, "/run/xconnect/display.sock", "-S")
    assert host.wait_until(lambda: "WAYLAND_DISPLAY=/run/xconnect/display.sock" in environment_of(pid)), environment_of(pid)


@pytest.mark.since(podman="4.0")
def test_several_devices_are_several_services(bed, engine, cdi):
    words = ["--device", "xconnect/service=display", "--device", "xconnect/service=host-api:viewer"]
    pid = started(engine, bed.container("typed", hook=[], podman_words=words))
    assert has(pid, "/run/xconnect/display.sock", "-S")
    links = json.loads(subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state], capture_output=True,
                                      text=True, check=True).stdout)[0]["links"]
    assert sorted((link["service"], link["role"]) for link in links) == [("display", "any"), ("host-api", "viewer")]


def test_the_file_says_a_version_that_debians_podman_reads(cdi):
    assert (cdi["cdiVersion"], cdi["kind"]) == ("0.5.0", "xconnect/service")
    assert sorted(one["name"] for one in cdi["devices"]) == ["display", "host-api", "host-api:viewer"]


# --- by itself --------------------------------------------------------------------------------------------------------
def filtered(bed, config, *options):
    text = config if isinstance(config, str) else json.dumps(config)
    return subprocess.run([PRECREATE, "--state", bed.state, "--config", bed.config, *options], input=text,
                          capture_output=True, text=True, timeout=60, check=False)


def proposal(**more):
    return {"ociVersion": "1.0.2", "process": {"args": ["x"], "env": ["A=1"], "user": {"uid": 0}}, "root": {"path": "r"},
            "annotations": {"io.xconnect.require.display": "auto"}, "hooks": {"precreate": []},
            "linux": {"cgroupsPath": f"/libpod_parent/libpod-{ID}", "resources": {"memory": {"limit": 9223372036854771712}},
                      "maskedPaths": None, "odd": 1.50e2}, **more}


def test_everything_else_of_the_document_stays_as_it_was(bed):
    display(bed)
    text = json.dumps(proposal(), indent=3).replace("150.0", "1.50e2")
    done = filtered(bed, text)
    assert done.returncode == 0, done
    for added in (',"WAYLAND_DISPLAY=/run/wayland-0"', '"io.xconnect.place.0":"display any /run/wayland-0",'):
        assert added in done.stdout
        done.stdout = done.stdout.replace(added, "")
    assert done.stdout == text


def test_the_engine_of_an_ordinary_user_is_told_where_the_hook_will_be(bed):
    """In the user's namespace, as podman calls it: the state is the user's own, and so is the place to meet."""
    uid = 5557
    runtime = Path(f"/run/user/{uid}")
    runtime.mkdir(mode=0o700, parents=True)
    os.chown(runtime, uid, uid)
    try:
        text = json.dumps(proposal(annotations={"io.xconnect.require.api": "connect:/magic/api.sock"}))
        user = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "unshare", "-r"]
        done = subprocess.run([*map(str, user), PRECREATE], input=text, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done
        place = json.loads(done.stdout)["linux"]["seccomp"]["listenerPath"]
        assert place == str(runtime / "xconnect/n" / ID) and Path(place).is_socket(), place
        assert host.wait_until(lambda: not Path(place).exists(), 15), "nobody came, and somebody waits still"
    finally:
        shutil.rmtree(runtime)


def test_without_a_wish_the_document_is_what_it_was(bed):
    text = json.dumps(proposal(annotations={}), indent=1) + "\n"
    assert filtered(bed, text).stdout == text


@pytest.mark.parametrize("env", [[], ["A=]\\\"[", "B={}"]])
def test_an_environment_of_any_shape_is_added_to(bed, env):
    display(bed)
    config = proposal()
    config["process"]["env"] = env
    done = filtered(bed, config)
    assert json.loads(done.stdout)["process"]["env"] == [*env, "WAYLAND_DISPLAY=/run/wayland-0"]


def test_a_document_that_is_wrong_is_refused_with_its_place(bed):
    assert filtered(bed, "{}").returncode == 78
    done = filtered(bed, '{"root": {"path": "x"}, "root": {"path": "y"}}')
    assert done.returncode == 78 and done.stdout == "" and "config.json:1:" in done.stderr


def test_without_an_identity_policy_cannot_be_asked(bed):
    display(bed)
    bed.policy("p.json", {"#spec": "xconnect-policy@1", "allow": [
        {"consumer": "*", "service": "display", "roles": ["any"]}]})
    assert filtered(bed, proposal()).returncode == 0
    done = filtered(bed, proposal(linux={"cgroupsPath": "/somewhere"}))
    assert done.returncode == 77 and "names no container" in done.stderr
