"""Round trips and bulk rate of a raw link: direct, through `xc-inject mediate unix`, through socat; interleaved."""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import bench

LOAD = str(bench.BUILD / "tests/xc-test-load")


def ask(*arguments):
    return float(subprocess.run([LOAD, *map(str, arguments)], check=True, capture_output=True, text=True).stdout)


def appear(path):
    for _ in range(500):
        if path.exists():
            return
        time.sleep(0.01)
    raise SystemExit(f"{path} did not appear")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=20000, help="round trips a round")
    parser.add_argument("--mebibytes", type=int, default=1024, help="bulk a round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        direct, ours, socat = (home / part for part in ("direct", "mediated", "socat"))
        programs = [[LOAD, "serve", str(direct)],
                    [str(bench.BUILD / "xc-inject"), "mediate", "unix", "--listen", str(ours), "--connect", str(direct)],
                    ["socat", "-b", "65536", f"UNIX-LISTEN:{socat},fork", f"UNIX-CONNECT:{direct}"]]
        running = []
        try:
            for program, socket in zip(programs, (direct, ours, socat)):
                running.append(subprocess.Popen(program, stdout=subprocess.DEVNULL, start_new_session=True))
                appear(socket)
            trips = {size: bench.interleaved(options.rounds, **{path.name: lambda p=path: ask("ping", p, options.count, size)
                                                                for path in (direct, ours, socat)})
                     for size in (64, 4096)}
            rates = bench.interleaved(options.rounds, **{path.name: lambda p=path: ask("bulk", p, options.mebibytes)
                                                         for path in (direct, ours, socat)})
        finally:
            for process in running:
                os.killpg(process.pid, 9)
                process.wait()
    for size, results in trips.items():
        best = {path: min(values) for path, values in results.items()}
        bench.table(f"round trips of {size} bytes, best of {options.rounds}", ["path", "us", "of direct"],
                    [[path, value, best["direct"] / value] for path, value in best.items()])
    best = {path: max(values) for path, values in rates.items()}
    bench.table(f"bulk, best of {options.rounds}", ["path", "GiB/s", "of direct"],
                [[path, value, value / best["direct"]] for path, value in best.items()])


if __name__ == "__main__":
    main()
