"""Round trips, frames and descriptors a second on a real Weston: directly, through a relay that looks at nothing, through
`xc-inject mediate wayland`, through waypipe; interleaved in one run. And the memory of the mediator."""

import argparse
import os
import subprocess

import bench

LOAD = str(bench.BUILD / "tests/xc-wayland-load")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=6000, help="of each kind a round")
    options = parser.parse_args()
    bench.in_house()

    import host
    import wayland_world as world
    with world.running(world.Weston()) as weston, world.running(world.Mediator(weston)) as ours:
        home = weston.directory
        weston.launch([LOAD, "relay", home / "relayed", weston.socket], ready=(home / "relayed").exists)
        display = {"WAYLAND_DISPLAY": str(weston.socket)}
        weston.launch(["waypipe", "-c", "none", "-s", home / "pipe", "client"], env=display,
                      ready=(home / "pipe").exists)
        weston.launch(["waypipe", "-c", "none", "-s", home / "pipe", "--display", "piped", "server", "--", "sleep", "999"],
                      ready=(home / "piped").exists)
        paths = {"direct": weston.socket, "relay": home / "relayed", "mediated": ours.socket, "waypipe": home / "piped"}

        def ask(kind, path, count):
            done = subprocess.run([LOAD, kind, str(path), str(count)], check=True, capture_output=True, text=True)
            return float(done.stdout)

        for kind, what in (("sync", "round trips"), ("frame", "shm frames"), ("pool", "descriptor pools")):
            for path in paths.values():
                ask(kind, path, 500)  # warm
            results = bench.interleaved(options.rounds, **{name: lambda p=path, k=kind: ask(k, p, options.count)
                                                           for name, path in paths.items()})
            best = {name: max(values) for name, values in results.items()}
            middle = {name: bench.median(values) for name, values in results.items()}
            bench.table(f"{what} a second, best and median of {options.rounds}; load {os.getloadavg()[0]:.1f}",
                        ["path", "best", "median", "of direct", "of relay", "of waypipe"],
                        [[name, round(best[name]), round(middle[name]), best[name] / best["direct"],
                          best[name] / best["relay"], best[name] / best["waypipe"]] for name in paths])
        clients = [world.Client(ours, name) for name in ("weston-simple-shm", "weston-flower", "weston-simple-shm")]
        host.wait_until(lambda: False, 3)
        worker = host.named("xc-worker")
        bench.table("memory of the worker with three clients", ["process", "Pss KiB", "dirty KiB"],
                    [[f"xc-worker {pid}", *bench.memory(pid)] for pid in worker])
        for client in clients:
            client.stop()


if __name__ == "__main__":
    main()
