"""The live window on running containers: status, trace, top, apply and revoke."""

import contextlib
import json
import os
import socket
import subprocess
import threading

import pytest

import bed as beds
import host
from jobs import API, RAW, RAW_OFFER, RAW_WISH, REST_OFFER, REST_WISH, client, dialer, get, has, modem, serving, started
from live import inject, services_of, status, terminal, trace  # noqa: F401

RULED = {**REST_OFFER, "roles": {"viewer": {"rest": [{"methods": ["GET"], "paths": ["/v1/**"]}]}}}


@pytest.fixture(params=["runc", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


# --- trace ---------------------------------------------------------------------------------------------------------------

def test_a_trace_shows_requests_answers_and_refusals_of_links_that_run_already(bed, engine, trace):
    serving(engine, modem(bed, offers=[RULED, RAW_OFFER]))
    c = dialer(bed)
    pid = started(engine, c)
    assert get(pid)["role"] == "viewer"  # its worker runs before anybody looks
    look = trace(c.name)
    get(pid, "/v1/status")
    client(pid, "get", API, "/v2/secret")
    client(pid, "echo", RAW, "bytes")
    lines = look.end()
    assert [line for line in lines if f"{c.name}/modem-api  GET /v1/status  200  " in line and " received " in line], lines
    assert [line for line in lines if "GET /v2/secret  403" in line and "refused: " in line], lines
    assert [line for line in lines if f"{c.name}/modem-raw  -> 5 B" in line], lines
    assert [line for line in lines if f"{c.name}/modem-raw  opened" in line], lines
    assert not any("bytes" in line for line in lines), "payloads are off"
    refusals = status(bed, c.name)["links"][0]["last-reasons"]
    assert refusals and refusals[-1].startswith("403 GET /v2/secret: "), refusals


def test_a_trace_filters_and_shows_payloads_when_it_is_asked_to(bed, runc, trace):
    serving(runc, modem(bed, offers=[RULED, RAW_OFFER]))
    c = dialer(bed)
    pid = started(runc, c)
    refused, raw = trace(c.name, "--verdict", "refused"), trace(f"{pid}/modem-raw", "--payload", "--from", "client")
    matched = trace("--match", "*GET /v1/o?e *", "--json")
    for path in ("/v1/one", "/v2/two"):
        client(pid, "get", API, path)
    client(pid, "pass", RAW, "0123456789abcdef!")
    assert [line.split("  ")[1] for line in refused.end()] == ["GET /v2/two"]
    only, = (json.loads(line) for line in matched.end())
    assert (only["container"], only["service"], only["path"], only["status"]) == (c.name, "modem-api", "/v1/one", 200)
    lines = raw.end()
    assert not any("<-" in line for line in lines), lines
    assert any("+1 fd" in line for line in lines), lines


def test_a_trace_in_a_file_is_read_back_as_it_was_shown(bed, runc, trace):
    serving(runc, modem(bed))
    c = dialer(bed)
    pid = started(runc, c)
    file = bed.home / "trace.jsonl"
    shown, kept = trace(c.name), trace(c.name, "--output", file)
    get(pid, "/v1/kept")
    client(pid, "echo", RAW, "kept")
    cut = lambda lines: [line.partition(" ")[2] for line in lines]  # each stamps by itself
    lines = cut(shown.end())
    assert kept.end() == [] and lines
    back = subprocess.run([beds.INJECT, "trace", "--read", file], capture_output=True, text=True, check=True, timeout=20)
    assert sorted(cut(back.stdout.splitlines())) == sorted(lines)
    hostile = bed.home / "hostile.jsonl"
    hostile.write_text('{"event":"exchange","method":"GET","path":"/\\u001b]0;x\\u0007","status":200}\nnonsense\n')
    back = subprocess.run([beds.INJECT, "trace", "--read", hostile], capture_output=True, text=True, check=True, timeout=20)
    assert "\x1b" not in back.stdout and "/\\x1b]0;x\\x07" in back.stdout and "unreadable" in back.stdout, back.stdout


def test_a_link_that_comes_later_is_traced_too(bed, runc, trace):
    serving(runc, modem(bed))
    started(runc, dialer(bed))
    look = trace()
    late = dialer(bed, name="late")
    pid = started(runc, late)
    assert host.wait_until(lambda: status(bed, late.name)["observers"] == 2, 5)
    get(pid)
    assert any(f"{late.name}/modem-api  GET" in line for line in look.end())


def test_a_reader_who_does_not_read_delays_nobody_and_is_told_what_he_missed(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    pid = started(runc, c)
    get(pid)
    process = subprocess.Popen([beds.INJECT, "trace", f"{c.name}/modem-raw", "--state", bed.state, "--payload"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert host.wait_until(lambda: status(bed, c.name)["observers"] == 1, 5)
        assert client(pid, "churn", RAW, 3000, timeout=120) == "connected 3000 of 3000\n"  # nobody reads the pipe
        assert client(pid, "echo", RAW, "still served") == "still served"
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)
        reader.start()
        def said():
            client(pid, "echo", RAW, "x")
            return any("lines lost: they came faster than they were read" in line for line in list(lines))
        assert host.wait_until(said, 15, 0.2), lines[-3:]
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_a_broken_pipe_and_an_unknown_link_are_said_quietly(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    pid = started(runc, c)
    done = inject(bed, "trace", f"{c.name}/nothing", code=64)
    assert done.stderr == f'xc-inject: "{c.name}/nothing": no such link is served\n'
    piped = subprocess.Popen(f"{beds.INJECT} trace --state {bed.state} | head -n 1", shell=True, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert host.wait_until(lambda: status(bed, c.name)["observers"] > 0, 5)
    assert host.wait_until(lambda: get(pid) and piped.poll() is not None, 5), "head took its line, and nobody minds"
    out, errors = piped.communicate(timeout=60)
    assert len(out.splitlines()) == 1 and errors == ""


# --- apply and revoke ----------------------------------------------------------------------------------------------------

def test_apply_adds_a_link_and_revoke_takes_it_away_with_its_connections(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[REST_WISH])
    pid = started(engine, c)
    told = inject(bed, "apply", c.name, f"modem-raw={RAW}", "--config", bed.config).stdout
    assert told.startswith(f"{c.name}: modem-raw is at {RAW}\n")
    assert client(pid, "echo", RAW, "at once") == "at once"
    assert services_of(bed, c.name) == ["modem-api", "modem-raw"]
    with socket.socket(socket.AF_UNIX) as held:
        held.settimeout(60)
        held.connect(f"/proc/{pid}/root{RAW}")
        held.sendall(b"x")
        assert held.recv(1) == b"x", "it is not served yet"
        inject(bed, "revoke", pid, "modem-raw")
        assert held.recv(1) == b"", "a connection outlived its link"
    assert not has(pid, RAW)
    assert get(pid)["role"] == "viewer", "the other link was harmed"
    assert services_of(bed, c.name) == ["modem-api"]
    inject(bed, "apply", pid, f"modem-raw={RAW}", "--config", bed.config)
    assert client(pid, "echo", RAW, "again") == "again"


def test_a_direct_link_is_added_and_taken_away_as_well(bed, runc):
    serving(runc, modem(bed, offers=[REST_OFFER, {**RAW_OFFER, "via": "direct", "roles": {"any": {"unix": {"fds": 253}}}}]))
    c = dialer(bed, wishes=[REST_WISH])
    pid = started(runc, c)
    for _ in range(2):
        inject(bed, "apply", c.name, f"modem-raw={RAW}", "--config", bed.config)
        assert client(pid, "echo", RAW, "straight") == "straight"
        assert [link["state"] for link in status(bed, c.name)["links"]] == ["open", "direct"]
        inject(bed, "revoke", c.name, "modem-raw")
        assert not has(pid, RAW)


def test_a_link_at_a_rendezvous_is_added_and_taken_away_as_well(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed, wishes=[REST_WISH])
    pid = started(runc, c)
    for _ in range(2):
        inject(bed, "apply", c.name, "modem-raw=fd:raw", "--config", bed.config)
        assert has(pid, "/dev/xconnect/raw")
        inject(bed, "revoke", c.name, "modem-raw")
        assert not has(pid, "/dev/xconnect"), "a socket of a link that is gone was left"


def test_the_last_link_goes_and_comes_without_a_new_shim(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed, wishes=[RAW_WISH])
    pid = started(runc, c)
    shims = host.named("xc-shim")
    inject(bed, "revoke", c.name, "modem-raw")
    assert not has(pid, RAW) and services_of(bed, c.name) == []
    inject(bed, "apply", c.name, f"modem-api:viewer={API}", "--config", bed.config)
    assert get(pid)["role"] == "viewer" and host.named("xc-shim") == shims


def test_a_container_that_only_offers_gets_a_shim_with_its_first_link(bed, engine):
    serving(engine, modem(bed))
    c = modem(bed, "other", offers=[{"name": "other", "type": "unix", "socket": "/run/modem/raw.sock"}])
    pid = serving(engine, c)
    inject(bed, "apply", c.name, f"modem-raw={RAW}", "--config", bed.config)
    assert client(pid, "echo", RAW, "first") == "first"


def test_a_container_without_hooks_is_known_by_its_pid_and_the_name_it_is_given(bed, engine):
    serving(engine, modem(bed))
    c = bed.container("plain", hook=[])
    pid = started(engine, c)
    assert "say with --name who it is" in inject(bed, "apply", pid, f"modem-api={API}", code=64).stderr
    assert "no such container is served" in inject(bed, "apply", c.name, f"modem-api={API}", code=64).stderr
    inject(bed, "apply", pid, f"modem-api={API}", "--name", c.name, "--config", bed.config)
    assert get(pid)["client"] == c.name


def test_of_two_containers_with_one_name_none_is_chosen(bed, runc):
    serving(runc, modem(bed))
    pids = [started(runc, bed.container(name, hook=[])) for name in ("one", "other")]
    for pid in pids:
        inject(bed, "apply", pid, f"modem-api={API}", "--name", "same", "--config", bed.config)
    assert "means two containers that run" in inject(bed, "revoke", "same", "modem-api", code=64).stderr
    inject(bed, "revoke", pids[0], "modem-api")
    assert get(pids[1])["client"] == "same"
    inject(bed, "revoke", pids[1], "modem-api")


@pytest.mark.parametrize("link, code, words", [
    ("modem-raw:operator=/run/x", 77, "no policy entry allows"),
    ("modem-raw=/etc/passwd", 78, "/etc/passwd"),
    (f"modem-raw={API}", 78, API),
    ("mo/dem=/run/x", 78, "is not a name"),
    ("modem-raw=/run/../x", 78, "/run/../x"),
])
def test_apply_refuses_what_the_hook_would_and_leaves_nothing(bed, runc, link, code, words):
    serving(runc, modem(bed))
    bed.policy("p.json", {"#spec": "xconnect-policy@1", "allow": [
        {"consumer": "*", "service": "*", "roles": ["viewer", "any"]}]})
    c = dialer(bed, wishes=[REST_WISH])
    assert get(started(runc, c))["role"] == "viewer"  # the shim has its control group by now
    before = bed.snapshot()
    assert words in inject(bed, "apply", c.name, link, "--config", bed.config, code=code).stderr
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot())), host.difference(before, bed.snapshot())
    assert services_of(bed, c.name) == ["modem-api"]


def test_apply_that_fails_at_its_last_step_is_undone_wholly(bed, runc):
    """The shim is there, but takes no order."""
    serving(runc, modem(bed))
    c = dialer(bed, wishes=[REST_WISH])
    pid = started(runc, c)
    assert get(pid)["role"] == "viewer"  # the shim has its control group by now
    record = next((bed.state / "c").glob(f"{c.name}.*")) / "record"
    before, kept = bed.snapshot(), record.read_text()
    orders = record.parent / "orders"
    orders.rename(record.parent / "elsewhere")
    try:
        inject(bed, "apply", c.name, f"modem-raw={RAW}", "--config", bed.config, code=71)
    finally:
        (record.parent / "elsewhere").rename(orders)
    assert not has(pid, RAW) and record.read_text() == kept
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot())), host.difference(before, bed.snapshot())
    assert get(pid)["role"] == "viewer"


def test_links_that_came_and_went_leave_nothing_when_the_container_ends(bed, engine):
    serving(engine, modem(bed))
    before = bed.snapshot()
    c = dialer(bed, wishes=[REST_WISH], tmpfs=[])  # its root file system stays
    pid = started(engine, c)
    for _ in range(3):
        inject(bed, "apply", c.name, f"modem-raw={RAW}", "--config", bed.config)
        inject(bed, "revoke", c.name, "modem-api")
        inject(bed, "apply", c.name, f"modem-api={API}", "--config", bed.config)
        inject(bed, "revoke", c.name, "modem-raw")
    assert get(pid)["role"] == "any"
    engine.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 3), host.difference(before, bed.snapshot())
    assert not os.path.lexists(c.root / "run/svc"), os.listdir(c.root / "run/svc")


# --- status and top, as a person sees them -------------------------------------------------------------------------------

def test_status_tells_why_a_place_was_passed_over_and_which_limit_was_hit(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed, wishes=[{**RAW_WISH, "target": ["/tmp/taken", RAW]}])
    (c.root / "tmp/taken").write_text("somebody's file")
    pid = started(runc, c)
    with contextlib.ExitStack() as held:
        for count in (60, 140):  # the first are taken before the others come: the worker's queue is a limit of its own
            throng = held.enter_context(beds.in_background(pid, "xc-test-client", "throng", RAW, count))
            assert throng.stdout.readline() == "connected\n"
            assert count > 60 or client(pid, "echo", RAW, "taken") == "taken"
        assert host.wait_until(lambda: status(bed, c.name)["links"][0]["limits"].get("connections"), 5)
    told = inject(bed, "status", c.name).stdout
    for words in (f"place      {RAW}", "not at     /tmp/taken: ", "limit hit  connections, ", "provider   "):
        assert words in told, told


def test_watch_redraws_and_ends_with_q(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    pid = started(engine, c)
    with terminal(bed.home, beds.INJECT, "ps", "--watch", 1, "--state", bed.state) as screen:
        assert screen.shows("CONTAINER") and screen.shows(c.name), screen.text()
        get(pid)
        assert host.wait_until(lambda: any(line.split()[-3:] == ["0", "1", "0"] for line in screen.text().splitlines()), 5), \
            screen.text()
        screen.press("q")
        assert screen.shows("over"), screen.text()
        assert "CONTAINER" not in screen.text(), "the screen before is back"


def test_top_shows_rates_latencies_and_costs_and_sorts_by_key(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    pid = started(engine, c)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            get(pid)

    busy = threading.Thread(target=work)
    busy.start()
    try:
        row = lambda: [line.split() for line in screen.text().splitlines() if "modem-api" in line]
        with terminal(bed.home, beds.INJECT, "top", "--interval", 1, "--state", bed.state) as screen:
            assert screen.shows("sorted by name"), screen.text()
            assert host.wait_until(lambda: any({"us", "ms"} & set(line) for line in row()), 8, 0.2), screen.text()
            screen.press("s")
            assert screen.shows("sorted by messages"), screen.text()
            screen.press("q")
            assert screen.shows("over"), screen.text()
        plain = inject(bed, "top", "--once", "--interval", 1).stdout
        assert "\x1b" not in plain and "modem-api" in plain
        rows = []

        def saw_work():  # on a busy machine not one request may begin and end within the second
            rows[:] = json.loads(inject(bed, "top", c.name, "--once", "--interval", 1, "--json").stdout)
            return next(one for one in rows if one["service"] == "modem-api")["messages"] > 0

        assert host.wait_until(saw_work, 5), rows
    finally:
        stop.set()
        busy.join()
    whole, api = rows[0], next(one for one in rows if one["service"] == "modem-api")
    assert api["to-client"] > 0 and 0 < api["p50"] <= api["p99"], api
    assert whole["service"] == "" and whole["pss"] > api["pss"] > 0, rows


def test_a_narrow_terminal_has_whole_lines_and_the_columns_that_matter(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed)
    started(runc, c)
    with terminal(bed.home, beds.INJECT, "ps", "--state", bed.state, columns=80) as screen:
        assert screen.shows("over"), screen.text()
        lines = screen.text().split("over")[0].splitlines()
        assert len(lines) == 5 and "TARGET" in lines[0] and "REFUSED" in lines[0] and "TYPE" not in lines[0], lines
    with terminal(bed.home, beds.INJECT, "top", "--state", bed.state, columns=80) as screen:
        assert all(screen.shows(word) for word in ("PSS", "MSG/s", "KiB")), screen.text()
        screen.press("q")
    with terminal(bed.home, beds.INJECT, "doctor", "--all", "--state", bed.state, "--config", bed.config, columns=80) as screen:
        assert screen.shows("over"), screen.text()
        sentences = [line for line in screen.text().splitlines() if not line.startswith("         -> ")]
        assert not any(len(line) == 80 and not line.endswith((" ", "-", ",")) for line in sentences), sentences
    wide = inject(bed, "ps").stdout
    assert "TYPE" in wide and "ROLE" in wide, "what is not for a terminal has every column"


def test_what_cannot_be_written_is_an_error_and_a_host_where_nothing_ran_is_none(bed):
    for words in (["explain", "EPERM"], ["completion", "bash"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([beds.INJECT, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr) == (71, "xc-inject: standard output: No space left on device\n")
    assert inject(bed, "ps").stdout == "no container is served\n" == inject(bed, "status").stdout
    assert json.loads(inject(bed, "ps", "--json").stdout) == [] and inject(bed, "graph").stdout == "no links\n"
    assert inject(bed, "status", "dialer", code=64).stderr.endswith(": no container was ever served from here\n")
