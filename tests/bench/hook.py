"""What the hooks add to the start of a container: create and start with them and without, interleaved."""

import argparse
import time

import bench


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--engines", default="runc,crun,podman,lxc")
    options = parser.parse_args()
    bench.in_house()

    import bed as beds
    import jobs
    import podman
    names = options.engines.split(",")
    room = podman.Room() if "podman" in names else None
    rows = []
    for name in names:
        bed = beds.Bed()
        engine = podman.Podman(room) if name == "podman" else bed.engines[name]
        jobs.serving(engine, jobs.modem(bed))
        third = {**jobs.RAW_WISH, "target": "/run/svc/third.sock"}
        without = bed.container("without", hook=[])
        hooked = jobs.dialer(bed, name="with", wishes=[jobs.REST_WISH, jobs.RAW_WISH, third])

        def start(c):
            engine.prepare(c)
            began = time.monotonic()
            done = engine.start_plainly(c) if hasattr(engine, "start_plainly") else [engine.start(c)]
            elapsed = time.monotonic() - began
            assert all(outcome.code == 0 for outcome in done), done
            engine.stop(c)
            return elapsed * 1000

        start(without), start(hooked)  # warm
        results = bench.interleaved(options.rounds, without=lambda: start(without), hooked=lambda: start(hooked))
        plain, full = bench.median(results["without"]), bench.median(results["hooked"])
        rows.append([name, plain, full, full - plain, full / plain, min(results["hooked"]) - min(results["without"])])
        bed.stop_all(engine)
        bed.remove()
    if room:
        room.leave()
    bench.table(f"container start with three links, {options.rounds} rounds",
                ["engine", "without ms", "with ms", "added ms", "ratio", "added (best) ms"], rows)


if __name__ == "__main__":
    main()
