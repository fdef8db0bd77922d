"""A D-Bus link against xdg-dbus-proxy, the plainest relay (tests/tools/xc-test-relay.cc) and none at all: calls,
descriptors, signals, sessions, memory, start-up. Everything is pinned to one processor, every figure is the best of
interleaved rounds, and both proxies get the same words.

The last lines are goals, beside what a relay reaches that reads no byte: 25 us added to a call, 1.4 times the calls of
xdg-dbus-proxy, a new session with 100 rules in 1.5 times the time of a direct one."""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import bench
from dbus_bus import BUSES

LOAD = str(bench.BUILD / "tests/xc-dbus-load")
PROXIES = {"xconnect": [str(bench.BUILD / "xc-inject"), "dbus-proxy"], "xdg-dbus-proxy": ["xdg-dbus-proxy"]}
FEW = ["--talk=org.pv.Echo", "--see=org.pv.Other", "--own=org.pv.Mine"]
MANY = FEW + [f"--call=org.pv.Service{i}=org.pv.Iface.*@/org/pv/*" for i in range(97)]


def ask(*words):
    return float(subprocess.run([LOAD, *map(str, words)], check=True, capture_output=True, text=True,
                                stdin=subprocess.DEVNULL).stdout)


class Proxy:
    """One that runs; `started` is the time until it was ready."""

    def __init__(self, program, bus, path, words):
        self.path = path
        self.ready, theirs = os.pipe()
        began = time.perf_counter()
        self.process = subprocess.Popen([*program, f"--fd={theirs}", f"unix:path={bus}", path, "--filter", *words],
                                        pass_fds=[theirs])
        os.close(theirs)
        assert os.read(self.ready, 1) == b"x"
        self.started = (time.perf_counter() - began) * 1e3

    def stop(self):
        os.close(self.ready)
        self.process.wait(10)


class Relay:
    """What passes everything on and looks at nothing."""

    def __init__(self, bus, path):
        self.path = path
        self.process = subprocess.Popen([str(bench.BUILD / "tests/xc-test-relay"), path, bus])
        while not os.path.exists(path):
            time.sleep(0.01)

    def stop(self):
        self.process.kill()
        self.process.wait(10)


def start_up(program, bus, path):
    """Milliseconds until ready, and until a first client has its answer."""
    began = time.perf_counter()
    proxy = Proxy(program, bus, path, FEW)
    ask("session", path, 1)
    took = (time.perf_counter() - began) * 1e3
    proxy.stop()
    return proxy.started, took


def best(rounds, paths, *words):
    acts = {name: lambda p=path: ask(words[0], p, *words[1:]) for name, path in paths.items()}
    return {name: min(values) for name, values in bench.interleaved(rounds, **acts).items()}


def processor_time(proxies, rounds, *words):
    """Microseconds of processor a proxy has spent for each call: what other load of the machine hardly changes."""
    def spent(proxy):
        before = bench.processor_time(proxy.process.pid)
        ask(words[0], proxy.path, *words[1:])
        return (bench.processor_time(proxy.process.pid) - before) / words[1] / 1e3
    results = bench.interleaved(rounds, **{name: lambda p=proxy: spent(p) for name, proxy in proxies.items()})
    return {name: min(values) for name, values in results.items()}


def measure(options, bus, home):
    few = {name: Proxy(program, bus, f"{home}/{name}-3", FEW) for name, program in PROXIES.items()}
    many = {name: Proxy(program, bus, f"{home}/{name}-100", MANY) for name, program in PROXIES.items()}
    relay = Relay(bus, f"{home}/relay")
    unread = {"direct": bus, "relay": relay.path}
    paths = {**unread, **{name: proxy.path for name, proxy in few.items()}}
    crowded = {**unread, **{name: proxy.path for name, proxy in many.items()}}
    count, rounds = options.count, options.rounds
    figures = {"call, depth 1": best(rounds, paths, "call", count, 1, 16),
               "call, depth 32": best(rounds, paths, "call", count, 32, 16),
               "call of 8 KiB": best(rounds, paths, "call", count // 2, 1, 8192),
               "call with a descriptor": best(rounds, paths, "fds", count // 2),
               "call, 100 rules": best(rounds, crowded, "call", count, 1, 16),
               "signal": best(rounds, paths, "signals", count * 2),
               "new session, 3 rules": best(rounds, paths, "session", 100),
               "new session, 100 rules": best(rounds, crowded, "session", 100)}
    processor = {"call, depth 1": processor_time(few, rounds, "call", count, 1, 16),
                 "call, depth 32": processor_time(few, rounds, "call", count, 32, 16),
                 "call with a descriptor": processor_time(few, rounds, "fds", count // 2),
                 "signal": processor_time(few, rounds, "signals", count * 2)}
    memory = dict(zip(few, bench.family_memory([proxy.process.pid for proxy in few.values()])))
    for proxy in [*few.values(), *many.values(), relay]:
        proxy.stop()
    starts = {name: min(start_up(program, bus, f"{home}/start") for _ in range(rounds))
              for name, program in PROXIES.items()}
    return figures, processor, memory, starts


def show_goals(figures):
    call, session = figures["call, depth 1"], figures["new session, 100 rules"]
    reached = {name: [call[name] - call["direct"], call["xdg-dbus-proxy"] / call[name], session[name] / session["direct"]]
               for name in ("xconnect", "relay")}
    goals = [("us added to a call", 25.0, True), ("times the proxy's calls", 1.4, False),
             ("session with 100 rules", 1.5, True)]
    bench.table("goals", ["what", "xconnect", "relay", "goal", "met"],
                [[what, ours, relay, f"{'<=' if less else '>='} {goal}", "yes" if (ours <= goal) == less else "no"]
                 for (what, goal, less), ours, relay in zip(goals, *reached.values())])


def show(figures, processor, memory, starts, options):
    ours, theirs = PROXIES
    rows = []
    for what, us in figures.items():
        direct = us["direct"]
        rows.append([what, direct, us["relay"], us[ours], us[theirs], us[ours] - direct, us[theirs] - direct,
                     us[ours] / direct, us[theirs] / us[ours]])
    bench.table(f"{options.bus}, microseconds each, best of {options.rounds}",
                ["", "direct", "relay", ours, theirs, "we add", "they add", "x direct", "faster than they"], rows)
    bench.table("processor time of the proxy, microseconds each", ["", ours, theirs, "theirs / ours"],
                [[what, us[ours], us[theirs], us[theirs] / us[ours]] for what, us in processor.items()])
    bench.table("memory and start-up", ["", "PSS KiB after it all", "at rest", "ready ms", "first answer ms"],
                [[name, *memory[name], *starts[name]] for name in PROXIES])
    show_goals(figures)
    print(f"\nload average {os.getloadavg()[0]:.2f}, one processor for everything")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=10000, help="calls a round")
    parser.add_argument("--bus", choices=list(BUSES), default="dbus-daemon")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as home:
        bus = BUSES[options.bus](home)
        service = subprocess.Popen([LOAD, "serve", bus.path], stdout=subprocess.PIPE)
        try:
            assert service.stdout.readline() == b"ready\n"
            show(*measure(options, bus.path, home), options)
        finally:
            service.kill()
            service.wait()
            bus.stop()


if __name__ == "__main__":
    sys.exit(main())
