"""What the benchmarks share: the way into the house, interleaved rounds, tables."""

import os
import statistics
import sys
import time
from pathlib import Path

ENGINE_TESTS = Path(__file__).resolve().parents[1] / "engine"
sys.path.insert(0, str(ENGINE_TESTS))

import house  # noqa: E402

BUILD = Path(os.environ.get("XC_BUILD", Path(__file__).resolve().parents[2] / "build/dev"))


def in_house():
    """Restarts the calling program inside the house (see tests/engine/house.py)."""
    if not house.inside():
        house.enter([sys.executable, *sys.argv])


def interleaved(rounds, **acts):
    """Runs every act once a round, so that a slow moment of the machine hits all of them; {name: [result, ...]}."""
    results = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            results[name].append(act())
    return results


def memory(pid):
    """Pss and Private_Dirty in KiB (proc_pid_smaps_rollup(5))."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file if ":" in line[:20])
    return [int(fields[key].split()[0]) for key in ("Pss", "Private_Dirty")]


def family(pid):
    """The process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def processor_time(pid):
    """Nanoseconds that all threads of a family have run."""
    return sum(int((task / "schedstat").read_text().split()[0]) for one in family(pid)
               for task in Path(f"/proc/{one}/task").iterdir())


def family_memory(pids):
    """Pss in KiB of each family as it is, and when it has been left alone for a moment."""
    now = [sum(memory(one)[0] for one in family(pid)) for pid in pids]
    time.sleep(3)
    return list(zip(now, (sum(memory(one)[0] for one in family(pid)) for pid in pids)))


def table(title, heads, rows):
    print(f"\n{title}")
    cells = [heads, *[[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))))


def median(values):
    return statistics.median(values)
