"""Traces of buses and displays, in containers: who said what to whom, what became of it, and by which rule."""

import json
import subprocess

import pytest

import bed as beds
import wayland_world as world
from dbus_house import *  # noqa: F403 (the vocabulary of buses in containers)
from jobs import started
from live import inject, status, trace  # noqa: F401

TALK = {"roles": {"any": {"dbus": {"talk": ["org.pv.Allowed"]}}}}


@pytest.fixture(params=["runc", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


def test_a_trace_of_a_bus_names_the_rule_that_decided(bed, engine, trace):
    with bus_of_host(bed, **TALK):
        pid = consuming(bed, engine)
        look = trace()
        for name in ("org.pv.Allowed", "org.pv.Hidden"):
            run_client(pid, "dbus-send", name)
        lines = look.end()
        calls = [line for line in lines if "-> call" in line and "org.pv.Iface.Do" in line]
        assert any('org.pv.Allowed' in line and line.endswith('passed by "talk org.pv.Allowed"') for line in calls), lines
        assert any(line.endswith("answered: The name org.pv.Hidden was not provided by any .service files")
                   for line in calls), lines
        assert any("<- reply" in line and "us" in line for line in lines), lines
        link = status(bed, str(pid))["links"][0]
        assert link["latency"] and link["last-reasons"][-1].startswith("The name org.pv.Hidden"), link


def test_wireshark_opens_messages_of_a_bus(bed, engine, trace):
    with bus_of_host(bed, **TALK):
        pid = consuming(bed, engine)
        file = bed.home / "bus.pcap"
        assert "say --payload as well" in inject(bed, "trace", "--pcap", file, code=64).stderr
        look = trace("--payload", "--pcap", file)
        run_client(pid, "dbus-send", "org.pv.Allowed")
        assert look.end() == []
        fields = [part for name in ("message_type", "member", "destination") for part in ("-e", f"dbus.{name}")]
        told = subprocess.run(["tshark", "-r", file, "-T", "fields", *fields, "-e", "_ws.malformed"], capture_output=True,
                              text=True, timeout=60, check=True).stdout
        rows = [line.split("\t") for line in told.splitlines()]
        assert ["1", "Do", "org.pv.Allowed", ""] in rows, told
        assert any(row[0] == "2" for row in rows) and not any(row[3] for row in rows), told


def test_a_trace_of_a_display_reads_like_wayland_debug(bed, engine, trace):
    with world.running(world.Weston(f"weston-{bed.mark}")) as desktop:
        bed.host_services("panel.json", beds.services({"name": "panel", "type": "wayland", "socket": str(desktop.socket)}))
        c = bed.container("kiosk", run=beds.requires({"name": "panel", "target": "/run/wayland-0"}),
                          mounts=[("/usr", "/usr", ["ro"])])
        (c.root / "usr").mkdir()
        for link in ("lib", "lib64"):
            (c.root / link).symlink_to(f"usr/{link}")
        pid = started(engine, c)
        look = trace(f"{c.name}/panel")
        told = beds.inside(pid, "sh", "-c", "WAYLAND_DISPLAY=/run/wayland-0 exec /usr/bin/wayland-info")
        assert told.code == 0, told.output
        lines = [line.partition("  ")[2] for line in look.end()]
    assert " -> wl_display@1.get_registry(new id wl_registry@2)" in lines, lines
    shown = [line for line in lines if line.startswith("    wl_registry@2.global(")]
    assert any('"wl_compositor"' in line and not line.endswith("dropped") for line in shown), lines
    assert any(line.endswith("dropped") for line in shown), "a global that no role shows"
    assert any(line.startswith(" -> wl_registry@2.bind(") and "new id wl_" in line for line in lines), lines
