"""podman: annotations are all a user types; the hooks come from a hooks.d directory."""

import subprocess
from pathlib import Path

import pytest

import bed as beds
import host
import podman
from jobs import API, RAW, RAW_WISH, REST_WISH, client, dialer, get, has, modem, refused, serving, started


@pytest.fixture(params=podman.RUNTIMES)
def engine(request, room, bed):
    return podman.serving_bed(bed, room, request.param)


def test_the_main_job(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, ["xc-test-client", "get", API, "/v1/status"])
    outcome = engine.run(c)
    assert '"role":"viewer"' in outcome.output, outcome


def test_identity_is_the_containers_id(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    pid = started(engine, c)
    assert get(pid)["client"] == engine.id(c)
    assert "descriptor: seen" in client(pid, "pass", RAW, "seen")


def test_an_annotation_is_a_whole_manifest(bed, engine):
    serving(engine, modem(bed))
    c = bed.container("typed", annotations={"io.xconnect.require.modem-api": "auto;role=viewer"})
    pid = started(engine, c)
    assert get(pid, socket="/run/pv/services/modem-api.sock")["role"] == "viewer"


def test_annotations_that_no_policy_judges_are_warned_of_once(bed, engine):
    serving(engine, modem(bed))
    bed.log.write_text("")
    c = bed.container("typed", annotations={"io.xconnect.require.modem-api": "auto;role=viewer"})
    started(engine, c)
    assert bed.log_text().count("podman may have them from the image") == 1
    bed.policy("all.json", {"allow": [{"consumer": "*", "service": "*", "roles": ["*"]}]})
    assert engine.restart(c).code == 0
    assert bed.log_text().count("podman may have them from the image") == 1


def test_with_policy_an_offer_that_an_annotation_names_needs_an_entry(bed, engine):
    """podman may have the annotation from the image, and the file it names may be another container's."""
    bed.policy("p.json", {"allow": [{"consumer": "*", "service": "*", "roles": ["*"]}],
                          "offer": [{"provider": "*", "service": "modem-raw"}]})
    serving(engine, modem(bed))
    assert "offer \"modem-api\"; it is not published" in bed.log_text()
    pid = started(engine, dialer(bed, wishes=[RAW_WISH]))
    assert client(pid, "echo", RAW, "x") == "x"
    other = started(engine, dialer(bed, wishes=[REST_WISH], name="other"))
    assert '"error"' in client(other, "get", API, "/v1/status")


def test_without_an_annotation_no_hook_is_called(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, bed.container("plain"))
    assert not has(pid, "/run/pv")


@pytest.mark.parametrize("key", ["my.io.xconnect.require.modem-api", "io-xconnect.require.modem-api", "IO.xconnect.require.modem-api"])
def test_an_annotation_that_only_resembles_ours_calls_no_hook(bed, engine, key):
    """podman searches for the pattern in each key (RE2): it must begin there, and its dots be dots."""
    serving(engine, modem(bed))
    bed.log.write_text("")
    pid = started(engine, bed.container("plain", annotations={key: "auto;role=viewer"}))
    assert not has(pid, "/run/pv") and bed.log_text() == ""
    assert len(list((bed.state / "c").iterdir())) == 1, "of the provider"


def test_every_condition_of_a_file_must_hold(bed, engine):
    serving(engine, modem(bed))
    engine.when = {**engine.when, "commands": ["^/bin/never$"]}
    assert not has(started(engine, dialer(bed)), API)
    engine.when = {**engine.when, "commands": ["^/bin/sleep$"], "hasBindMounts": True}
    assert get(started(engine, dialer(bed, name="other")))["role"] == "viewer"


def test_a_restart_keeps_the_link(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    started(engine, c)
    assert engine.restart(c).code == 0
    assert get(engine.pid(c))["role"] == "viewer"


def test_a_provider_that_restarts_is_found_again(bed, engine):
    provider = modem(bed)
    serving(engine, provider)
    pid = started(engine, dialer(bed))
    assert get(pid)["role"] == "viewer"
    assert engine.restart(provider).code == 0
    assert host.wait_until(lambda: '"role"' in client(pid, "get", API, "/v1/status"), 5)


@pytest.mark.parametrize("shape", [{"readonly": True}, {"idmap": True}, {"readonly": True, "idmap": True}])
def test_shapes_of_containers(bed, engine, shape):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, **shape))
    assert get(pid)["role"] == "viewer"


def test_a_required_service_that_cannot_be_planted_stops_the_container(bed, engine):
    serving(engine, modem(bed))
    c = bed.container("typed", annotations={"io.xconnect.require.modem-api": "/etc/passwd;role=viewer"})
    refused(bed, engine, c, "/etc/passwd")


def xc_inject(*arguments):
    return subprocess.run([beds.BUILD / "xc-inject", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_what_hooks_print_says_is_enough(bed, engine):
    """The files as they would be installed, the state directory as it is by default (the house has a /run of its own)."""
    said = xc_inject("hooks", "print", "podman", "--hook", beds.HOOK).stdout
    files = {Path(part.split("\n", 1)[0]).name: part.split("\n", 1)[1] for part in said.split("# ")[1:]}
    assert sorted(files) == ["50-xconnect-end.json", "50-xconnect-variables.json", "50-xconnect.json"]
    containers = [modem(bed), dialer(bed)]
    for c in containers:
        c.hook = []
        (c.home / "hooks.d").mkdir()
        for name, text in files.items():
            (c.home / "hooks.d" / name).write_text(text)
    serving(engine, containers[0])
    pid = started(engine, containers[1])
    assert get(pid)["role"] == "viewer"
    for c in containers:
        engine.stop(c)
    assert host.wait_until(lambda: not list(Path("/run/xconnect/c").iterdir()))


def test_nothing_is_left(bed, engine):
    serving(engine, modem(bed))
    before = bed.snapshot()
    c = dialer(bed)
    started(engine, c)
    engine.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot())), host.difference(before, bed.snapshot())
