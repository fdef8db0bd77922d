"""Where links are planted: what the mount looks like, that none leaks, that read-only, mapped and deep places work."""

import pytest

import bed as beds
import host
from jobs import API, LONG, RAW_WISH, REST_OFFER, REST_WISH, RAW, client, dialer, get, modem, serving, started


@pytest.mark.parametrize("propagation", [None, "private", "rslave", "shared", "rshared"])
def test_mnt_01_no_mount_appears_on_a_shared_host(bed, oci, propagation):
    def edit(config):
        if propagation:
            config["linux"]["rootfsPropagation"] = propagation

    before = host.mounts()
    assert any(" / rw" in line for line in before)
    outcome = oci.start(dialer(bed, edit_oci=edit))
    assert host.mounts() == before
    if propagation in (None, "private", "rslave"):
        assert outcome.code == 0, outcome.output
    oci.stop(bed.containers[0])
    assert host.wait_until(lambda: host.mounts() == before)


def planted(pid, target):
    """Options and optional fields of the mount at `target`, or None."""
    for line in open(f"/proc/{pid}/mountinfo").read().splitlines():
        fields = line.split()
        if fields[4] == target:
            return set(fields[5].split(",")), fields[6:fields.index("-")]
    return None


def test_mnt_04_the_mount_is_read_only_private_and_carries_nothing(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed))
    for target in (API, RAW):
        options, propagation = planted(pid, target)
        assert {"ro", "nosuid", "nodev", "noexec"} <= options
        assert propagation == []
        for act in (["chmod", "777"], ["chown", "1"], ["touch"], ["rm"]):
            assert beds.inside(pid, *act, target).code != 0
    assert get(pid)["role"] == "viewer"


def test_mnt_06_starts_and_stops_add_up_to_nothing(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed)
    before = bed.snapshot()
    for _ in range(2000 if LONG else 8):
        started(engine, c)
        engine.stop(c)
    assert host.wait_until(lambda: not host.difference(before, bed.snapshot()), 5), host.difference(before, bed.snapshot())


def test_mnt_08_what_is_planted_belongs_to_the_mapped_root(bed, engine):
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, idmap=True))
    for path, kind in (("/run/svc", "directory"), (API, "socket"), (RAW, "socket")):
        owner, group, mode, is_kind = beds.inside(pid, "stat", "-c", "%u %g %a %F", path, user=True).output.split(" ", 3)
        assert (owner, group, is_kind.strip()) == ("0", "0", kind)
        assert int(mode, 8) & 0o002 == 0 or kind == "socket"
    outcome = beds.inside(pid, "xc-test-client", "get", API, "/", user=True)
    assert outcome.code == 0, outcome.output


def test_a_provider_may_be_id_mapped_too(bed, engine):
    serving(engine, modem(bed, idmap=True))
    assert get(started(engine, dialer(bed)))["provider"] == "modem"


def test_a_read_only_root_gets_its_links(bed, oci):
    serving(oci, modem(bed))
    c = dialer(bed, wishes=[{**REST_WISH, "target": "/var/run/svc/modem.sock"}], readonly=True, tmpfs=[])
    pid = started(oci, c)
    assert get(pid, socket="/var/run/svc/modem.sock")["role"] == "viewer"
    assert "Read-only" in beds.inside(pid, "touch", "/var/x").output


def test_a_read_only_root_with_a_tmpfs_gets_its_links(bed, engine):
    serving(engine, modem(bed))
    assert get(started(engine, dialer(bed, readonly=True)))["role"] == "viewer"


def test_a_read_only_root_that_cannot_take_a_link_any_more_says_so(bed, lxc):
    c = dialer(bed, wishes=[{**REST_WISH, "target": "/tmp/svc/modem.sock"}], readonly=True)
    assert lxc.start(c).code != 0
    assert "read-only" in bed.log_text().lower()


def test_a_directory_deeper_than_a_socket_address_gets_its_link(bed, engine):
    deep = "/run/" + "/".join(["a-rather-long-directory-name"] * 6) + "/api.sock"
    serving(engine, modem(bed))
    pid = started(engine, dialer(bed, wishes=[{**RAW_WISH, "target": deep}]))
    outcome = beds.inside(pid, "sh", "-c", f"cd {deep.rsplit('/', 1)[0]} && exec xc-test-client echo api.sock deep")
    assert outcome.output == "deep"


def test_a_file_that_stands_at_the_target_is_never_replaced(bed, engine):
    c = dialer(bed, wishes=[REST_WISH], tmpfs=[])
    (c.root / "run/svc").mkdir()
    (c.root / "run/svc/modem.sock").write_text("precious")
    assert engine.start(c).code != 0
    assert (c.root / "run/svc/modem.sock").read_text() == "precious"
    assert "/run/svc/modem.sock" in bed.log_text()


def test_a_restart_finds_its_own_empty_stub_and_takes_it(bed, engine):
    serving(engine, modem(bed))
    c = dialer(bed, wishes=[REST_WISH], tmpfs=[])
    for _ in range(2):
        assert client(started(engine, c), "try", API) == "connected\n"
        engine.stop(c)
    assert host.entries(c.root / "run/svc") in ([], [str(c.root / "run/svc/modem.sock")])


def test_a_link_of_an_image_offer_never_leaves_the_image(bed, engine):
    """R18: the provider's socket path is resolved below its own root."""
    serving(engine, modem(bed, offers=[{**REST_OFFER, "socket": "/run/modem/outside"}], tmpfs=[]))
    provider = bed.containers[0]
    (provider.root / "run/modem/outside").symlink_to(str(bed.home / "host.sock"))
    pid = started(engine, dialer(bed, wishes=[REST_WISH]))
    assert client(pid, "get", API, "/").splitlines()[0].startswith("HTTP/1.1 50")
