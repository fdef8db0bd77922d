"""Real display devices, in a virtual machine that is booted once: virtio-gpu (card and render node), vgem (the same without a
screen) and bochs (a card alone), with runc and crun containers that get their nodes from our hook."""

import re

import bed as beds
import guest
import host
import matrix
import pytest
import versions

CARD = {"name": "card", "type": "drm", "socket": "/dev/dri/card0"}  # virtio-gpu
VGEM = {"name": "vgem", "type": "drm", "socket": "/dev/dri/renderD129"}
BOCHS = {"name": "bochs", "type": "drm", "socket": "/dev/dri/card2"}


def wish(name, role, target=None):
    return {"name": name, "role": role, **({"target": target} if target else {})}


@pytest.fixture(scope="module")
def vm():
    one = guest.boot()
    yield one
    one.end()


@pytest.fixture(params=["runc", "crun"])
def both(request, vm):
    yield from engine_in(vm, request.param)


@pytest.fixture
def inside(vm):
    """For cases about devices, where one engine is as good as the other, and crun is quicker."""
    yield from engine_in(vm, "crun")


def engine_in(vm, name):
    one = guest.Guest(vm, name)
    one.host_services(CARD, VGEM, BOCHS, {"name": "keys", "type": "input", "socket": "/dev/input/event1"})
    yield one
    left = lambda: vm.run("ls /run/xconnect/c 2>/dev/null")[1]
    assert host.wait_until(lambda: left() == "", 5, 0.2), "left behind: " + left()


@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_a_card_drives_the_screen_and_a_render_node_does_not(both, idmap, record_property):
    script = f"{guest.drm('/dev/dri/card0', 'version', 'drop', 'master', 'dumb', 'resources')}; echo; " \
             f"{guest.drm('/dev/dri/renderD128', 'version', 'master', 'resources')} | sed s/^/render-/; ls /dev/dri"
    _, output, log = both.run(script, wish("card", "master"), wish("card", "render", "/dev/dri/renderD128"), idmap=idmap)
    said = guest.answers(output)
    assert said["version"] == "ok virtio_gpu", output + log
    assert (said["drop"], said["master"], said["dumb"]) == ("ok ", "ok ", "ok "), output
    assert said["resources"] == "ok 2 connectors 2 crtcs"
    assert said["render-version"] == "ok virtio_gpu"
    assert said["render-master"] == said["render-resources"] == "EACCES"
    assert output.split()[-2:] == ["card0", "renderD128"]
    record_property(matrix.KEY, {"engine": f"{both.engine}-vm", "version": versions.of(both.engine), "groups": "v2",
                                 "variant": "user namespace" if idmap else "", "links": {"display device": "works"}})


@pytest.mark.parametrize("idmap", [False, True], ids=["plain", "idmapped"])
def test_no_obstacle_keeps_a_node_away(both, idmap):
    """Card, render node and another character device; a read-only root, and a tmpfs without devices to appear on."""
    def obstruct(config):
        config["root"]["readonly"] = True
        for target in ("/dev/dri", "/dev/input"):
            config["mounts"].append({"destination": target, "type": "tmpfs", "source": "tmpfs",
                                     "options": ["nosuid", "nodev", "mode=755"]})

    script = (f"{guest.drm('/dev/dri/card0', 'version', 'drop', 'master')}; (: </dev/input/event1) && echo open; "
              f"{guest.drm('/dev/dri/renderD128', 'version', 'master')} | sed s/^/render-/; touch /x 2>&1")
    wishes = (wish("card", "master"), wish("card", "render", "/dev/dri/renderD128"), wish("keys", "any"))
    _, output, log = both.run(script, *wishes, idmap=idmap, edit=obstruct)
    said = guest.answers(output)
    assert (said["version"], said["drop"], said["master"]) == ("ok virtio_gpu", "ok ", "ok "), output + log
    assert (said["render-version"], said["render-master"]) == ("ok virtio_gpu", "EACCES"), output
    assert "open\n" in output and "Read-only file system" in output, output


LXC = """
lxc.rootfs.path = dir:/lxc/one/rootfs
lxc.rootfs.options = ro
lxc.uts.name = one
lxc.net.0.type = empty
lxc.apparmor.profile = unconfined
lxc.mount.auto = proc:mixed sys:mixed
lxc.autodev = 1
lxc.pty.max = 1
lxc.init.cmd = /first
lxc.hook.version = 1
lxc.hook.start-host = /xc/xc-hook --log /tmp/log
lxc.hook.post-stop = /xc/xc-hook --log /tmp/log
lxc.mount.entry = /lxc/one/out out none bind,create=dir 0 0
lxc.mount.entry = tmpfs dev/dri tmpfs nosuid,nodev,mode=755,create=dir 0 0
lxc.cgroup2.devices.deny = a
lxc.cgroup2.devices.allow = c 1:* rwm
lxc.cgroup2.devices.allow = c 5:* rwm
lxc.cgroup2.devices.allow = c 136:* rwm
"""


@pytest.mark.parametrize("idmap", [False, True], ids=["privileged", "unprivileged"])
def test_lxc_gives_the_same_nodes(inside, idmap):
    """On a read-only root, on a tmpfs without devices; a node that only its image has does not open."""
    vm = inside.vm
    vm.must("rm -rf /lxc; mkdir -p /lxc/one/out; chmod 777 /lxc/one/out; cp -a /image /lxc/one/rootfs; cd /lxc/one/rootfs; "
            "mkdir -p out dev/dri; mknod -m 666 other c 226 2")
    script = (f"exec >/out/said 2>&1; {guest.drm('/dev/dri/card0', 'version', 'drop', 'master')}; touch /x; "
              f"{guest.drm('/dev/dri/renderD128', 'version', 'master')} | sed s/^/render-/; {guest.drm('/other', 'version')}; "
              "(: </dev/input/event1) && echo input")
    vm.put("/lxc/one/rootfs/first", f"#!/bin/sh\n{script}\n", "755")
    vm.put("/lxc/one/config", LXC + "".join(f"lxc.idmap = {kind} 0 100000 65536\n" for kind in "ug" if idmap))
    wishes = (wish("card", "master"), wish("card", "render", "/dev/dri/renderD128"), wish("keys", "any"))
    vm.put("/lxc/one/run.json", beds.requires(*wishes))
    if idmap:
        vm.must("chown -R 100000:100000 /lxc/one/rootfs; chmod 755 /lxc /lxc/one; chown 0:0 /lxc/one/rootfs/other")
    _, said = vm.run(": >/tmp/log; lxc-start -F -P /lxc -n one; cat /lxc/one/out/said /tmp/log")
    answers = guest.answers(said)
    assert (answers["version"], answers["drop"], answers["master"]) == ("ok virtio_gpu", "ok ", "ok "), said
    assert (answers["render-version"], answers["render-master"], answers["open"]) == ("ok virtio_gpu", "EACCES", "EPERM"), said
    assert "Read-only file system" in said and "input\n" in said, said


def test_renamed_nodes_and_those_found_by_role(inside):
    """The second GPU's render node where programs look for the first one's; a pair that only its hardware tells."""
    script = f"{guest.drm('/dev/dri/renderD128', 'version')}; ls -l /dev/dri | grep -v total"
    _, output, log = inside.run(script, wish("vgem", "render", "/dev/dri/renderD128"), wish("bochs", "master"))
    assert guest.answers(output)["version"] == "ok vgem", output + log
    assert re.search(r"226, +2 .* card2\n", output) and re.search(r"226, +129 .* renderD128\n", output), output
    _, output, log = inside.run("ls /dev/dri", wish("card", "render"))
    assert output == "renderD128\n", output + log


def test_a_card_alone_has_no_render_node_to_give(inside):
    code, output, log = inside.run("ls /dev/dri", wish("bochs", "render"))
    assert code != 0 and "is a card, whose hardware has no render node" in output + log
    code, output, log = inside.run("ls /dev/dri", wish("vgem", "master"))
    assert code != 0 and 'is a render node, and the role "master" needs a card' in output + log


def test_modetest_sets_a_mode_through_the_planted_card(both):
    idmap = both.engine == "crun"
    script = ("id=$(modetest -M virtio_gpu -c 2>/dev/null | grep -w 'Virtual-1' | head -1 | cut -f1); "
              "modetest -M virtio_gpu -s $id:1024x768 </dev/null; echo code $?")
    _, output, log = both.run(script, wish("card", "master"), idmap=idmap)
    assert "setting mode 1024x768" in output and output.endswith("code 0\n"), output + log


def test_the_cards_rule_is_exact(inside):
    """Root of a plain container makes the other node itself, and may not open it."""
    def may_mknod(config):
        for kind in config["process"]["capabilities"].values():
            kind.append("CAP_MKNOD")

    script = f"mknod /tmp/other c 226 0; {guest.drm('/tmp/other', 'version')}; {guest.drm('/dev/dri/renderD128', 'version')}"
    _, output, log = inside.run(script, wish("card", "render"), edit=may_mknod)
    assert output == "open: EPERM\nversion: ok virtio_gpu\n", output + log


def test_a_container_hands_on_the_card_it_has(inside):
    offer = beds.services({"name": "own-card", "type": "drm", "socket": "/dev/dri/card0"})
    owner = inside.start("owner", "sleep 100000", wish("card", "master"), services=offer)
    try:
        _, output, log = inside.run(guest.drm("/dev/dri/renderD128", "version"), wish("own-card", "render"))
        assert output == "version: ok virtio_gpu\n", output + log
    finally:
        inside.stop(owner)


def test_an_input_device_and_none_of_its_neighbours(inside):
    script = "(: </dev/input/event1) && echo open; ls /dev/input"
    _, output, log = inside.run(script, wish("keys", "any"))
    assert output == "open\nevent1\n", output + log


def test_the_plan_tells_driver_and_pair(inside):
    inside.bundle("planned", "true", [wish("card", "master")])
    output = inside.vm.must("/xc/xc-inject plan /c/planned")
    for words in ("c 226:0 dri/card0, driver virtio_gpu", "dri/renderD128", "/devices/pci", "allows c 226:0 rw"):
        assert words in output, output


def holding(inside, word, role, colour="00c000", **options):
    """A container without any node that asks for a lease, and what it says until it is revoked."""
    script = f"ls /dev/dri 2>&1; xc-test-drm lease /run/screen.sock {colour}; exec sleep 100000"
    name = inside.start(word, script, wish("card", role, "/run/screen.sock"), **options)
    assert host.wait_until(lambda: "paint: " in inside.output(name), 20), inside.output(name) + inside.log()
    return name, guest.answers(inside.output(name))


def middle_of_the_screen(vm, head=0):
    width, height, pixels = vm.screen(head)
    at = 3 * (height // 2 * width + width // 2)
    return tuple(pixels[at:at + 3])


def shows(vm, colour, head=0):
    """QEMU draws a moment after the guest was told that it is done."""
    return host.wait_until(lambda: middle_of_the_screen(vm, head) == colour, 5, 0.3)


def shims_of(vm):
    return vm.run("cd /proc && grep -l xc-shim [0-9]*/comm | cut -d/ -f1 | sort -n")[1].split()


def test_two_consumers_lease_a_screen_each_and_lose_it_at_the_end(both):
    idmap = both.engine == "runc"
    assert host.wait_until(lambda: not shims_of(both.vm), 5, 0.2), shims_of(both.vm)  # of the test before
    first, one = holding(both, "one", "lease", idmap=idmap)
    second, other = holding(both, "two", "lease", idmap=idmap)
    try:
        assert "No such file" in both.output(first)
        assert one["lease"] == "ok Virtual-1" and one["resources"] == "ok 1 connectors 1 crtcs" and one["paint"] == "ok "
        assert other["lease"] == "ok Virtual-2" and other["paint"] == "ENODEV"  # nobody has plugged a screen in there
        assert shows(both.vm, (0, 0xC0, 0))
        # Whose shim opened the card first is gone now, and the other's lease lives on.
        both.vm.must(f"kill {shims_of(both.vm)[0]}")
        assert host.wait_until(lambda: "revoked" in both.output(first), 10), both.output(first) + both.log()
        assert "revoked" not in both.output(second)
        third, again = holding(both, "three", "lease:Virtual-1", idmap=idmap)
        both.stop(third)
        assert again["lease"] == "ok Virtual-1" and again["paint"] == "ok "
    finally:
        both.stop(first)
        both.stop(second)


def test_a_screen_that_is_leased_or_absent_is_not_leased(inside):
    first, _ = holding(inside, "one", "lease:Virtual-1")
    try:
        for role, why in (("lease:Virtual-1", "leased already"), ("lease:HDMI-A-7", 'no connector "HDMI-A-7"')):
            _, output, log = inside.run("xc-test-drm lease /run/s.sock", wish("card", role, "/run/s.sock"))
            assert output == "lease: ENODATA\n" and why in log, output + log
    finally:
        inside.stop(first)


def said_when_asked(inside, name, line):
    """Asks in the container for a lease until the trace has such a line (regular expression) of it."""
    ask = f"chroot /proc/{pid_of(inside, name)}/root xc-test-drm lease /run/screen.sock >/dev/null & sleep "
    pauses = [1]  # a slow machine needs longer to begin

    def asked():
        inside.vm.run(f"{ask} {pauses[-1]}; kill $!")
        pauses.append(min(2 * pauses[-1], 16))
        return re.search(f" {name}/card  {line}\n", inside.vm.must("cat /tmp/trace"))
    return host.wait_until(asked, 40, 0.1)


def test_a_trace_tells_who_leases_a_screen_and_who_does_not_and_when_it_ends(inside):
    first, _ = holding(inside, "one", "lease:Virtual-1")
    second = inside.start("two", "sleep 100000", wish("card", "lease:Virtual-1", "/run/screen.sock"))
    inside.vm.must("/xc/xc-inject trace >/tmp/trace 2>&1 & echo $! >/tmp/tracer")
    trace = "cat /tmp/trace"
    try:
        program = r"xc-test-drm \(/bin/xc-test-drm\)"
        assert said_when_asked(inside, first, rf"leased Virtual-1 to process \d+, {program}"), inside.vm.must(trace)
        assert said_when_asked(inside, second, r"no lease for process \d+, .*leased already.*"), inside.vm.must(trace)
    finally:
        inside.stop(first)
        inside.stop(second)
    end = f"{first}/card  lease of Virtual-1 ended: the container, or its shim, has ended\n"
    assert host.wait_until(lambda: end in inside.vm.must(trace), 20, 0.3), inside.vm.must(trace)
    assert inside.vm.must(trace).count("lease of") == 1  # who got nothing has nothing to lose
    inside.vm.must("kill $(cat /tmp/tracer)")


def test_a_lease_is_added_to_a_container_that_runs_and_taken_away_again(inside):
    link, at = "card:lease:Virtual-1=/run/screen.sock", "/run/screen.sock"
    name = inside.start("one", "exec sleep 600", wish("vgem", "render"))
    try:
        inject = "/xc/xc-inject {} " + f"{name} {{}} 2>&1"
        inside.vm.must(inject.format("apply", link))
        assert "have the same target" in inside.vm.run(inject.format("apply", link))[1]
        lease = f"chroot /proc/{pid_of(inside, name)}/root xc-test-drm lease {at} 00c000 >/tmp/lease 2>&1"
        inside.vm.must(f"{lease} & true")
        assert host.wait_until(lambda: "paint: ok" in inside.vm.must("cat /tmp/lease"), 20), inside.vm.must("cat /tmp/lease")
        assert host.wait_until(lambda: middle_of_the_screen(inside.vm) == (0, 0xC0, 0), 10, 0.3)
        inside.vm.must(inject.format("revoke", "card"))
        assert host.wait_until(lambda: "revoked" in inside.vm.must("cat /tmp/lease"), 10), inside.vm.must("cat /tmp/lease")
        assert inside.vm.run(f"ls /proc/{pid_of(inside, name)}/root{at}")[0] != 0, "the socket is left behind"
    finally:
        inside.stop(name)


def test_a_card_that_somebody_drives_is_not_leased(inside):
    owner = inside.start("owner", "exec 3<>/dev/dri/card0; sleep 100000", wish("card", "master"))
    try:
        _, output, log = inside.run("xc-test-drm lease /run/s.sock", wish("card", "lease", "/run/s.sock"))
        assert output == "lease: ENODATA\n" and 'somebody else is master of "dri/card0"' in log, output + log
    finally:
        inside.stop(owner)


def test_two_consumers_paint_two_screens(both):
    """With a second screen plugged in; last, as it stays."""
    if not hasattr(both.vm, "viewer"):
        both.vm.plug_second_screen()
    status = "cat /sys/class/drm/card0-Virtual-*/status"
    assert host.wait_until(lambda: both.vm.must(status).split() == ["connected", "connected"], 10, 0.3), both.vm.must(status)
    first, one = holding(both, "one", "lease", "c00000")
    second, other = holding(both, "two", "lease:Virtual-2", "0000c0", idmap=True)
    try:
        assert (one["lease"], one["paint"]) == ("ok Virtual-1", "ok ")
        assert (other["lease"], other["paint"]) == ("ok Virtual-2", "ok "), both.output(second)
        assert shows(both.vm, (0xC0, 0, 0))
        assert shows(both.vm, (0, 0, 0xC0), 1)
        assert both.vm.screen(1)[:2] == (640, 480)
    finally:
        both.stop(first)
        both.stop(second)


def pid_of(inside, name):
    return inside.vm.must(f"{inside.engine} state {name} | sed -n 's/.*\"pid\": \\([0-9]*\\).*/\\1/p'").strip()


def test_a_client_that_talks_and_never_reads_takes_nothing_from_others(inside):
    first, _ = holding(inside, "one", "lease:Virtual-1")
    second, _ = holding(inside, "two", "lease:Virtual-2")
    try:
        pid = pid_of(inside, first)
        said = inside.vm.must(f"chroot /proc/{pid}/root xc-test-drm pester /run/screen.sock 300")
        assert said == "pester: ok \n"
        assert "revoked" not in inside.output(first) + inside.output(second)
        held = lambda: [int(inside.vm.must(f"ls /proc/{shim}/fd | wc -l")) for shim in shims_of(inside.vm)]
        assert host.wait_until(lambda: max(held()) < 40, 5, 0.3), held()  # nothing of it is kept
        inside.vm.must(f"chroot /proc/{pid}/root xc-test-drm lease /run/screen.sock >/tmp/again 2>&1 & echo $! >/tmp/asker")
        assert host.wait_until(lambda: "lease: ok Virtual-1" in inside.vm.must("cat /tmp/again"), 10, 0.3)
        inside.vm.must("kill $(cat /tmp/asker)")
    finally:
        inside.stop(first)
        inside.stop(second)


def test_a_lease_that_left_its_container_ends_with_it(inside):
    """The descriptor is held by a process elsewhere, and revoked all the same; then the screen is free for the next."""
    name, _ = holding(inside, "one", "lease:Virtual-1")
    try:
        pid = pid_of(inside, name)
        inside.vm.must("cp -a /image /tmp/away; mount -t proc none /tmp/away/proc; "
                       f"chroot /tmp/away xc-test-drm lease /proc/{pid}/root/run/screen.sock >/tmp/elsewhere 2>&1 &")
        elsewhere = "cat /tmp/elsewhere"
        assert host.wait_until(lambda: "resources: " in inside.vm.must(elsewhere), 10), inside.vm.must(elsewhere)
    finally:
        inside.stop(name)
    assert host.wait_until(lambda: "revoked" in inside.vm.must(elsewhere), 10), inside.vm.must(elsewhere)
    inside.vm.must("umount /tmp/away/proc; rm -rf /tmp/away")
    again, said = holding(inside, "two", "lease:Virtual-1")
    inside.stop(again)
    assert said["paint"] == "ok "


def test_revoked_twice_is_revoked_once(inside):
    name, _ = holding(inside, "one", "lease:Virtual-1")
    try:
        shim = " ".join(shims_of(inside.vm))
        inside.vm.run(f"kill {shim}; kill {shim}; kill {shim}")
        assert host.wait_until(lambda: "revoked" in inside.output(name), 10), inside.output(name)
        again, said = holding(inside, "two", "lease:Virtual-1")
        inside.stop(again)
        assert said["paint"] == "ok "
    finally:
        inside.stop(name)
