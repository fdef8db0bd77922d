"""xc-inject graph and render: pictures of who is linked with whom, and run.json out of args.json."""

import contextlib
import json
import socket
import subprocess
import threading

import pytest

import bed as beds
from jobs import RAW_WISH, REST_OFFER, REST_WISH, dialer, modem, serving, started
from window import inject

EDGES = [
    {"consumer": "dialer-ui", "consumer_pid": 4211, "provider": "modem", "provider_pid": 3987, "name": "modem-api",
     "type": "rest", "role": "dialer", "interface": "rest", "target": "/run/svc/modem.sock", "socket": "/run/modem/http.sock"},
    {"consumer": "dialer-ui", "consumer_pid": 4211, "provider": "_pv_", "provider_pid": 0, "name": "system-bus",
     "type": "dbus", "role": "dialer", "interface": "dbus", "target": "/run/dbus/system_bus_socket",
     "socket": "/run/pv/dbus/system_bus_socket", "uid": 90001},
    {"consumer": "viewer", "consumer_pid": -1, "provider": "panel", "provider_pid": -1, "name": "wayland-0",
     "type": "wayland", "role": "any", "interface": "wayland", "target": None, "socket": None}]


def good(outcome):
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def test_pantavisors_json_is_read_and_written_as_it_is(tmp_path):
    (tmp_path / "graph.json").write_text(json.dumps(EDGES))
    assert json.loads(good(inject("graph", "--json", "--read", tmp_path / "graph.json"))) == EDGES
    assert json.loads(good(inject("graph", "--json", "--read", "-", input=json.dumps(EDGES)))) == EDGES
    short = [{"consumer": "a", "name": "b"}]  # what is absent has the default of pv-ctrl
    (edge,) = json.loads(good(inject("graph", "--json", "--read", "-", input=json.dumps(short))))
    assert (edge["role"], edge["target"], edge["consumer_pid"]) == ("any", None, -1)


def test_the_tree_names_everything(tmp_path):
    text = good(inject("graph", "--read", "-", input=json.dumps(EDGES)))
    assert text.splitlines() == [
        "dialer-ui (pid 4211)",
        "  modem-api   rest  as dialer  at /run/svc/modem.sock          from modem (pid 3987) at /run/modem/http.sock",
        "  system-bus  dbus  as dialer  at /run/dbus/system_bus_socket  from the host at /run/pv/dbus/system_bus_socket",
        "viewer (not running)",
        "  wayland-0  wayland  as any  at (no target)  from panel (not running)"]


def test_dot_is_what_graphviz_reads(tmp_path):
    hostile = [{**EDGES[0], "consumer": 'a"b\\', "name": "x]; y -> z ["}]
    dot = good(inject("graph", "--dot", "--read", "-", input=json.dumps(EDGES + hostile)))
    plain = subprocess.run(["dot", "-Tplain"], input=dot, text=True, capture_output=True, check=True).stdout
    nodes = [line.split()[1] for line in plain.splitlines() if line.startswith("node ")]
    assert sum(line.startswith("edge ") for line in plain.splitlines()) == 4
    assert {"modem", "host", "panel", "viewer", '"dialer-ui"'} <= set(nodes) and len(nodes) == 6, nodes


def test_svg_is_made_when_graphviz_is_there_and_said_when_not(tmp_path):
    (tmp_path / "graph.json").write_text(json.dumps(EDGES))
    svg = good(inject("graph", "--svg", "--read", tmp_path / "graph.json"))
    assert "<svg" in svg and "modem&#45;api" in svg
    outcome = inject("graph", "--svg", "--read", tmp_path / "graph.json", env={"PATH": str(tmp_path)})
    assert (outcome.returncode, outcome.stdout) == (64, "") and "apt-get install graphviz" in outcome.stderr


@pytest.mark.parametrize("text, error", [
    ("{}", "expected a list of links, found an empty object"), ('[{"name": "b"}]', "/0: names no consumer, or no service"),
    ('[{"consumer": "a", "name": "b", "consumer_pid": -2}]', "/0/consumer_pid: expected a pid, 0 or -1"), ("[", "not JSON"),
    ('[{"consumer": "a\\u001b[31m", "name": "b"}]', "/0/consumer: expected")])
def test_a_graph_that_is_none_is_refused(text, error):
    outcome = inject("graph", "--read", "-", input=text)
    assert outcome.returncode == 78 and error in outcome.stderr, outcome


@contextlib.contextmanager
def pv_ctrl(path, answer, keep=False):
    """A stand-in for pv-ctrl: takes one question, sends `answer`, and closes unless `keep`."""
    asked = []
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve():
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(4096).decode())
                for at in range(0, len(answer), 1000):  # in pieces, as a loaded device would
                    connection.sendall(answer[at:at + 1000])
                if keep:
                    done.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        done.set()
        thread.join()
    path.unlink()


def http(body, status="200 OK", length=True):
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
    return (head + (f"Content-Length: {len(body)}\r\n" if length else "") + "\r\n" + body).encode()


@pytest.mark.parametrize("length, keep", [(True, False), (True, True), (False, False)])
def test_pv_ctrl_is_asked_over_its_socket(tmp_path, length, keep):
    many = EDGES * 60  # more than the predecessor's one read took
    with pv_ctrl(tmp_path / "pv-ctrl", http(json.dumps(many), length=length), keep) as asked:
        assert json.loads(good(inject("graph", "--json", "--pv-ctrl", tmp_path / "pv-ctrl"))) == many
    assert asked[0].startswith("GET /xconnect-graph HTTP/1.0\r\nHost: localhost\r\n")


@pytest.mark.parametrize("answer, code, words", [
    (http("{}", "403 Forbidden"), 77, 'status "403"; only the host'), (b"SSH-2.0-x\r\n", 78, "does not speak HTTP"),
    (b"", 78, "does not speak HTTP"), (http("[{]"), 78, "not JSON")])
def test_what_is_not_pv_ctrl_is_said(tmp_path, answer, code, words):
    with pv_ctrl(tmp_path / "pv-ctrl", answer):
        outcome = inject("graph", "--pv-ctrl", tmp_path / "pv-ctrl")
    assert outcome.returncode == code and words in outcome.stderr, outcome
    missing = inject("graph", "--pv-ctrl", tmp_path / "pv-ctrl")
    assert missing.returncode == 64 and "No such file" in missing.stderr


def test_a_trail_is_drawn_from_its_manifests(tmp_path):
    for name, file, content in (("modem", "services.json", beds.services(REST_OFFER)),
                                ("dialer", "run.json", beds.requires(REST_WISH)),
                                ("old", "args.json", {"PV_SERVICES_REQUIRED": [{"name": "nowhere"}]}), (".pvr", "json", {})):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(json.dumps(content))
    edges = json.loads(good(inject("graph", "--json", tmp_path)))
    assert [(e["consumer"], e["provider"], e["name"], e["target"], e["consumer_pid"]) for e in edges] == [
        ("dialer", "modem", "modem-api", "/run/svc/modem.sock", -1), ("old", "", "nowhere", None, -1)]
    assert "from nobody" in good(inject("graph", tmp_path))
    outcome = inject("graph", tmp_path / ".pvr")
    assert outcome.returncode == 64 and "holds no run.json" in outcome.stderr


def test_what_runs_is_drawn(bed, engine):
    provider = modem(bed)
    pid = serving(engine, provider)
    consumer = dialer(bed, wishes=[REST_WISH, RAW_WISH])
    own = started(engine, consumer)
    edges = json.loads(good(inject("graph", "--json", "--state", bed.state, "--config", bed.config)))
    (edge,) = [e for e in edges if e["name"] == "modem-api"]
    assert edge == {"consumer": consumer.name, "consumer_pid": own, "provider": provider.name, "provider_pid": pid,
                    "name": "modem-api", "type": "rest", "role": "viewer", "interface": "rest",
                    "target": "/run/svc/modem.sock", "socket": "/run/modem/api.sock"}
    assert f"from {provider.name} (pid {pid}) at /run/modem/raw.sock" in good(
        inject("graph", "--state", bed.state, "--config", bed.config))


# --- render ---------------------------------------------------------------------------------------------------------------

ARGS = {"PV_SERVICES_REQUIRED": [{"name": "modem-api", "role": "dialer", "target": "/run/svc/modem.sock"}],
        "PV_SERVICES_OPTIONAL": [{"name": "gpu0", "target": "/dev/dri/renderD128"}],
        "PV_RESTART_POLICY": "container", "TITLE": "dial\"er", "WEIGHT": 7}


def rendered(directory, args, form=None):
    (directory / "args.json").write_text(json.dumps(args))
    more = []
    if form is not None:
        (directory / "form").write_text(json.dumps(form))
        more = ["--template", directory / "form"]
    return inject("render", directory / "args.json", *more)


def test_args_become_a_run_json_that_check_takes(tmp_path):
    run = good(rendered(tmp_path, ARGS))
    assert json.loads(run) == {"#spec": "service-manifest-run@1", "restart_policy": "container",
                               "services": {"required": ARGS["PV_SERVICES_REQUIRED"], "optional": ARGS["PV_SERVICES_OPTIONAL"]}}
    (tmp_path / "run.json").write_text(run)
    assert inject("check", tmp_path / "run.json").returncode == 0


def test_a_template_is_filled(tmp_path):
    form = {"#spec": "service-manifest-run@1", "name": "${args.NAME:-dialer}", "title": "${args.TITLE} ${args.WEIGHT}",
            "weight": "${args.WEIGHT}", "gone": "${args.NOBODY}", "list": ["a", "${args.NOBODY}", "${args.WEIGHT}"],
            "services": {"required": "${args.PV_SERVICES_REQUIRED}"}, "plain": "$x {args.y} ${other}"}
    run = good(rendered(tmp_path, ARGS, form))
    assert json.loads(run) == {"#spec": "service-manifest-run@1", "name": "dialer", "title": 'dial"er 7', "weight": 7,
                               "list": ["a", 7], "plain": "$x {args.y} ${other}",
                               "services": {"required": ARGS["PV_SERVICES_REQUIRED"], "optional": ARGS["PV_SERVICES_OPTIONAL"]}}
    assert list(json.loads(run)) == [key for key in form if key not in ("gone", "plain", "services")] + ["services", "plain"]


@pytest.mark.parametrize("args, form, error", [
    ({"PV_SERVICES_REQUIRED": {}}, None, "/PV_SERVICES_REQUIRED: expected a list"),
    (ARGS, {"name": "x ${args.NOBODY}"}, 'has no "NOBODY", which the template puts into text'),
    (ARGS, {"name": "x ${args.PV_SERVICES_REQUIRED}"}, "is no text, and the template puts it into some"),
    (ARGS, {"services": {"required": "${args.WEIGHT}"}}, "/services/required: expected a list"),
    (ARGS, [], "form: expected an object, found an empty list")])
def test_what_would_not_be_a_run_json_is_refused(tmp_path, args, form, error):
    outcome = rendered(tmp_path, args, form)
    assert (outcome.returncode, outcome.stdout) == (78, "") and error in outcome.stderr, outcome
