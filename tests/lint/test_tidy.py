"""clang-tidy over the product, with the short list of .clang-tidy; every finding is an error.

A unit that was found clean is not looked at again while it, the headers of the rooms below it, the list and the tool are
the same: the verdict is kept in the build directory under a hash of all of them."""

import concurrent.futures
import functools
import hashlib
import json
import os
import subprocess

import tree

TOOL = "clang-tidy-19"


def commands():
    """{file: command line} of the product's translation units."""
    ours = (str(tree.SOURCE / "lib") + "/", str(tree.SOURCE / "hooks") + "/")
    entries = json.loads((tree.BUILD / "compile_commands.json").read_text())
    return {c["file"]: c["command"] for c in entries if c["file"].startswith(ours)}


def visible_from(room):
    """The room and every room its headers may reach: test_layering keeps the others out."""
    return {room}.union(*(visible_from(below) for below in tree.rooms()[room]))


@functools.cache
def ground_of(room):
    """Hash of what the verdicts on units of a room rest on besides the unit."""
    digest = hashlib.sha256(subprocess.run([TOOL, "--version"], capture_output=True, check=True).stdout)
    digest.update((tree.SOURCE / ".clang-tidy").read_bytes())
    for below in sorted(visible_from(room) - {"hooks"}):
        for path in tree.files(f"lib/{below}", suffixes={".h"}):
            digest.update(path.read_bytes() + b"\0")
    return digest


def findings(unit, command):
    directory, _, name = unit.removeprefix(f"{tree.SOURCE}/").partition("/")
    digest = ground_of("hooks" if directory == "hooks" else name.partition("/")[0]).copy()
    digest.update(command.encode() + b"\0")
    with open(unit, "rb") as file:
        digest.update(file.read())
    clean = tree.BUILD / "tidy" / digest.hexdigest()
    if clean.exists():
        return ""
    done = subprocess.run(["nice", "-n", "19", TOOL, "--quiet", "-p", str(tree.BUILD),
                           "--extra-arg=-Wno-unknown-warning-option",
                           "--extra-arg=-Wno-unused-command-line-argument", unit], capture_output=True, text=True)
    if done.returncode != 0:
        return done.stdout + done.stderr[-2000:]
    clean.parent.mkdir(exist_ok=True)
    clean.touch()
    return ""


def test_clang_tidy_finds_nothing():
    units = commands()
    assert len(units) > 10
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [f for f in pool.map(lambda unit: findings(unit, units[unit]), sorted(units)) if f]
    assert not found, "\n".join(found)[:8000]
