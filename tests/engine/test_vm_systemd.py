"""systemd and podman in the virtual machine: what a reload of systemd does to a device rule, and podman's own ways to ask
for a display. runc puts containers into scopes of systemd, as it does on an ordinary Debian."""

import bed as beds
import guest
import host
import pytest
import system

NODE = "/dev/dri/renderD128"
CARD = {"name": "card", "type": "drm", "socket": "/dev/dri/card0", "roles": {"master": {}, "render": {}}}
LOOK = f"while sleep 0.2; do xc-test-drm {NODE} version >/out/now 2>&1; mv /out/now /out/last; done"
RENDER = "--annotation 'io.xconnect.require.card=auto;role=render'"


@pytest.fixture(scope="module")
def vm():
    one = guest.boot([system.add_systemd, system.add_podman], 900)
    one.put("/etc/xconnect/services.d/vm.json", beds.services(CARD))
    for stage, program in (("createRuntime", "xc-hook"), ("poststop", "xc-hook"), ("precreate", "xc-precreate")):
        one.put(f"/hooks/{stage}.json", {
            "version": "1.0.0", "stages": [stage], "when": {"annotations": {r"^io\.xconnect\.": ""}},
            "hook": {"path": f"/xc/{program}", "args": [program, "--log", "/tmp/log", *([] if "pre" in stage else [stage])],
                     "timeout": 120}})
    one.must("mkdir -p /c /early && cp -a /image /c/rootfs && mv /hooks/precreate.json /early/")
    yield one
    one.end()


class Running:
    """A container that asks all the time whether it can use its render node."""

    def __init__(self, vm, *words):
        self.vm = vm
        vm.must(f"rm -rf /c/out; mkdir /c/out; : >/tmp/log; podman --hooks-dir /hooks {' '.join(words)} run -d --name c "
                f"{RENDER} -v /c/out:/out --rootfs /c/rootfs sh -c '{LOOK}' || {{ cat /tmp/log; exit 1; }}", 120)
        self.shim = vm.must("cd /proc && grep -l xc-shim [0-9]*/comm | cut -d/ -f1").strip()

    def becomes(self, wanted, seconds=15):
        found = []

        def look():
            found.append(self.vm.run("rm -f /c/out/last; while ! cat /c/out/last 2>/dev/null; do sleep 0.1; done")[1])
            return wanted in found[-1]

        return host.wait_until(look, seconds), found[-1], self.vm.must("cat /tmp/log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.vm.must("podman rm --force --time 0 c", 60)
        left = "ls /run/xconnect/c; grep -l xc-shim /proc/[0-9]*/comm"
        assert host.wait_until(lambda: self.vm.run(f"{{ {left}; }} 2>/dev/null")[1] == "", 3, 0.2), "left behind"


def test_a_reload_of_systemd_takes_the_rule_away_and_it_comes_back(vm):
    with Running(vm) as c:
        assert c.becomes("ok virtio_gpu")[0]
        assert ".scope" in vm.must(f"cat /proc/$(podman inspect -f '{{{{.State.Pid}}}}' c)/cgroup", 60)
        vm.must(f"kill -STOP {c.shim} && systemctl daemon-reload")  # what would become of it without a guard
        assert c.becomes("EPERM")[0], "systemd left the rule alone"
        vm.must(f"kill -CONT {c.shim}")
        good, last, log = c.becomes("ok virtio_gpu")
        assert good, last + log
        told = "somebody took the device rule of the container away; it is back"
        assert host.wait_until(lambda: told in vm.must("cat /tmp/log"), 3, 0.2), log
        for _ in range(3):
            vm.must("systemctl daemon-reload")
            assert c.becomes("ok virtio_gpu")[0]


def test_a_rule_in_the_configuration_outlasts_a_reload(vm):
    """What the hook before creation adds is systemd's own rule (by the link that udev makes of every device)."""
    vm.must("mkdir -p /dev/char && ln -sf ../dri/renderD128 /dev/char/226:128")
    with Running(vm, "--hooks-dir /early") as c:
        assert c.becomes("ok virtio_gpu")[0]
        scope = vm.must(f"basename $(cut -d: -f3 /proc/$(podman inspect -f '{{{{.State.Pid}}}}' c)/cgroup)", 60).strip()
        assert "char" in vm.must(f"systemctl show -p DeviceAllow {scope} | grep -o '/dev/char/226:128 rw'"), scope
        vm.must(f"kill -STOP {c.shim} && systemctl daemon-reload")
        good, last, _ = c.becomes("EPERM", 1.5)
        assert not good and "ok virtio_gpu" in last
        vm.must(f"kill -CONT {c.shim}")


def test_podmans_own_device_option_gives_a_display(vm):
    vm.must("mkdir -p /var/run; [ -e /var/run/cdi ] || /xc/xc-inject cdi --hook /xc/xc-hook --write")
    said = vm.must("podman run --rm --device xconnect/service=card:master --rootfs /c/rootfs xc-test-drm /dev/dri/card0 version "
                   "master resources", 120)
    assert guest.answers(said) == {"version": "ok virtio_gpu", "master": "ok ", "resources": "ok 2 connectors 2 crtcs"}
    code, said = vm.run("podman run --rm --device xconnect/service=card:render --rootfs /c/rootfs sh -c 'ls /dev/dri; "
                        f"xc-test-drm {NODE} version master'", 120)
    assert "renderD128\n" in said and guest.answers(said) == {"version": "ok virtio_gpu", "master": "EACCES"}, said
