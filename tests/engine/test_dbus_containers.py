"""D-Bus between containers, in every engine: a consumer reaches the bus of the host or of a provider container through
its link, with the clients people use, and no more of it than was granted."""

import json
import os
import subprocess

import pytest

import bed as beds
import dbus_wire as wire
import host
from dbus_house import *  # noqa: F403 (the vocabulary of these tests)
from dbus_world import ALL_CHANGES, BUS, DENIED, PROPERTIES, REPLY, SIGNAL, UNKNOWN
from jobs import refused, serving, started

TALK = {"roles": {"any": {"dbus": {"talk": ["org.pv.Allowed"]}}}}
LXC_AND_RUNC = pytest.mark.parametrize("name", ["runc", "lxc"])
BOTH_BUSES = pytest.mark.parametrize("kind", list(BUSES))


HIDDEN = ("org.pv.Hidden was not provided", UNKNOWN, "Service 'org.pv.Hidden' does not exist")


def assert_granted_and_hidden(pid):
    """Every client calls the one name and is told that the other is not there."""
    for client in CLIENTS:
        good, bad = (run_client(pid, client, called) for called in ("org.pv.Allowed", "org.pv.Hidden"))
        assert good.code == 0 and "org.pv.Allowed" in good.output, f"{client}: {good.output}"
        assert any(words in bad.output for words in HIDDEN), f"{client}: {bad.output}"


def signals(peer):
    """The first one, however long it takes, and whatever comes right after."""
    return [peer.next(60), *peer.quiet()]


def signals_until(peer, wanted):
    """Interface and member of what comes until all of the wanted were there, and right after."""
    heard = set()
    while not wanted <= heard:
        one = peer.next(60)
        heard.add((one.interface, one.member))
    return heard | {(one.interface, one.member) for one in peer.quiet(1.0)}


def assert_no_bus(pid):
    """The client may log in, and is told in words it understands."""
    with wire.Peer(socket_of(pid), login=False) as peer:
        peer.authenticate(fds=False)
        assert peer.ask(BUS, "Hello", timeout=60).error == "org.freedesktop.DBus.Error.NoServer"
        assert peer.closed(60)


@BOTH_BUSES
def test_the_first_command_of_a_consumer_calls_a_service_of_the_hosts_bus(bed, engine, kind):
    with bus_of_host(bed, kind, **TALK):
        c = consumer(bed, ["/usr/bin/dbus-send", *CLIENTS["dbus-send"][1:3], "--dest=org.pv.Allowed", OBJ, "org.pv.Iface.Do"])
        outcome = engine.run(c)
        assert outcome.code == 0 and 'string "org.pv.Allowed"' in outcome.output, outcome.output


@LXC_AND_RUNC
@BOTH_BUSES
def test_every_client_reaches_what_is_granted_of_the_hosts_bus_and_sees_nothing_else(bed, name, kind):
    with bus_of_host(bed, kind, **TALK):
        pid = consuming(bed, bed.engines[name])
        assert_granted_and_hidden(pid)
        listed = beds.inside(pid, "/usr/bin/busctl", "--system", "--no-legend", "--list", "--acquired").output
        assert "org.pv.Allowed" in listed and "org.pv.Hidden" not in listed, listed


@LXC_AND_RUNC
@BOTH_BUSES
def test_every_client_reaches_the_bus_of_a_provider_container(bed, name, kind):
    engine = bed.engines[name]
    serving(engine, provider_with_bus(bed, kind, **TALK))
    assert_granted_and_hidden(consuming(bed, engine))


def test_a_consumer_in_a_user_namespace_reaches_a_bus_in_another(bed, lxc):
    engine = lxc
    provider = provider_with_bus(bed, **TALK)
    (provider.root / "etc/passwd").write_text("root:x:0:0::/:\nnobody:x:65534:65534::/:\n")  # as the bus sees the shim
    provider.idmap = True
    beds.give_to(provider.root, beds.house.MAPPED)
    serving(engine, provider)
    c = consumer(bed)
    c.idmap = True
    beds.give_to(c.root, beds.house.MAPPED)
    assert_granted_and_hidden(started(engine, c))


# --- who a role is on the bus: dbus-daemon takes only users that are in the host's passwd ---------------------------------

def credentials(bed, engine, role):
    """Whom the bus sees when the container's client connects: (uid, groups)."""
    pid = consuming(bed, engine, role=role, name=role)
    with wire.Peer(socket_of(pid)) as peer:
        told = peer.ask(BUS, "GetConnectionUnixUser", "s", [peer.name])
        listed = beds.inside(pid, "/usr/bin/busctl", "--system", "call", BUS, "/org/freedesktop/DBus", BUS,
                             "GetConnectionCredentials", "s", peer.name).output
        groups = listed.partition('"UnixGroupIDs" au ')[2].split('"')[0].split()
        return told.args()[0], [int(group) for group in groups[1:]]


@LXC_AND_RUNC
@BOTH_BUSES
def test_a_role_is_a_user_of_its_own_on_the_hosts_bus(bed, name, kind):
    roles = {"dialer": {"uid": 33, "dbus": "all"}, "other": {"uid": 1, "dbus": "all"}, "any": {"dbus": "all"}}
    with bus_of_host(bed, kind, roles=roles):
        engine = bed.engines[name]
        assert credentials(bed, engine, "dialer") == (33, [33])
        assert credentials(bed, engine, "other") == (1, [1])
        assert credentials(bed, engine, "any")[0] == 0


def test_the_shim_is_itself_again_after_it_was_somebody_else(bed, runc):
    with bus_of_host(bed, roles={"dialer": {"uid": 33, "dbus": "all"}}):
        pid = consuming(bed, runc, role="dialer")
        with wire.Peer(socket_of(pid)):
            [shim] = host.named("xc-shim")
            status = host.status_of(shim)
            assert status["Uid"].split() == ["0"] * 4 and status["Gid"].split() == ["0"] * 4
            assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) != 0
            assert status["Groups"].split() == host.status_of(1)["Groups"].split()


def test_a_bus_that_does_not_let_the_roles_user_in_is_told_to_the_client(bed, runc):
    with bus_of_host(bed, roles={"dialer": {"uid": 33, "dbus": "all"}}) as (bus, _):
        os.chmod(bus.path, 0o600)
        pid = consuming(bed, runc, role="dialer")
        assert_no_bus(pid)


# --- what is granted -----------------------------------------------------------------------------------------------------

def test_each_role_has_its_own_rules_and_its_own_socket(bed, engine):
    viewer = {"dbus": {"call": ["org.pv.Allowed=org.pv.Iface.Get*"]}}
    with bus_of_host(bed, roles={"viewer": viewer, "admin": {"dbus": {"talk": ["org.pv.Allowed", "org.pv.Hidden"]}}}):
        wishes = [{"name": "system-bus", "role": role, "target": f"/run/{role}"} for role in ("viewer", "admin")]
        pid = started(engine, bed.container("two", run=beds.requires(*wishes)))
        with wire.Peer(f"/proc/{pid}/root/run/viewer") as one, wire.Peer(f"/proc/{pid}/root/run/admin") as other:
            def ask(peer, name, member):
                return peer.ask(name, member, interface="org.pv.Iface").error
            assert ask(one, "org.pv.Allowed", "GetAll") is None
            assert ask(one, "org.pv.Allowed", "Set") == DENIED
            assert ask(one, "org.pv.Hidden", "GetAll") == UNKNOWN
            assert ask(other, "org.pv.Allowed", "Set") is None
            assert ask(other, "org.pv.Hidden", "GetAll") is None
            assert ask(one, other.name, "GetAll") == UNKNOWN


def test_policy_provider_and_wish_must_all_agree(bed, runc):
    bed.policy("p.json", {"allow": [{"consumer": "*", "service": "system-bus", "roles": {
        "any": {"dbus": {"call": ["org.pv.Allowed=org.pv.*", "org.pv.Allowed=org.pv.Iface.*"]}}}}]})
    with bus_of_host(bed, roles={"any": {"dbus": {"talk": ["org.pv.Allowed", "org.pv.Hidden"]}}}):
        pid = consuming(bed, runc, wish={"dbus": {"rules": [{"name": "org.pv.*", "path": OBJ, "args": {"0": "yes"}}]}})
        with wire.Peer(socket_of(pid)) as peer:
            def ask(name, path, interface, *args):
                return peer.ask(name, "Do", "s" * len(args), list(args), interface=interface, path=path).error
            assert ask("org.pv.Allowed", OBJ, "org.pv.Iface", "yes") is None
            assert ask("org.pv.Allowed", OBJ, "org.pv.Iface", "no") == DENIED
            assert ask("org.pv.Allowed", OBJ, "org.pv.Iface") == DENIED
            assert ask("org.pv.Allowed", "/else", "org.pv.Iface", "yes") == DENIED
            assert ask("org.pv.Allowed", OBJ, "org.other.Iface", "yes") == DENIED
            assert ask("org.pv.Allowed", OBJ, None, "yes") == DENIED
            assert ask("org.pv.Hidden", OBJ, "org.pv.Iface", "yes") == UNKNOWN


def test_a_role_without_words_for_a_bus_is_not_a_grant(bed, engine):
    with bus_of_host(bed, roles={"any": {"rest": "all"}}):
        refused(bed, engine, consumer(bed), "none for its type")


def test_a_bus_that_is_away_is_said_so_and_comes_back(bed, engine):
    provider = provider_with_bus(bed, **TALK)
    pid = consuming(bed, engine)
    assert_no_bus(pid)
    for _ in range(2):
        serving(engine, provider)
        with wire.Peer(socket_of(pid)) as peer:
            assert peer.ask("org.pv.Allowed", "Do", interface="org.any").kind == REPLY
            engine.stop(provider)
            assert peer.closed(60)


def test_descriptors_and_signals_cross_the_link(bed, engine):
    with bus_of_host(bed, **TALK) as (_, services):
        pid = consuming(bed, engine)
        with wire.Peer(socket_of(pid)) as peer, open(os.devnull, "rb") as null:
            sent = peer.write(wire.CALL, destination="org.pv.Allowed", interface="org.any", member="Take", path=OBJ,
                              fds=[null.fileno()] * 3)
            assert peer.answer(sent).kind == REPLY
            assert services["org.pv.Allowed"].heard[-1].fds == ["was 3"]
            peer.match("type='signal'")
            services["org.pv.Hidden"].emit("org.pv.Hidden", "Secret")
            services["org.pv.Allowed"].emit("org.pv.Allowed", "Told")
            assert [h.member for h in signals(peer)] == ["Told"]


def test_a_container_may_own_a_name_that_another_calls(bed, engine):
    roles = {"modem": {"dbus": {"own": ["io.acme.Modem"]}}, "dialer": {"dbus": {"interface": ["io.acme.Modem"]}}}
    with bus_of_host(bed, roles=roles):
        owner, caller = (consuming(bed, engine, name=role, role=role) for role in ("modem", "dialer"))
        modem = Service(socket_of(owner), ["io.acme.Modem"])
        try:
            with wire.Peer(socket_of(caller)) as peer:
                assert peer.ask("io.acme.Modem", "Dial", interface="io.acme.Modem").args() == ["io.acme.Modem"]
                assert peer.ask("io.acme.Modem", "Dial", interface="io.acme.Other").error == DENIED
                assert peer.ask(BUS, "RequestName", "su", ["io.acme.Modem", 0]).error == DENIED
                peer.match("type='signal'")
                modem.emit("io.acme.Modem", "Rings")
                modem.emit("io.acme.Other", "Secret")
                assert [h.member for h in signals(peer)] == ["Rings"]
        finally:
            modem.stop()


# --- NetworkManager, as a container would use it ---------------------------------------------------------------------------

MANAGER = "org.freedesktop.DBus.ObjectManager"


ADDED = {(NETWORK_MANAGER, "DeviceAdded"), (PROPERTIES, "PropertiesChanged")}


def nm_call(pid, *words):
    return beds.inside(pid, "/usr/bin/gdbus", "call", "--system", "--dest", NETWORK_MANAGER, "--object-path", *words).output


@LXC_AND_RUNC
def test_the_interface_of_a_manifest_is_networkmanager_and_nothing_more(bed, name):
    with network_manager(bed, roles={"any": {"dbus": {"interface": [NETWORK_MANAGER]}}}) as steer:
        pid = consuming(bed, bed.engines[name], wish={"interface": NETWORK_MANAGER})
        assert nm_call(pid, NM_PATH, "--method", NETWORK_MANAGER + ".GetDevices") == "(@ao [],)\n"
        get = ["--method", PROPERTIES + ".Get"]
        assert "(<'" in nm_call(pid, NM_PATH, *get, NETWORK_MANAGER, "Version")
        assert "AccessDenied" in nm_call(pid, NM_PATH, *get, "org.freedesktop.DBus.Mock", "Version")
        assert "AccessDenied" in nm_call(pid, NM_PATH, "--method", PROPERTIES + ".Set", NETWORK_MANAGER, "Version", "<'x'>")
        assert "AccessDenied" in nm_call(pid, NM_PATH, "--method", MOCK + ".Reset")
        assert "AccessDenied" in nm_call(pid, "/org/freedesktop", "--method", MANAGER + ".GetManagedObjects")
        assert "<node" in beds.inside(pid, "/usr/bin/gdbus", "introspect", "--system", "--xml", "--dest", NETWORK_MANAGER,
                                      "--object-path", NM_PATH).output
        with wire.Peer(socket_of(pid)) as peer:
            peer.match("type='signal'")
            added = steer.ask(NETWORK_MANAGER, "AddEthernetDevice", "ssi", ["eth0", "eth0", 30], interface=MOCK, path=NM_PATH)
            heard = signals_until(peer, ADDED)
            assert not [member for interface, member in heard if interface in (MANAGER, MOCK)]
        assert added.args()[0] in nm_call(pid, NM_PATH, "--method", NETWORK_MANAGER + ".GetDevices")


def test_what_a_role_declares_beyond_the_interface_is_granted(bed, runc):
    role = {"interface": [NETWORK_MANAGER], "write": True, "call": [f"{NETWORK_MANAGER}={MANAGER}.GetManagedObjects"],
            "broadcast": [f"{NETWORK_MANAGER}={MANAGER}.*@/org/freedesktop"]}
    with network_manager(bed, roles={"any": {"dbus": role}}) as steer:
        pid = consuming(bed, runc)
        assert NETWORK_MANAGER in nm_call(pid, "/org/freedesktop", "--method", MANAGER + ".GetManagedObjects")
        with wire.Peer(socket_of(pid)) as peer:
            peer.match("type='signal'")
            assert "AccessDenied" not in nm_call(pid, NM_PATH, "--method", PROPERTIES + ".Set", NETWORK_MANAGER,
                                                 "WirelessEnabled", "<false>")
            assert steer.ask(NETWORK_MANAGER, "AddEthernetDevice", "ssi", ["eth0", "eth0", 30], interface=MOCK,
                             path=NM_PATH).kind == REPLY
            signals_until(peer, ADDED)


# --- a person's window ---------------------------------------------------------------------------------------------------

def test_status_counts_calls_and_refusals_and_plan_shows_the_rules(bed, runc):
    with bus_of_host(bed, **TALK):
        c = consumer(bed, wish={"interface": "org.pv.Allowed"})
        pid = started(runc, c)
        with wire.Peer(socket_of(pid)) as peer:
            peer.ask("org.pv.Allowed", "Do", interface="org.pv.Allowed")
            peer.ask("org.pv.Allowed", "Do", interface="org.other")

            def shown():
                told = subprocess.run([beds.INJECT, "status", "--json", "--state", bed.state, c.name], capture_output=True,
                                      check=True).stdout
                [link] = json.loads(told)[0]["links"]
                return (link["type"], link["active"], link["refusals"], link["messages"] >= 2)

            assert host.wait_until(lambda: shown() == ("dbus", 1, 1, True)), shown()
        text = subprocess.run([beds.INJECT, "plan", c.home, "--config", bed.config], capture_output=True, text=True,
                              check=True).stdout
        assert "asks  dbus: interface org.pv.Allowed" in text
        assert ("host policy (anything), the provider (talk org.pv.Allowed), the container's own wish (interface "
                "org.pv.Allowed; set properties)") in text, text
