"""The main job, shown step by step on this machine as it is: a provider container exports a REST service and a raw
socket, a consumer container asks for them, and only hooks in the engine's own configuration bring them together.
Called by packaging/demo; every step is checked and the first that fails ends the demo with exit code 1."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bed as beds
import engines
import host
import house

OFFERS = beds.services(
    {"name": "modem-api", "type": "rest", "socket": "/run/modem/api.sock"},
    {"name": "modem-raw", "type": "unix", "socket": "/run/modem/raw.sock", "roles": {"any": {"unix": {"fds": 28}}}},
    {"name": "modem-keys", "type": "unix", "socket": "/run/modem/raw.sock", "allow": ["operator"]})
WANTS = beds.requires({"name": "modem-api", "role": "viewer", "target": "/run/svc/modem.sock"},
                      {"name": "modem-raw", "target": "/run/svc/raw.sock"},
                      optional=[{"name": "modem-keys", "role": "viewer", "target": "/run/svc/keys.sock"}])
PROVIDER = ["sh", "-c", "mkdir -p /run/modem && exec xc-test-provider --rest /run/modem/api.sock "
                        "--raw /run/modem/raw.sock --name modem"]


class Failed(Exception):
    pass


def step(title, check):
    """One line of progress, then what there is to see."""
    began = time.monotonic()
    print(f"  {title} ...", end=" ", flush=True)
    shown = check()
    print(f"ok ({time.monotonic() - began:.2f} s)")
    for line in (shown or "").strip().splitlines():
        print(f"      {line}")


def expect(condition, text):
    if not condition:
        raise Failed(text)


def start(engine, c):
    outcome = engine.start(c)
    expect(outcome.code == 0, f"{c.name} did not start: {outcome.output}")
    return f"container {c.name}, pid {outcome.pid}"


def start_provider(engine, c):
    shown = start(engine, c)
    expect(host.wait_until(lambda: "ready" in c.console_text(), 20), f"provider is not ready: {c.console_text()}")
    return shown


def first_call(engine, c):
    outcome = engine.run(c)
    expect(outcome.code == 0, f"exit code {outcome.code}: {outcome.output}")
    expect(outcome.output.endswith("}\n"), f"it printed: {outcome.output!r}")
    answer = json.loads(outcome.output.splitlines()[-1])
    expect((answer["client"], answer["role"], answer["identities"]) == (c.name, "viewer", 2), outcome.output)
    return (f"{' '.join(c.args)}\n{json.dumps(answer)}\n"
            f"the provider saw X-PV-Client: {answer['client']}, X-PV-Role: {answer['role']}")


def call_api(engine, c):
    outcome = engine.execute(c, "xc-test-client", "get", "/run/svc/modem.sock", "/v1/again")
    expect(outcome.code == 0 and json.loads(outcome.output)["client"] == c.name, outcome.output)
    return outcome.output


def pass_descriptor(engine, c):
    outcome = engine.execute(c, "xc-test-client", "pass", "/run/svc/raw.sock", "written in the consumer's memory")
    expect("descriptor: written in the consumer's memory" in outcome.output, outcome.output)
    return f"the provider read through it: {outcome.output.splitlines()[0]}"


def is_absent(engine, c):
    listing = engine.execute(c, "ls", "-la", "/run/svc")
    expect(listing.code == 0 and "keys.sock" not in listing.output and "modem.sock" in listing.output, listing.output)
    return listing.output


def stop_all(engine, bed, before):
    bed.stop_all(engine)
    left = host.wait_until(lambda: not leftovers(bed, before), 5) or leftovers(bed, before)
    expect(left is True, "left behind:\n" + "\n".join(left if left is not True else []))
    return "no process, no mount, no socket, no control group, no state of ours is left"


def leftovers(bed, before):
    """Only what carries our names counts: this is a living machine."""
    lines = host.difference(before, bed.snapshot())
    ours = [line for line in lines if bed.mark in line or line.startswith("state:")]
    return ours + [line for line in lines if line.startswith("processes: new: xc-")]


def show(engine, version):
    bed = beds.Bed(house.WORK)
    before = bed.snapshot()
    try:
        provider = bed.container("modem", PROVIDER, services=OFFERS)
        consumer = bed.container("dialer", ["xc-test-client", "get", "/run/svc/modem.sock", "/v1/status"], run=WANTS)
        later = bed.container("operator-panel", ["sleep", "600"], run=WANTS)
        file = "lxc's config" if engine.is_lxc else "config.json"
        print(f"\n{version}: the only mention of xconnect is the hook in {file}\n      {' '.join(bed.hook())}")
        step("start the provider; its services.json offers modem-api, modem-raw, modem-keys",
             lambda: start_provider(engine, provider))
        step("start a consumer; its very first command calls the API", lambda: first_call(engine, consumer))
        step("start another consumer, which stays", lambda: start(engine, later))
        step("it calls the API", lambda: call_api(engine, later))
        step("a file descriptor crosses the raw socket", lambda: pass_descriptor(engine, later))
        step("the service that was not granted (modem-keys) is not there", lambda: is_absent(engine, later))
        step("stop the provider and start it again", lambda: (engine.stop(provider), provider.clear_console(),
                                                              start_provider(engine, provider))[-1])
        step("the consumer's next call works", lambda: call_api(engine, later))
        step("stop everything", lambda: stop_all(engine, bed, before))
    except Failed as failure:
        print(f"FAILED\n{failure}\n--- log of the hooks\n{bed.log_text()}")
        return False
    finally:
        bed.stop_all(engine)
        bed.remove()
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["runc", "lxc", "all"], default="all")
    chosen = parser.parse_args().engine
    names = ["runc", "lxc"] if chosen == "all" else [chosen]
    with tempfile.TemporaryDirectory(prefix="xconnect-demo.", dir="/run") as directory:
        house.WORK = Path(directory)
        house.WORK.chmod(0o755)
        good = True
        for name in names:
            engine = engines.every_engine()[name]
            command = ["lxc-start", "--version"] if engine.is_lxc else ["runc", "--version"]
            version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
            good = show(engine, f"LXC {version}" if engine.is_lxc else version) and good
    print("\nmain job: " + ("done" if good else "FAILED"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
