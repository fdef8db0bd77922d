"""libvchan-socket against a raw pair of sockets, interleaved: bulk rate by size of write and round trips of 64 bytes, as
a plain stream (what an older peer gets) and over shared memory. Both ends have rings of 1 MiB. The best of the rounds
counts, because every disturbance only slows down; ratios are of one run.

The last lines are goals: stream at least 0.9 of raw at 64 KiB and 1 MiB and round trips within 1.2; memory at least 10
times raw at 1 KiB and 2.5 times at 1 MiB, and round trips within 0.6. Where others compute, chrt -f 10 in front keeps
them away from both ends."""

import argparse
import os
import subprocess
import tempfile

import bench

LOAD = str(bench.BUILD / "tests" / "xc-vchan-load")
SIZES = {"1 KiB": 1024, "64 KiB": 65536, "1 MiB": 1 << 20}
WAYS = {"raw": {}, "stream": {"VCHAN_SHM": "0"}, "memory": {}}
GOALS = [("stream", "64 KiB", 0.9), ("stream", "1 MiB", 0.9), ("memory", "1 KiB", 10.0), ("memory", "1 MiB", 2.5)]
ROUND_TRIP_GOALS = {"stream": 1.2, "memory": 0.6}


def run(way, size, amount, directory, cpus):
    """(rate or seconds, seconds of processor time of both ends)."""
    kind = "raw" if way == "raw" else "vchan"
    pin = ["taskset", "-c", cpus] if cpus else []
    done = subprocess.run([*pin, LOAD, kind, str(size), str(amount)], check=True, capture_output=True, text=True,
                          env={**os.environ, "VCHAN_SOCKET_DIR": directory, "VCHAN_RING": str(1 << 20), **WAYS[way]})
    value, processor = done.stdout.split()
    return float(value), float(processor)


def measure(size, megabytes, options, directory):
    """{way: [best value, processor seconds a GiB (or 1000 round trips) of that run]}."""
    amount = {way: megabytes * (4 if way == "memory" else 1) for way in WAYS} if size else dict.fromkeys(WAYS, megabytes)
    acts = {way: (lambda way=way: run(way, size, amount[way], directory, options.cpus)) for way in WAYS}
    results = bench.interleaved(options.rounds, **acts)
    best = {way: (max if size else min)(values) for way, values in results.items()}
    return {way: (value, processor * (1024 if size else 1) / amount[way]) for way, (value, processor) in best.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--cpus", default="", help="as of taskset -c; free when absent")
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}")
    ratios = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, size in SIZES.items():
            best = measure(size, options.megabytes, options, directory)
            ratios.update({(way, name): best[way][0] / best["raw"][0] for way in WAYS})
            bench.table(f"writes of {name}", ["way", "GB/s", "ratio", "processor s/GiB"],
                        [[way, rate / 1e9, ratios[way, name], processor] for way, (rate, processor) in best.items()])
        best = measure(0, 20, options, directory)
        trips = {way: best[way][0] / best["raw"][0] for way in WAYS}
        bench.table("round trips of 64 bytes", ["way", "us", "ratio", "processor s/1000"],
                    [[way, seconds * 1e6, trips[way], processor] for way, (seconds, processor) in best.items()])
    rows = [[f"{way} at {name}", ratios[way, name], f">= {goal}", "yes" if ratios[way, name] >= goal else "no"]
            for way, name, goal in GOALS]
    rows += [[f"round trip, {way}", trips[way], f"<= {goal}", "yes" if trips[way] <= goal else "no"]
             for way, goal in ROUND_TRIP_GOALS.items()]
    bench.table("goals", ["what", "ratio", "goal", "met"], rows)


main()
