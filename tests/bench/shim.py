"""What a running shim costs: proportional memory of monitor and workers with three links in use, and their start."""

import argparse

import bench


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="runc")
    parser.add_argument("--consumers", type=int, default=1)
    options = parser.parse_args()
    bench.in_house()

    import bed as beds
    import host
    import jobs
    bed = beds.Bed()
    engine = bed.engines[options.engine]
    jobs.serving(engine, jobs.modem(bed))
    others = set(host.named("xc-shim") + host.named("xc-worker"))
    third = {**jobs.RAW_WISH, "target": "/run/svc/third.sock"}
    for number in range(options.consumers):
        pid = jobs.started(engine, jobs.dialer(bed, name=f"d{number}", wishes=[jobs.REST_WISH, jobs.RAW_WISH, third]))
        for _ in range(20):
            jobs.get(pid)
            jobs.client(pid, "echo", jobs.RAW, "in use")
            jobs.client(pid, "pass", "/run/svc/third.sock", "in use")
    rows = []
    for name in ("xc-shim", "xc-worker"):
        rows += [[f"{name} {pid}", *bench.memory(pid)] for pid in host.named(name) if pid not in others]
    rows.append(["all", *[sum(row[i] for row in rows) for i in (1, 2)]])
    rows.append(["a container", *[rows[-1][i] / options.consumers for i in (1, 2)]])
    bench.table(f"memory with three links in use, {options.consumers} consumer(s)", ["process", "Pss KiB", "dirty KiB"], rows)
    bed.stop_all(engine)
    bed.remove()


if __name__ == "__main__":
    main()
