"""xc-inject doctor on the running host and on real containers; test_doctor.py has the files."""

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

import bed as beds
import host
import podman
from jobs import RAW_WISH, REST_OFFER, REST_WISH, dialer, get, modem, serving, started
from window import doctor, says


def offer(bed, **more):
    bed.host_services("10.json", beds.services({**REST_OFFER, **more}))


def of_host(bed, *arguments, **options):
    return doctor("--state", bed.state, "--config", bed.config, *arguments, **options)


@pytest.mark.parametrize("call, severity", [("open_tree", "warning"), ("pidfd_open", "warning"), ("openat2", "note"),
                                            ("close_range", "note"), ("mount_setattr", "note"), ("memfd_create", "broken")])
def test_a_system_call_that_the_kernel_lacks_is_named(bed, call, severity):
    outcome = subprocess.run(["strace", "-o", "/dev/null", "-e", f"inject={call}:error=ENOSYS", beds.INJECT, "doctor",
                              "--json", "--state", bed.state, "--config", bed.config],
                             capture_output=True, text=True, check=False)
    assert says(json.loads(outcome.stdout), severity, f"has no {call}(2)"), outcome


@pytest.mark.parametrize("engine, output, severity, words", [
    ("crun", "crun version 1.8.1", "warning", ["crun 1.8.1", "RLIMIT_MEMLOCK"]),
    ("crun", "crun version 1.17", "good", ["crun 1.17", "is there"]),
    ("runc", "runc version 1.0.0~rc6", "good", ["runc 1.0.0", "is there"]),
    ("runc", "runc version 0.1.1", "warning", ["runc 0.1.1", "older than version 1.0.0"]),
    ("lxc-start", "2.0.7", "broken", ["lxc 2.0.7", "no lxc.hook.start-host"]),
    ("podman", "", "broken", ["podman", "does not say its version", "code 3"])])
def test_an_engine_with_a_known_fault_is_named(bed, tmp_path, engine, output, severity, words):
    program = tmp_path / engine
    program.write_text(f"#!/bin/sh\n{f'echo {output!r}' if output else 'exit 3'}\n")
    program.chmod(0o755)
    findings = of_host(bed, env={"PATH": str(tmp_path)})
    assert says(findings, severity, *words), findings
    if engine == "crun" and "1.17" in output:
        assert not says(findings, "warning", "RLIMIT_MEMLOCK")


def test_no_engine_at_all_is_named(bed, tmp_path):
    assert says(of_host(bed, env={"PATH": str(tmp_path)}), "warning", "is on PATH")


def test_the_socket_of_a_host_service_is_tried(bed):
    place = bed.home / "host.sock"
    offer(bed, socket=str(place))
    assert says(of_host(bed), "broken", "modem-api", "is not there")
    place.write_text("")
    assert says(of_host(bed), "broken", "modem-api", "is no socket")
    place.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        assert says(of_host(bed), "broken", "modem-api", "nobody listens")
        listener.listen()
        assert says(of_host(bed), "good", "modem-api", "is there")


def test_a_device_of_the_host_that_is_none_is_named(bed):
    offer(bed, name="gpu", type="drm", socket="/dev/dri/card99")
    assert says(of_host(bed), "broken", "gpu", "device node", "is not there")
    offer(bed, name="gpu", type="drm", socket="/etc/passwd")
    assert says(of_host(bed), "broken", "gpu", "no character device")


def test_running_containers_are_well_and_their_deaths_are_named(bed, engine):
    provider, consumer = modem(bed), dialer(bed)
    serving(engine, provider)
    assert get(started(engine, consumer))["role"] == "viewer"
    assert says(of_host(bed, consumer.name), "good", consumer.name, "modem-api", "served by")
    assert not says(of_host(bed), "broken", bed.mark)
    engine.stop(provider)
    assert host.wait_until(lambda: says(of_host(bed, consumer.name), "warning", consumer.name,
                                        'nobody offers "modem-api" now'), 5)
    (shim,) = shims_of(bed)
    os.kill(shim, signal.SIGKILL)
    assert host.wait_until(lambda: says(of_host(bed), "broken", consumer.name, "its shim is dead"), 5)


def shims_of(bed):
    return [pid for pid in host.named("xc-shim") if bed.mark in Path(f"/proc/{pid}/cgroup").read_text()]


def test_a_provider_that_runs_and_does_not_listen_is_named(bed, runc):
    started(runc, modem(bed, hook=bed.hook()))
    silent = bed.container("silent", ["sleep", "60"], services=beds.services(REST_OFFER))
    started(runc, silent)
    assert says(of_host(bed, silent.name), "broken", silent.name, "/run/modem/api.sock", "is not there")
    pid = runc.pid(silent)
    beds.inside(pid, "mkdir", "-p", "/run/modem")
    beds.inside(pid, "touch", "/run/modem/api.sock")
    assert says(of_host(bed, silent.name), "broken", silent.name, "is no socket")


def test_what_a_killed_shim_left_behind_is_named(bed, runc):
    consumer = dialer(bed, wishes=[RAW_WISH], hook=bed.hook())
    consumer.edit_oci = lambda config: config["hooks"].pop("poststop")
    started(runc, consumer)
    for shim in shims_of(bed):
        os.kill(shim, signal.SIGKILL)
    runc.stop(consumer)
    assert host.wait_until(lambda: says(of_host(bed), "warning", consumer.name, "is gone", "its entry is still there"), 5)
    assert says(of_host(bed, consumer.home), "warning", "no poststop hook")
    started(runc, dialer(bed, name="next", wishes=[RAW_WISH]))  # what the finding says mends it
    assert not says(of_host(bed), "warning", consumer.name, "is gone")


def test_a_place_that_was_not_taken_is_named(bed, runc):
    wish = {**RAW_WISH, "target": ["/run/file/x.sock", "/tmp/x.sock"]}
    consumer = dialer(bed, wishes=[wish], tmpfs=["/tmp"])
    (consumer.root / "run/file").write_text("")
    started(runc, consumer)
    assert says(of_host(bed, consumer.name), "note", "/run/file/x.sock was not taken", "/tmp/x.sock")


def test_what_a_link_refused_is_named(bed, runc):
    offer = {**REST_OFFER, "roles": {"viewer": {"rest": [{"methods": ["GET"], "paths": ["/v1/status"]}]}}}
    serving(runc, modem(bed, offers=[offer]))
    consumer = dialer(bed, wishes=[REST_WISH])
    pid = started(runc, consumer)
    beds.inside(pid, "xc-test-client", "get", "/run/svc/modem.sock", "/v1/secret")
    assert host.wait_until(lambda: says(of_host(bed, consumer.name), "warning", "modem-api", "refused so far: 1"), 5)


def test_podman_that_would_pass_over_a_hook_in_silence(bed, tmp_path):
    """What doctor says before is what podman then does: it starts the container without its links."""
    hooks = tmp_path / "hooks.d"
    hooks.mkdir()
    (hooks / "xc.json").write_text(json.dumps({
        "version": "1.0.0", "stages": ["createRuntime"], "when": {"annotations": {r"^io\.xconnect\.": ""}},
        "hook": {"path": "/opt/xc-hook", "args": ["xc-hook", "createRuntime"]}}))
    findings = of_host(bed, "--hooks-dir", hooks)
    assert says(findings, "broken", "xc.json", '"/opt/xc-hook" is not there', "in silence"), findings
    room = podman.Room()
    try:
        engine = podman.Podman(room)
        bed.engines = {engine.name: engine}
        c = bed.container("typed", ["true"], annotations={"io.xconnect.require.modem-api": "auto"}, hook=[])
        (c.home / "hooks.d").mkdir()
        shutil.copy(hooks / "xc.json", c.home / "hooks.d")
        assert engine.run(c).code == 0
    finally:
        room.leave()
