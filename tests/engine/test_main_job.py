"""The main job in every engine: two real containers, one calls the other, and only hooks brought them together."""

import json

import bed as beds
import host
from jobs import API, RAW, RAW_WISH, REST_OFFER, REST_WISH, client, dialer, get, has, modem, serving, started


def test_the_first_command_of_a_consumer_calls_the_api_under_its_own_identity(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, ["xc-test-client", "get", API, "/v1/status"])
    outcome = engine.run(c)
    assert outcome.code == 0, outcome.output
    answer = json.loads(outcome.output.splitlines()[-1])
    assert answer == {"provider": "modem", "method": "GET", "path": "/v1/status", "client": c.name, "role": "viewer",
                      "identities": 2, "body": 0, "requests": 1}


def test_a_descriptor_crosses_the_raw_socket(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed))
    assert client(pid, "pass", RAW, "written by the consumer") == "descriptor: written by the consumer\ntake this\n"


def test_bytes_and_the_half_close_cross_the_raw_socket(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed))
    assert client(pid, "echo", RAW, "one line\n") == "one line\n"


def test_a_service_that_was_not_asked_for_is_not_there(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[REST_WISH]))
    assert has(pid, API, "-S")
    assert not has(pid, RAW)
    assert not has(pid, "/run/modem")


def test_an_optional_service_whose_role_was_not_granted_is_not_there(bed, engine):
    keys = {"name": "modem-keys", "type": "unix", "socket": "/run/modem/raw.sock", "allow": ["operator"]}
    serving(engine, modem(bed, offers=[REST_OFFER, keys]))
    wish = {"name": "modem-keys", "role": "viewer", "target": "/run/svc/keys.sock"}
    pid = started(engine, dialer(bed, wishes=[REST_WISH], optional=[wish]))
    assert has(pid, API, "-S")
    assert not has(pid, "/run/svc/keys.sock")
    assert "modem-keys" in bed.log_text()


def test_the_next_call_after_a_restart_of_the_provider_works(bed, engine):
    provider = modem(bed)
    serving(engine, provider)
    pid = started(engine, dialer(bed))
    assert get(pid)["requests"] == 1
    assert get(pid)["requests"] == 2
    engine.stop(provider)
    outcome = beds.inside(pid, "xc-test-client", "get", API, "/v1/status")
    assert outcome.output.splitlines()[0].startswith("HTTP/1.1 503"), outcome.output
    serving(engine, provider)
    assert get(pid)["requests"] == 1


def test_a_consumer_may_start_before_its_provider(bed, engine):
    pid = started(engine, dialer(bed))
    assert beds.inside(pid, "xc-test-client", "get", API, "/").output.startswith("HTTP/1.1 503")
    serving(engine, modem(bed))
    assert get(pid)["provider"] == "modem"


def test_two_consumers_are_told_apart(bed, engine):
    serving(engine, modem(bed))
    first, second = dialer(bed, name="one"), dialer(bed, name="two", wishes=[{**REST_WISH, "role": "admin"}])
    pids = started(engine, first), started(engine, second)
    seen = [(get(pid)["client"], get(pid)["role"]) for pid in pids]
    assert seen == [(first.name, "viewer"), (second.name, "admin")]


def test_a_container_may_consume_and_provide(bed, engine):
    serving(engine, modem(bed))
    relay = {"name": "relay-api", "type": "rest", "socket": "/run/modem/api.sock"}
    middle = modem(bed, "middle", offers=[relay])
    middle.write("run.json", beds.requires(REST_WISH))
    pid = serving(engine, middle)
    assert get(pid)["provider"] == "modem"
    end = started(engine, dialer(bed, name="end", wishes=[{"name": "relay-api", "target": API}]))
    assert get(end)["provider"] == "middle"


def test_services_of_the_host_are_reached_the_same_way(bed, engine):
    import subprocess
    socket = bed.home / "host.sock"
    with subprocess.Popen([beds.BUILD / "tests/xc-test-provider", "--rest", socket, "--name", "host"],
                          stdout=subprocess.DEVNULL) as server:
        try:
            assert host.wait_until(lambda: str(socket) in host.listeners(), 5)
            bed.host_services("host.json", beds.services({"name": "host-api", "type": "rest", "socket": str(socket)}))
            pid = started(engine, dialer(bed, wishes=[{"name": "host-api", "role": "viewer", "target": API}]))
            assert get(pid)["provider"] == "host"
        finally:
            server.kill()


def test_a_manifest_inside_the_image_offers_paths_of_its_own_root(bed, engine):
    provider = modem(bed, offers=[])
    (provider.home / "services.json").unlink()
    directory = provider.root / "etc/xconnect"
    directory.mkdir()
    (directory / "services.json").write_text(json.dumps(beds.services(REST_OFFER)))
    serving(engine, provider)
    named = {**REST_WISH, "provider": provider.name}
    assert get(started(engine, dialer(bed, wishes=[named])))["provider"] == "modem"
    # Who did not ask for this very container is not answered by its image: it could be anybody's.
    stranger = started(engine, dialer(bed, name="stranger", wishes=[REST_WISH]))
    assert "nobody offers the service" in client(stranger, "get", API, "/v1/status")
    # Once host policy lists the image, it answers like every other provider.
    engine.stop(provider)
    bed.policy("image.json", {"#spec": "xconnect-policy@1", "allow": [{"consumer": "*", "service": "*", "roles": ["*"]}],
                              "offer": [{"provider": provider.name, "service": "modem-api"}]})
    serving(engine, provider)
    assert get(stranger)["provider"] == "modem"


def test_an_annotation_alone_asks_for_a_service(bed, oci):
    serving(oci, modem(bed))
    c = bed.container("dialer", annotations={"io.xconnect.require.modem-api": f"{API};role=viewer"})
    answer = get(started(oci, c))
    assert (answer["client"], answer["role"]) == (c.name, "viewer")


def test_a_link_without_a_target_appears_at_the_customary_place(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[{"name": "modem-api"}, {**RAW_WISH, "target": "auto"}]))
    assert get(pid, socket="/run/pv/services/modem-api.sock")["role"] == "any"
    assert client(pid, "echo", "/run/pv/services/modem-raw.sock", "x") == "x"


def test_every_process_and_mount_is_gone_when_the_consumer_has_ended(bed, engine):
    serving(engine, modem(bed))
    before = bed.snapshot()
    outcome = engine.run(dialer(bed, ["true"]))
    assert outcome.code == 0, outcome.output
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())
