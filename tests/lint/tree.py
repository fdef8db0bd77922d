"""The source tree as the lint tests see it. Reads files only."""

import functools
import os
import pathlib
import re

SOURCE = pathlib.Path(os.environ.get("XC_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("XC_BUILD", SOURCE / "build" / "dev"))
CODE = {".cc", ".h"}
NOT_OURS_TO_READ = {".git", ".cache", "__pycache__", "build", ".pytest_cache"}


def relative(path):
    return path.relative_to(SOURCE).as_posix()


def files(*tops, suffixes=None):
    """Every file below the given directories of the tree (all of it without one), build directories left out."""
    found = []
    for top in tops or ("",):
        for directory, below, names in os.walk(SOURCE / top):
            below[:] = sorted(d for d in below if d not in NOT_OURS_TO_READ)
            found += [pathlib.Path(directory, n) for n in sorted(names)]
    return [f for f in found if f.is_file() and f.name != ".git" and (suffixes is None or f.suffix in suffixes)]


def includes(path):
    """The (line number, target) of every #include, quotes or brackets kept."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"][^>"]+[>"])', line)
        if match:
            found.append((number, match.group(1)))
    return found


@functools.cache
def rooms():
    """The table of lib/README.md: {room: set of rooms it may include}, in the table's order."""
    table = {}
    for line in (SOURCE / "lib" / "README.md").read_text().splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) != 6 or cells[1] in ("room", "---"):
            continue
        room, allowed = cells[1], cells[3].replace(",", " ").split()
        table[room] = {"-": set(), "all below": set(table)}.get(" ".join(allowed), set(allowed))
    return table


@functools.cache
def pure_rooms():
    """The rooms of xc_pure, as the house's description names them."""
    text = (SOURCE / "lib" / "README.md").read_text()
    return set(re.search(r"`xc_pure` \(([a-z ]+)\)", text).group(1).split())
