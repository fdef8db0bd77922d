"""podman asks for a device in its own words: by a device of the CDI, or by an annotation that the hook before creation makes
a rule of, and the container's own program opens it."""

import json
import subprocess
from pathlib import Path

import pytest

import bed as beds
import engines
import podman
import versions
from jobs import started

FUSE = {"name": "fuse", "type": "char", "socket": "/dev/fuse"}
TOOL = str(beds.BUILD / "tests/xc-test-devices")


@pytest.fixture(scope="module")
def room():
    one = podman.Room()
    yield one
    one.leave()


@pytest.fixture(params=["crun-here", "runc"])
def engine(request, room, bed):
    one = podman.Podman(room, request.param)
    bed.engines = {one.name: one}
    bed.host_services("fuse.json", beds.services(FUSE))
    return one


def opened(engine, c):
    return engine.execute(c, "/bin/sh", "-c", "(: <>/dev/fuse) 2>&1 && echo open").output.strip()


@pytest.mark.parametrize("precreate", [False, True], ids=["hook", "precreate"])
@pytest.mark.parametrize("shape", [{}, {"readonly": True}, {"idmap": True}], ids=["plain", "readonly", "idmap"])
def test_an_annotation_gives_the_node(bed, engine, precreate, shape):
    engine.precreate = precreate
    c = bed.container("user", annotations={"io.xconnect.require.fuse": "auto"}, **shape)
    pid = started(engine, c)
    assert opened(engine, c) == "open"
    config = json.loads((Path(json.loads(engine._call("inspect", c.name).output)[0]["OCIConfigPath"])).read_text())
    rules = [rule for rule in config["linux"].get("resources", {}).get("devices") or [] if rule.get("minor") == 229]
    # podman lists no device of an id-mapped container, and podman 3.0 of none: the engine restricts them by itself or not at
    # all, and the hook's rule allows it.
    listed = not shape.get("idmap") and not versions.is_older("podman", "4.0")
    assert rules == ([{"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"}] if precreate and listed else [])
    allowed = engines.call([*engine.room.enter, TOOL, "rules", str(pid)]).output.splitlines()
    restricts = allowed and "b 1:0 7" not in allowed
    assert restricts or not listed  # where the engine restricts nothing there is nothing to allow
    assert not restricts or ("c 10:229 6" in allowed and "c 10:229 7" not in allowed and "c 10:237 6" not in allowed), allowed


@pytest.mark.since(podman="4.0")
def test_a_device_of_the_cdi_is_one_that_opens(bed, engine):
    wrapper = bed.home / "xc-hook"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(bed.hook())} "$@"\n')
    wrapper.chmod(0o755)
    done = subprocess.run([beds.INJECT, "cdi", "--config", bed.config, "--hook", wrapper], capture_output=True, text=True,
                          check=True)
    file = Path("/var/run/cdi/xconnect.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(done.stdout)
    try:
        c = bed.container("typed", hook=[], podman_words=["--device", "xconnect/service=fuse"])
        started(engine, c)
        assert opened(engine, c) == "open"
        plain = bed.container("plain", hook=[])
        started(engine, plain)
        assert "No such file" in engine.execute(plain, "/bin/stat", "/dev/fuse").output
    finally:
        file.unlink()
