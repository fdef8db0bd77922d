"""The table of engines and links: test_matrix.py records a row for each container it ran, conftest.py writes them to
matrix.json of the build directory (or where tests/releases/run wants it), and this file as a program prints all of them as
the table of README.

    tests/engine/matrix.py [--write FILE]    --write: between the two markers in FILE instead of to standard output"""

import json
import os
import sys
from pathlib import Path

KEY = "matrix"
BUILD = Path(os.environ.get("XC_BUILD", Path(__file__).resolve().parents[2] / "build/dev"))
FILE = Path(os.environ.get("XC_MATRIX", BUILD / "matrix.json"))
OTHERS = BUILD.parent / "releases"  # of tests/releases/run
MARKERS = ("<!-- made by tests/engine/matrix.py -->", "<!-- end -->")
TITLES = {"runc-v1": "runc {}", "runc": "runc {}", "runc-v2": "runc {}", "crun-v1": "crun {}", "crun": "crun {}",
          "podman-crun-here": "podman {} with crun", "podman-runc": "podman {} with runc",
          "rootless-crun": "podman {} with crun, of an ordinary user",
          "rootless-runc": "podman {} with runc, of an ordinary user", "lxc-v1": "LXC {}, hook version 1",
          "lxc0": "LXC {}, hook version 0", "lxc": "LXC {}, hook version 1", "lxc-v2": "LXC {}, hook version 1",
          "pantavisor": "LXC {}, a device of Pantavisor", "runc-vm": "runc {}, virtual machine",
          "crun-vm": "crun {}, virtual machine"}
COLUMNS = ("rest", "unix, descriptors", "abstract name", "dbus", "wayland", "vchan", "device node", "display device")


def system():
    """The distribution that the engines come from, by its own word."""
    lines = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return f'{lines["NAME"].split()[0]} {lines.get("VERSION_ID", lines.get("VERSION_CODENAME", ""))}'.replace('"', "")


def layout_of(engine):
    """Of the control groups the engine sees in the tests."""
    if engine.endswith("-v1"):
        return "v1"
    unified = engine in ("runc-v2", "crun", "lxc-v2") or engine.startswith(("podman", "rootless")) or engine.endswith("-vm")
    return "v2" if unified or os.path.exists("/sys/fs/cgroup/cgroup.procs") else "hybrid"


def save(rows):
    """Rows of this run over those of earlier ones."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else []
    fresh = {(row["engine"], row["variant"]) for row in rows}
    kept = [row for row in kept if (row["engine"], row["variant"]) not in fresh]
    FILE.write_text(json.dumps(kept + rows, indent=1) + "\n")


def recorded():
    """Of this machine's engines, then of other releases'."""
    files = [file for file in (FILE, *sorted(OTHERS.glob("*/results/matrix.json"))) if file.exists()]
    return [row for file in files for row in json.loads(file.read_text())]


def table(rows, home=None):
    """A line for each engine; containers of another sort with the same outcome stand in it, others have their own. What is
    not of the system `home` says so."""
    reasons, lines = [], []

    def cell(outcome):
        if outcome is None:
            return "-"
        if outcome == "works":
            return "yes"
        if outcome not in reasons:
            reasons.append(outcome)
        return f"({reasons.index(outcome) + 1})"

    order = list(TITLES)
    for row in sorted(rows, key=lambda row: (order.index(row["engine"]), row.get("system") or home or "")):
        other = f', {row["system"]}' if row.get("system") not in (None, home) else ""
        head = (TITLES[row["engine"]].format(row["version"]) + other, row["groups"])
        cells = [cell(row["links"].get(column)) for column in COLUMNS]
        if lines and lines[-1][0] == head and lines[-1][2] == cells:
            lines[-1][1].append(row["variant"] or "plain")
        else:
            lines.append((head, [row["variant"] or "plain"], cells))
    out = [f"| engine | cgroups | containers | {' | '.join(COLUMNS)} |", "|---" * (3 + len(COLUMNS)) + "|"]
    out += [f"| {head[0]} | {head[1]} | {', '.join(variants)} | {' | '.join(cells)} |" for head, variants, cells in lines]
    out.append("\n-: not tried there; display devices are those of a virtual machine with Debian's kernel 6.1")
    return "\n".join([*out, *[f"\n({number}) {reason}" for number, reason in enumerate(reasons, 1)]]) + "\n"


def main():
    made = table(recorded(), system())
    if sys.argv[1:2] != ["--write"]:
        print(made, end="")
        return
    file = Path(sys.argv[2])
    before, begin, rest = file.read_text().partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        sys.exit(f"{file}: has no {MARKERS[0]} ... {MARKERS[1]}")
    file.write_text(f"{before}{begin}\n{made}{end}{after}")


if __name__ == "__main__":
    main()
