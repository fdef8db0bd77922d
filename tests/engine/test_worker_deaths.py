"""What becomes of connections when their worker dies."""

import contextlib
import json
import os
import signal
import subprocess

import pytest

import bed as beds
import host
from jobs import API, RAW, client
from test_shim import Link


@pytest.fixture
def link(bed, runc):
    return Link(bed, runc)


def served(bed, link, service):
    """How many connections the monitor has handed to workers of this service."""
    done = subprocess.run([beds.INJECT, "status", link.consumer.name, "--json", "--state", bed.state], check=True,
                          capture_output=True, text=True)
    return next(one["connections"] for one in json.loads(done.stdout)[0]["links"] if one["service"] == service)


@pytest.mark.parametrize("service", ["modem-api", "modem-raw"])
def test_what_a_dying_worker_has_not_taken_is_for_the_next_one(bed, link, service):
    """Handed over, and still in its queue: the worker sleeps and is killed, as if it had died a moment too early."""
    before, call = served(bed, link, service), {"modem-api": ("get", API, "/v1/status"), "modem-raw": ("echo", RAW, "x")}
    workers, count = link.workers, 5
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    with contextlib.ExitStack() as waiting:
        calls = [waiting.enter_context(beds.in_background(link.pid, "xc-test-client", *call[service])) for _ in range(count)]
        assert host.wait_until(lambda: served(bed, link, service) == before + count, 10)
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        answers = [one.stdout.read() for one in calls]
    expected = '"role":"viewer"' if service == "modem-api" else "x"
    assert all(expected in answer for answer in answers), (answers, bed.log_text())
    assert served(bed, link, service) == before + count
    assert "the next worker has the connections that the last one had not taken, 5" in bed.log_text()
    assert host.wait_until(lambda: not set(workers) & set(link.workers), 5)


def test_what_a_worker_has_taken_ends_with_it(bed, link):
    """Whoever made it die would make the next one die, too."""
    with beds.in_background(link.pid, "xc-test-client", "hold", RAW, "taken\n") as taken:
        assert taken.stdout.readline() == "taken\n"  # the echo came through the worker
        workers = link.workers
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        assert host.wait_until(lambda: bed.log_text().count("was ended by signal 9") == len(workers), 5), bed.log_text()
        assert taken.stdout.read() == "ended\n"
        assert client(link.pid, "echo", RAW, "afterwards") == "afterwards"
    assert "had not taken" not in bed.log_text()
