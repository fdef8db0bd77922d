"""Hostile and mistaken manifests, seen through real starts: refused with a reason and nothing left, or without effect."""

import json
import os
import threading

import pytest

import bed as beds
import host
from jobs import API, LONG, RAW, RAW_OFFER, RAW_WISH, REST_OFFER, REST_WISH, client, dialer, get, has, modem, refused
from jobs import serving, started


def wishing(bed, *targets):
    """A consumer of the raw service, once for each target."""
    return dialer(bed, wishes=[{**RAW_WISH, "target": target} for target in targets])


def test_man_04_a_duplicate_key_is_neither_first_nor_last(bed, runc):
    c = bed.container("dialer", run='{"services":{"required":[{"name":"modem-api","role":"viewer","role":"admin",'
                                    '"target":"/run/svc/modem.sock"}]}}')
    refused(bed, runc, c, "duplicate key")


@pytest.mark.parametrize("name", ["a+b", "n" * 65])
def test_a_container_that_asks_for_nothing_may_have_any_name_its_engine_takes(bed, runc, name):
    c = bed.container("odd", edit_oci=lambda config: config.update(hostname="odd"))
    c.name = f"{bed.mark}{name}"
    started(runc, c)
    runc.stop(c)
    c.write("run.json", beds.requires(RAW_WISH))
    refused(bed, runc, c, "is not a name")


@pytest.mark.parametrize("first", ["root", "ROOT", "Root"])
def test_man_05_two_roots_in_config_json_never_touch_the_unused_one(bed, oci, first):
    serving(oci, modem(bed, offers=[RAW_OFFER]))
    c = dialer(bed, ["sh", "-c", "cat /which; sleep 100000"], wishes=[RAW_WISH], tmpfs=[])
    other = c.home / "rootfs2"
    beds.shutil.copytree(c.root, other, symlinks=True)
    (c.root / "which").write_text("rootfs\n")
    (other / "which").write_text("rootfs2\n")
    oci.prepare(c)
    good = (c.home / "config.json").read_text()
    second = "ROOT" if first == "root" else "root"
    start = good.index('"root": {')
    end = good.index("}", start) + 1
    c.config_text = (good[:start] + f'"{first}": {{"path": "rootfs"}}, "{second}": {{"path": "rootfs2"}}' + good[end:])
    before = {path: host.entries(path) for path in (c.root, other)}
    outcome = oci.start(c)
    changed = [path.name for path in before if host.entries(path) != before[path]]
    if outcome.code == 0:
        assert host.wait_until(lambda: c.console_text().endswith("\n"), 5)
        assert set(changed) <= {c.console_text().strip()}
    else:
        assert changed == []


@pytest.mark.parametrize("target", ["../../etc/cron.d/x", "/run/../../../../etc/x", "/run/./../../x", "/run/a/..", "/.."])
def test_man_08_a_target_that_climbs_is_refused_on_sight(bed, runc, target):
    refused(bed, runc, wishing(bed, target), "modem-raw")


@pytest.mark.parametrize("target", ["run/nm/api.sock", "./x", "", " /run/x", "/run//x", "/run/./x"])
def test_man_09_a_target_that_is_not_absolute_and_canonical_is_refused(bed, runc, target):
    refused(bed, runc, wishing(bed, target))


@pytest.mark.parametrize("target", ["/", "//", "/.", "/run/", "/run", "/etc/x.sock", "/usr/x", "/proc/x", "/sys/x"])
def test_man_10_a_target_that_is_no_place_for_a_socket_is_refused(bed, runc, target):
    refused(bed, runc, wishing(bed, target))


@pytest.mark.parametrize("member", ["name", "role"])
@pytest.mark.parametrize("text", ["\x1b[31mred", "x\r\nok: planted", "x\x7f", "x\u202ey"], ids=["esc", "crlf", "del", "bidi"])
def test_man_14_control_characters_in_names_are_refused_and_never_logged(bed, runc, member, text):
    lines = len(bed.log_text().splitlines())
    refused(bed, runc, dialer(bed, wishes=[{**REST_WISH, member: text}]))
    log = bed.log_text()
    assert not set(log) & set("\x1b\r\x7f\u202e")
    assert len(log.splitlines()) == lines + 1


def test_man_15_unknown_members_change_nothing(bed, runc):
    serving(runc, modem(bed))
    c = dialer(bed, wishes=[{**REST_WISH, "hookpath": "/x", "allow": "*", "uid": 0}])
    run = json.loads((c.home / "run.json").read_text())
    c.write("run.json", {**run, "env": {"LD_PRELOAD": "/x.so"}, "hookpath": "/x", "allow": "*"})
    answer = get(started(runc, c))
    assert (answer["client"], answer["role"]) == (c.name, "viewer")
    for pid in host.named("xc-shim"):
        assert b"LD_PRELOAD" not in open(f"/proc/{pid}/environ", "rb").read()


def a_fifo(path):
    os.mkfifo(path)


def a_socket(path):
    import socket
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(path.parent)
        one.bind(path.name)
        os.chdir(here)


def a_directory(path):
    path.mkdir()


def a_device(path):
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))


def an_empty_file(path):
    path.touch()


def a_link(path):
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("name", ["services.json", "run.json"])
@pytest.mark.parametrize("make", [a_fifo, a_socket, a_directory, a_device, an_empty_file, a_link])
def test_man_17_what_is_not_a_regular_file_is_refused_at_once(bed, runc, name, make):
    c = bed.container("odd")
    make(c.home / name)
    refused(bed, runc, c, name)


@pytest.mark.parametrize("make", [a_fifo, a_socket, a_directory, a_device, an_empty_file, a_link])
def test_man_17_nor_is_it_read_from_an_image(bed, engine, make):
    c = bed.container("odd")
    (c.root / "etc/xconnect").mkdir()
    make(c.root / "etc/xconnect/services.json")
    refused(bed, engine, c, "services.json")


def test_man_18_a_manifest_swapped_for_a_link_never_reads_the_other_file(bed, runc):
    c = modem(bed)
    secret = bed.home / "secret"
    secret.write_text('{"CANARY": [], "services": [ CANARY ]}')
    path, spare = c.home / "services.json", c.home / "spare"
    stop = threading.Event()

    def swap():
        good = path.read_bytes()
        while not stop.is_set():
            spare.symlink_to(secret)
            os.replace(spare, path)
            spare.write_bytes(good)
            os.replace(spare, path)

    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        for _ in range(200 if LONG else 20):
            outcome = runc.start(c)
            assert outcome.code != 124 and "CANARY" not in outcome.output
            runc.stop(c)
    finally:
        stop.set()
        attacker.join()
    assert "CANARY" not in bed.log_text()


@pytest.mark.parametrize("number", ["1e999", "-0", "18446744073709551616", "0x10", "01", "NaN", "Infinity", "-1", "1.5"])
def test_man_19_numbers_that_are_no_json_or_out_of_range_are_refused(bed, runc, number):
    offer = json.dumps(RAW_OFFER).replace("28", number)
    c = modem(bed)
    c.write("services.json", '{"services":[' + offer + "]}")
    refused(bed, runc, c, "services.json")


@pytest.mark.parametrize("targets", [("/run/svc/x.sock", "/run/svc/x.sock"), ("/run/a", "/run/a/b"), ("/run/a/b", "/run/a")])
def test_man_23_targets_that_are_in_each_others_way_are_refused(bed, runc, targets):
    refused(bed, runc, wishing(bed, *targets), "target")


def test_man_24_an_optional_service_nobody_may_use_leaves_no_stub(bed, runc):
    bed.policy("none.json", {"#spec": "xconnect-policy@1", "allow": []})
    serving(runc, modem(bed, offers=[REST_OFFER, RAW_OFFER]))
    pid = started(runc, dialer(bed, wishes=[], optional=[REST_WISH, RAW_WISH]))
    assert not has(pid, API) and not has(pid, RAW)
    assert "modem-api" in bed.log_text()


def test_man_24_a_required_service_nobody_may_use_stops_the_start(bed, runc):
    bed.policy("none.json", {"#spec": "xconnect-policy@1", "allow": []})
    serving(runc, modem(bed))
    refused(bed, runc, dialer(bed), "modem-api")


def test_policy_narrows_what_the_manifest_asks(bed, runc):
    bed.policy("viewers.json", {"#spec": "xconnect-policy@1", "allow": [
        {"consumer": "*-dialer", "service": "modem-api",
         "roles": {"viewer": {"rest": [{"methods": ["GET"], "paths": ["/v1/**"]}]}}}]})
    serving(runc, modem(bed))
    pid = started(runc, dialer(bed, wishes=[REST_WISH]))
    assert get(pid, "/v1/status")["role"] == "viewer"
    assert client(pid, "get", API, "/v2/status").startswith("HTTP/1.1 403")
    assert client(pid, "get", API, "/v1/../v2/status").startswith("HTTP/1.1 40")
    refused(bed, runc, dialer(bed, name="other", wishes=[REST_WISH]), "modem-api")


def test_many_warnings_do_not_swallow_the_reason(bed, runc):
    optional = [{"name": f"bus-{i}", "type": "dbus", "target": f"/run/bus/{i}"} for i in range(40)]
    c = dialer(bed, wishes=[RAW_WISH], optional=optional, tmpfs=[])
    (c.root / "run/svc").mkdir()
    (c.root / "run/svc/raw.sock").write_text("in the way")
    refused(bed, runc, c, "raw.sock: a file with contents is there already")


@pytest.mark.parametrize("kind", ["dgram"])
def test_a_kind_of_socket_that_is_not_mediated_is_refused(bed, runc, kind):
    """A stream's mediator would melt messages together, and nobody can be accepted from a datagram socket."""
    started(runc, modem(bed, offers=[{**RAW_OFFER, "socket-type": kind}]))
    refused(bed, runc, dialer(bed, wishes=[RAW_WISH]), 'must be offered with "via": "direct"')


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"services": 1}', '{"services":{"required":[{"role":"x"}]}}'])
def test_a_broken_run_json_is_named_with_its_place(bed, engine, text):
    refused(bed, engine, bed.container("dialer", run=text), "run.json")


@pytest.mark.parametrize("second", ["modem-api=/run/other.sock;role=viewer", f"modem-api={API};role=viewer"])
def test_two_requests_for_one_service_are_an_error_that_names_both(bed, engine, second):
    """On the hook's command line, as in annotations: none of them is the right one, and a repeated word is a mistake."""
    serving(engine, modem(bed))
    first = f"modem-api={API};role=viewer"

    def hook(*words):
        quoted = [f"'{word}'" if engine.is_lxc else word for word in words]  # a shell reads LXC's line
        return bed.hook(*(part for word in quoted for part in ("--require", word)))

    c = bed.container("dialer", hook=hook(first, second))
    refused(bed, engine, c, f'--require: "{first}" and "{second}" ask for one service; say it once')
    engine.stop(c)
    c = bed.container("other", hook=hook(first, f"modem-raw={RAW}"))
    pid = started(engine, c)
    assert get(pid)["role"] == "viewer" and has(pid, RAW)


def test_hooks_that_say_the_same_are_one_and_those_that_differ_are_an_error(bed, oci):
    """One hook for each device of CDI: the first that is called does the work of all."""
    serving(oci, modem(bed))

    def hooks(*words):
        def edit(config):
            one = config["hooks"]["createRuntime"][0]
            config["hooks"]["createRuntime"] = [
                {**one, "args": [*bed.hook("--require", word), "createRuntime"]} for word in words]
        return edit

    first, second = f"modem-api={API};role=viewer", "modem-api=auto"
    same = bed.container("same", edit_oci=hooks(first, first))
    assert get(started(oci, same))["role"] == "viewer"
    refused(bed, oci, bed.container("two", edit_oci=hooks(first, second)),
            f'--require: "{first}" and "{second}" ask for one service; say it once')


def test_rules_that_can_never_match_do_not_keep_a_container_from_starting(bed, runc):
    rules = [{"methods": ["GET"], "paths": ["/v1/**"]}, {"methods": ["GET"], "paths": ["/v1/status", "/v2//x"]}]
    serving(runc, modem(bed, offers=[{**REST_OFFER, "roles": {"viewer": {"rest": rules}}}]))
    pid = started(runc, dialer(bed, wishes=[REST_WISH]))
    assert get(pid)["role"] == "viewer" and client(pid, "get", API, "/v2/x").startswith("HTTP/1.1 403")
    assert "services.json: /services/0/roles/viewer/rest/1/paths/1: matches no request" in bed.log_text()
