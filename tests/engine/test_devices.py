"""Device nodes on the host's own kernel: /dev/fuse has a real driver everywhere. Whether a node can be opened is asked by a
process that the engine itself puts into the container, control groups included."""

import re

import bed as beds
import engines
import host
import pytest

FUSE = {"name": "fuse", "type": "char", "socket": "/dev/fuse"}
WISH = {"name": "fuse", "type": "char", "target": "/dev/fuse"}


@pytest.fixture(params=["runc", "runc-v2", "crun", "lxc", "lxc-v2"])
def engine(request, bed):
    bed.engines["lxc-v2"] = engines.Lxc("lxc-v2", 1, engines.PURE_V2)
    return bed.engines[request.param]


def asking(bed, wish=None, optional=(), **options):
    bed.host_services("fuse.json", beds.services(FUSE))
    return bed.container("user", run=beds.requires(*([wish or WISH] if not optional else []), optional=optional), **options)


def started(engine, c):
    outcome = engine.start(c)
    assert outcome.code == 0, outcome.output
    return outcome.pid


def opened(engine, c, path):
    """What becomes of open(path, O_RDWR) inside: "open", or the shell's complaint."""
    return engine.execute(c, "/bin/sh", "-c", f"(: <>{path}) 2>&1 && echo open").output.strip()


def node(engine, c, path="/dev/fuse"):
    return engine.execute(c, "/bin/stat", "-c", "%F %t:%T %a %u:%g", path).output.strip()


@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_a_node_that_host_policy_names_is_there_and_opens(bed, engine, idmap):
    c = asking(bed, idmap=idmap)
    started(engine, c)
    assert node(engine, c) == "character special file a:e5 660 0:0"
    assert opened(engine, c, "/dev/fuse") == "open"
    assert engine.execute(c, "/bin/chmod", "666", "/dev/fuse").code != 0
