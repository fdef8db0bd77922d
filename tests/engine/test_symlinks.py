"""Images whose paths lead out of the container: whatever a link says, nothing may appear on the host.

The canary directory stands outside every root file system; a case passes when only its canary is in it afterwards."""

import ctypes
import os
import threading
import time

import pytest

from blocking_fuse import BlockingFuse
from jobs import LONG, RAW_OFFER, client, has, modem, refused, serving

TARGET = "/run/nm/api.sock"


@pytest.fixture(params=["runc", "crun", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


@pytest.fixture
def canary(bed):
    directory = bed.home / "host"
    directory.mkdir()
    (directory / ".canary").touch()
    yield directory
    assert [str(path.relative_to(directory)) for path in directory.rglob("*")] == [".canary"]


def asking(bed, target=TARGET, name="victim", **more):
    """A consumer whose /run is part of its image."""
    return bed.container(name, run={"services": {"required": [{"name": "modem-raw", "target": target}]}}, tmpfs=[],
                         **more)


def starts_confined_or_not_at_all(engine, c, target=TARGET):
    outcome = engine.start(c)
    assert outcome.code != 124
    if outcome.code == 0:
        assert has(outcome.pid, target, "-S")


def replace(path, link):
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.symlink_to(link)


def test_sym_01_an_absolute_link_to_a_host_directory(bed, engine, canary):
    c = asking(bed)
    replace(c.root / "run", canary)
    starts_confined_or_not_at_all(engine, c)


@pytest.mark.parametrize("name", ["runc", "crun"])
@pytest.mark.parametrize("offer", ["drm", "unix"])
def test_sym_02_dev_leads_out_and_nothing_is_mounted_on_it(bed, name, offer):
    """These engines themselves follow such a link and put /dev/null and friends on the host; we add nothing to that."""
    engine = bed.engines[name]
    target = "/dev/dri/card0"
    bed.host_services("gpu.json", {"services": [{"name": "modem-raw", "type": offer, "socket": target}]})

    def without_dev(config):
        config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]

    seen = []
    for hook in ([], bed.hook()):
        directory = bed.home / f"host{len(seen)}"
        directory.mkdir()
        c = bed.container(f"victim{len(seen)}", run={"services": {"required": [{"name": "modem-raw", "target": target}]}},
                          edit_oci=without_dev, hook=hook)
        replace(c.root / "dev", directory)
        engine.start(c)
        seen.append(sorted(str(path.relative_to(directory)) for path in directory.rglob("*")))
    assert set(seen[1]) <= set(seen[0])
    assert not [path for path in seen[1] if "dri" in path]


def test_sym_03_a_relative_link_that_climbs_out(bed, engine, canary):
    c = asking(bed)
    (c.root / "run/nm").symlink_to("../../../../../../../../../.." + str(canary))
    starts_confined_or_not_at_all(engine, c)


@pytest.mark.parametrize("depth", range(5))
def test_sym_05_each_component_in_turn(bed, engine, canary, depth):
    parts = ["run", "a", "b", "c", "d"]
    c = asking(bed, "/run/a/b/c/d/api.sock")
    parent = c.root
    for part in parts[:depth]:
        parent = parent / part
        parent.mkdir(exist_ok=True)
    replace(parent / parts[depth], canary)
    starts_confined_or_not_at_all(engine, c, "/run/a/b/c/d/api.sock")


def test_sym_06_a_lawful_link_inside_the_image_works(bed, engine):
    serving(engine, modem(bed, offers=[RAW_OFFER]))
    c = asking(bed, "/var/run/nm/api.sock")
    (c.root / "var/run").symlink_to("/run")
    outcome = engine.start(c)
    assert outcome.code == 0, outcome.output
    assert has(outcome.pid, TARGET, "-S")
    assert client(outcome.pid, "echo", "/var/run/nm/api.sock", "through the link") == "through the link"


def exchange_forever(one, other, stop):
    """renameat2(RENAME_EXCHANGE) as fast as it goes."""
    libc = ctypes.CDLL(None, use_errno=True)
    while not stop.is_set():
        for _ in range(1000):
            libc.renameat2(-100, str(one).encode(), -100, str(other).encode(), 2)


def test_sym_07_a_race_of_directory_and_link_never_escapes(bed, canary):
    """The hundred thousand rounds of this case are in the namespace tests; here it is real starts."""
    serving(bed.engines["runc"], modem(bed, offers=[RAW_OFFER]))
    c = asking(bed)
    (c.root / "l").symlink_to(canary)
    stop = threading.Event()
    attacker = threading.Thread(target=exchange_forever, args=(c.root / "run", c.root / "l", stop))
    attacker.start()
    try:
        for _ in range(500 if LONG else 15):
            for name in ("runc", "crun"):
                assert bed.engines[name].start(c).code != 124
                bed.engines[name].stop(c)
                assert os.listdir(canary) == [".canary"]
    finally:
        stop.set()
        attacker.join()


def timed_hook(bed, *options):
    """The hook, with the milliseconds it took at a start written to bed.home/elapsed."""
    script = bed.home / "timed"
    script.write_text(f"""#!/bin/sh
began=$(date +%s%N)
{' '.join(bed.hook(*options))} "$@"
code=$?
took=$((($(date +%s%N) - began) / 1000000))
case "$LXC_HOOK_TYPE $*" in *start-host*|*createRuntime*) echo $took >>{bed.home}/elapsed ;; esac
exit $code
""")
    script.chmod(0o755)
    return [str(script)]


def fastest(bed):
    """Of those since the last question."""
    times = (bed.home / "elapsed").read_text().split()
    (bed.home / "elapsed").unlink()
    return min(map(int, times))


def loop(root):
    (root / "run/nm").symlink_to("a")
    (root / "run/a").symlink_to("nm")


def chain(root):
    """41 links, one more than a path may hold."""
    for number in range(40):
        (root / f"run/l{number}").symlink_to(f"l{number + 1}")
    (root / "run/nm").symlink_to("l0")
    (root / "run/l40").mkdir()


def long_chain(root):
    (root / "run/nm").symlink_to("x/" * 2000 + "y")


@pytest.mark.parametrize("shape", [loop, chain, long_chain])
def test_sym_10_endless_and_overlong_chains_are_refused_at_once(bed, engine, shape):
    for number in range(2):
        assert engine.start(asking(bed, name=f"plain{number}", hook=timed_hook(bed))).code == 0
    usual = fastest(bed)
    c = asking(bed, hook=timed_hook(bed))
    shape(c.root)
    for _ in range(4):  # the machine may be busy; the hook may not
        refused(bed, engine, c)
    assert fastest(bed) < usual + 50


@pytest.mark.parametrize("swallow", [False, True], ids=["killable", "unkillable"])
def test_sym_16_a_parent_that_blocks_ends_at_the_deadline_of_the_hook(bed, oci, swallow):
    with BlockingFuse(bed.home / "fuse", swallow) as directory:
        c = asking(bed, "/run/hang/deep/api.sock", mounts=[(directory, "/run/hang", [])],
                   hook=timed_hook(bed, "--deadline", "2000"))
        began = time.monotonic()
        refused(bed, oci, c)
        assert fastest(bed) < 5000
        assert time.monotonic() - began < c.hook_timeout / 2, "the engine waits for what blocks"
