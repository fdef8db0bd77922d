"""The two containers of the main job: a modem that exports a REST service and a raw socket, a dialer that asks for
them. Tests start from these and change what they are about."""

import contextlib
import json
import os

import bed as beds
import host

API = "/run/svc/modem.sock"
RAW = "/run/svc/raw.sock"
LONG = os.environ.get("XC_LONG") == "1"  # full counts of the cases that repeat an act thousands of times

REST_OFFER = {"name": "modem-api", "type": "rest", "socket": "/run/modem/api.sock"}
RAW_OFFER = {"name": "modem-raw", "type": "unix", "socket": "/run/modem/raw.sock", "roles": {"any": {"unix": {"fds": 28}}}}
REST_WISH = {"name": "modem-api", "type": "rest", "role": "viewer", "target": API}
RAW_WISH = {"name": "modem-raw", "target": RAW}
AS_LONG_AS_NEEDED = ("sleep", "100000")  # the test ends it, however slow the machine is
PATIENCE = 60  # seconds for a program in a container
SERVE = "mkdir -p /run/modem && exec xc-test-provider --rest /run/modem/api.sock --raw /run/modem/raw.sock"


def modem(bed, name="modem", offers=(REST_OFFER, RAW_OFFER), options="", **more):
    return bed.container(name, ["sh", "-c", f"{SERVE} --name {name} {options}"], services=beds.services(*offers), **more)


def dialer(bed, args=AS_LONG_AS_NEEDED, name="dialer", wishes=(REST_WISH, RAW_WISH), optional=(), **more):
    return bed.container(name, args, run=beds.requires(*wishes, optional=list(optional)), **more)


def started(engine, c):
    outcome = engine.start(c)
    assert outcome.code == 0, f"{outcome.output}\n{c.console_text()}"
    return outcome.pid


def serving(engine, c):
    """Starts a provider and waits until its sockets are there."""
    c.clear_console()
    pid = started(engine, c)
    assert host.wait_until(lambda: "ready" in c.console_text(), 20), c.console_text()
    return pid


def get(pid, path="/v1/status", *headers, socket=API):
    """The provider's JSON answer to a GET made inside the container."""
    outcome = beds.inside(pid, "xc-test-client", "get", socket, path, *headers, timeout=PATIENCE)
    assert outcome.code == 0, outcome.output
    return json.loads(outcome.output.splitlines()[-1])


def client(pid, *arguments, timeout=PATIENCE):
    return beds.inside(pid, "xc-test-client", *arguments, timeout=timeout).output


def has(pid, path, kind="-e"):
    """Whether the path exists in the container."""
    return beds.inside(pid, "test", kind, path, timeout=PATIENCE).code == 0


def remove_group(path):
    """A control group is empty a moment before it can be removed."""
    def removed():
        with contextlib.suppress(OSError):
            os.rmdir(path)
        return not os.path.exists(path)
    assert host.wait_until(removed, 5), path


def refused(bed, engine, c, why=""):
    """The container must not start, at once, and the log of the hook says why."""
    outcome = engine.start(c)
    assert outcome.code not in (0, 124), f"it started, or hung: {outcome}"
    assert why in bed.log_text(), bed.log_text()
