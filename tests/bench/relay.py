"""A raw link measured against its peers, all on one stream socket, interleaved: direct, `xc-inject mediate unix`, socat,
systemd-socket-proxyd and the plainest relay (tests/tools/xc-test-relay.cc). Bulk rate, round trips, connections a second
and the processor time each relay used for the bulk."""

import argparse
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import bench

TOOLS = bench.BUILD / "tests"
LOAD = str(TOOLS / "xc-test-load")
PROXYD = "/usr/lib/systemd/systemd-socket-proxyd"
TICK = os.sysconf("SC_CLK_TCK")


def ask(*arguments):
    return float(subprocess.run([LOAD, *map(str, arguments)], check=True, capture_output=True, text=True).stdout)


def appear(path):
    for _ in range(500):
        if path.exists():
            return
        time.sleep(0.01)
    raise SystemExit(f"{path} did not appear")


def start_proxyd(listen, connect):
    """It takes its listening socket from systemd, by number 3 and a pid in its environment."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(listen))
    listener.listen(1024)
    script = f'exec 3<&{listener.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec {PROXYD} {connect}'
    return subprocess.Popen(["/bin/sh", "-c", script], pass_fds=[listener.fileno()], start_new_session=True)


def processor_seconds(group):
    """Processor time used so far by all processes of a process group."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[2]) == group:
            total += sum(map(int, fields[11:15])) / TICK  # its own, and of its children that have ended
    return total


class Way:
    """One way to the server."""

    def __init__(self, address, process):
        self.address = address
        self.process = process
        self.seconds_per_gibibyte = []

    def bulk(self, mebibytes, block):
        before = processor_seconds(self.process.pid)
        rate = ask("bulk", self.address, mebibytes, block)
        self.seconds_per_gibibyte.append((processor_seconds(self.process.pid) - before) * 1024 / mebibytes)
        return rate


def traced_ways(home, other):
    """The relay as it is, that of another build, and with a reader of its events."""
    direct = home / "direct"
    call = lambda program, name, *more: [program, "mediate", "unix", "--listen", home / name, "--connect", direct, *more]
    calls = {"direct": [LOAD, "serve", direct], "nobody looks": call(bench.BUILD / "xc-inject", "nobody looks"),
             "traced": call(bench.BUILD / "xc-inject", "traced", "--log")}
    if other:
        calls["other build"] = call(other, "other build")
    return start(home, calls)


def all_ways(home):
    direct = home / "direct"
    calls = {"direct": [LOAD, "serve", direct],
             "xconnect": [bench.BUILD / "xc-inject", "mediate", "unix", "--listen", home / "xconnect", "--connect", direct],
             "plain relay": [TOOLS / "xc-test-relay", home / "plain relay", direct],
             "socat": ["socat", "-b", "65536", f"UNIX-LISTEN:{home / 'socat'},fork,backlog=1024", f"UNIX-CONNECT:{direct}"]}
    ways = start(home, calls)
    ways["proxyd"] = Way(home / "proxyd", start_proxyd(home / "proxyd", direct))
    return ways


def start(home, calls):
    ways = {}
    for name, call in calls.items():
        process = subprocess.Popen([str(part) for part in call], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        ways[name] = Way(home / name, process)
        appear(home / name)
    return ways


def show(title, unit, results, best, of):
    rows = [[name, best(values), of(best(values), best(results["direct"]))] for name, values in results.items()]
    bench.table(title, ["way", unit, "of direct"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trips", type=int, default=10000, help="round trips a round")
    parser.add_argument("--mebibytes", type=int, default=1024, help="bulk a round")
    parser.add_argument("--connections", type=int, default=1000, help="connections a round")
    parser.add_argument("--trace", action="store_true",
                        help="only what tracing costs: nobody looks (against --other), and somebody does")
    parser.add_argument("--other", type=Path, help="xc-inject of another build, to compare with")
    parser.add_argument("--only", choices=["bulk", "trips", "connections"], help="measure this alone")
    options = parser.parse_args()
    wanted = lambda what: options.only in (None, what)
    with tempfile.TemporaryDirectory() as name:
        ways = traced_ways(Path(name), options.other) if options.trace else all_ways(Path(name))
        measure = lambda act: bench.interleaved(options.rounds, **{name: lambda w=way: act(w) for name, way in ways.items()})
        try:
            for block in (1 << 16, 1 << 20, 1 << 10) if wanted("bulk") else ():
                amount = options.mebibytes if block > 1 << 10 else options.mebibytes // 8
                for way in ways.values():
                    way.seconds_per_gibibyte.clear()
                show(f"bulk, writes of {block >> 10} KiB, best of {options.rounds}", "GiB/s",
                     measure(lambda way: way.bulk(amount, block)), max, lambda a, b: a / b)
                bench.table("processor time of the relay", ["way", "s/GiB"],
                            [[name, min(way.seconds_per_gibibyte)] for name, way in ways.items() if name != "direct"])
            for size in (64, 4096) if wanted("trips") else ():
                show(f"round trips of {size} bytes, best of {options.rounds}", "us",
                     measure(lambda way: ask("ping", way.address, options.trips, size)), min, lambda a, b: a / b)
            if wanted("connections"):
                show(f"connections, best of {options.rounds}", "1/s",
                     measure(lambda way: ask("connect", way.address, options.connections)), max, lambda a, b: a / b)
        finally:
            for way in ways.values():
                os.killpg(way.process.pid, 9)
                way.process.wait()
    print(f"\nload of the machine at the end: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")


if __name__ == "__main__":
    main()
