"""A service reached from inside a chroot: QEMU locks itself in before it connects, so only an abstract name leads out."""

import os
import subprocess

import pytest

import bed as beds
import host
import qemu
from jobs import started

QEMU = "/usr/bin/qemu-system-x86_64"
CAPABILITIES = ["CAP_SYS_CHROOT", "CAP_SETUID", "CAP_SETGID"]


def root_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/root")
    except OSError:
        return ""


def locked_in(pid):
    """QEMU has changed its root and become nobody."""
    return host.status_of(pid).get("Uid", "").startswith("65534") and root_of(pid).endswith("/jail")


def give_capabilities(config):
    for kind in config["process"]["capabilities"].values():
        kind.extend(CAPABILITIES)


def machine(bed, chardev, target):
    """A container whose only program is QEMU; its libraries are the host's, mounted read-only."""
    command = qemu.command(QEMU, "/jail", chardev, "-drive", "file=/boot.img,format=raw,if=floppy,readonly=on", "-boot",
                           "a", "-qmp", "unix:/out/qmp.sock,server=on,wait=off")
    c = bed.container("machine", command, run=beds.requires({"name": qemu.NAME, "type": "unix", "target": target}),
                      edit_oci=give_capabilities)
    c.mounts.append(("/usr", "/usr", ["rbind", "ro"]))
    for name in ("lib", "lib64", "sbin"):
        (c.root / name).symlink_to(f"usr/{name}")
    (c.root / "usr").mkdir()
    (c.root / "jail").mkdir()
    (c.root / "boot.img").write_bytes(qemu.BOOT_SECTOR)
    (c.root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    (c.root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    bed.host_services("vgpu.json", beds.services({"name": qemu.NAME, "type": "unix", "socket": "@" + qemu.NAME}))
    return c


@pytest.fixture(params=["runc", "crun", "lxc"])
def engine(request, bed):
    return bed.engines[request.param]


def running(engine, c):
    pid = started(engine, c)
    assert host.wait_until(lambda: locked_in(pid), 10), c.console_text()
    return pid


def test_a_guest_in_a_chroot_in_a_container_answers_a_service_of_the_host(bed, engine):
    c = machine(bed, qemu.ABSTRACT, "@" + qemu.NAME)
    running(engine, c)
    with qemu.Provider("@" + qemu.NAME) as provider:  # comes last: QEMU connects again, from inside its jail
        assert provider.talk_to_guest() == ["vgpu-guest:A", "vgpu-guest:B", "vgpu-guest:C"]


def test_from_inside_the_chroot_a_path_leads_nowhere(bed, runc):
    c = machine(bed, "path=/run/vgpu.sock", "/run/vgpu.sock")
    running(runc, c)
    with qemu.Provider("@" + qemu.NAME) as provider:
        assert provider.nobody_comes(2.5)


def test_a_person_connects_the_machine_later(bed, runc):
    """QMP's chardev-add long after chroot: the path fails there, the name does not."""
    c = machine(bed, qemu.ABSTRACT, "@" + qemu.NAME)
    running(runc, c)
    with qemu.Provider("@" + qemu.NAME):
        path, name = qemu.ask(c.out / "qmp.sock", qemu.add_chardev("by-path", path="/run/vgpu.sock"),
                              qemu.add_chardev("by-name", path=qemu.NAME, abstract=True, tight=True))
    assert "No such file or directory" in path["error"]["desc"], path
    assert name == {"return": {}}, name


# --- on the host itself, without a container ---------------------------------------------------------------------------
@pytest.fixture
def jail(bed):
    (bed.home / "jail").mkdir()
    (bed.home / "boot.img").write_bytes(qemu.BOOT_SECTOR)
    return bed.home / "jail"


@pytest.fixture
def mediator(bed, jail):
    """@vgpu-mediator on the host: for user nobody whose root is the jail, and for nobody else."""
    with open(bed.log, "a", encoding="utf-8") as log:
        one = subprocess.Popen([beds.INJECT, "mediate", "unix", "--listen", "@" + qemu.NAME, "--connect",
                                bed.home / "provider", "--client-uid", "65534", "--client-root", jail], stderr=log)
    assert host.wait_until(lambda: f"@{qemu.NAME}" in host.listeners(), 5)
    yield one
    one.terminate()
    one.wait()


def attempt(*prefix):
    """The exchange of one client of the host with the mediator."""
    echo = [*prefix, beds.BUILD / "tests/xc-test-client", "echo", "@" + qemu.NAME, "hello"]
    return subprocess.run(list(map(str, echo)), capture_output=True, text=True, timeout=60, check=False).stdout


def test_on_the_host_a_name_serves_the_jailed_machine_alone(bed, jail, mediator):
    boot = ["-drive", f"file={bed.home / 'boot.img'},format=raw,if=floppy,readonly=on", "-boot", "a"]
    machine_outside = subprocess.Popen(qemu.command(QEMU, jail, qemu.ABSTRACT, *boot), stdin=subprocess.DEVNULL)
    try:
        assert host.wait_until(lambda: locked_in(machine_outside.pid), 10)
        assert attempt() == ""
        assert attempt("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") == ""
        with qemu.Provider(str(bed.home / "provider")) as provider:
            assert provider.talk_to_guest() == ["vgpu-guest:A", "vgpu-guest:B", "vgpu-guest:C"]
    finally:
        machine_outside.kill()
        machine_outside.wait()
    assert host.wait_until(lambda: "whose user 0 is not served" in bed.log_text())
    assert host.wait_until(lambda: "whose root directory is not the one that is served" in bed.log_text())
    assert mediator.poll() is None
