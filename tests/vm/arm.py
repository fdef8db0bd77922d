"""The programs of the arm64 or the armhf build on an arm64 kernel, which runs both: a virtual machine without hardware help
boots Debian's kernel, runs one runc container with our hook, and the container calls a REST service and passes a descriptor
over a raw socket.

    tests/vm/arm.py BUILD    BUILD: the build directory of the preset arm64 or armhf; what is fetched is kept in BUILD/vm"""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import image

PACKAGES = ("busybox-static", "runc", "libseccomp2")
LIBRARIES = Path("/usr/aarch64-linux-gnu/lib")  # of the cross compiler
STRIP = {183: "aarch64-linux-gnu-strip", 40: "arm-linux-gnueabihf-strip"}  # by e_machine (elf(5))
LIMIT = 300  # seconds
HOOK = ["/xc/xc-hook", "--log", "/log"]

INIT = """#!/bin/sh
export PATH=/bin:/xc
if [ "$1" != stage2 ]; then  # the initial file system cannot be pivoted away from
  mkdir /newroot && mount -t tmpfs -o mode=755,size=80% none /newroot
  for entry in /*; do case $entry in /newroot | /root) ;; *) cp -a "$entry" /newroot/ ;; esac; done
  exec switch_root /newroot /init stage2
fi
mount -t proc none /proc && mount -t sysfs none /sys && mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm && mount -t devpts none /dev/pts && mount -t tmpfs none /dev/shm
mount -t tmpfs -o nodev,nosuid,mode=755 none /run && mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
mkdir /run/offer
xc-test-provider --rest /run/offer/api --raw /run/offer/raw >/provider.out &
while ! [ -S /run/offer/raw ]; do sleep 0.1; done
uname -rm
runc run -b /bundle smoke </dev/null
echo "code $?"
xc-inject doctor | tail -1
cat /log
sleep 1
echo "left: $(ls /run/xconnect/c 2>/dev/null | wc -l) $(ps | grep -c '[x]c-shim')"
poweroff -f
"""
SCRIPT = "xc-test-client get /run/svc/api /v1/status; xc-test-client pass /run/svc/raw seen-by-arm"
OFFERS = [{"name": "api", "type": "rest", "socket": "/run/offer/api"},
          {"name": "raw", "type": "unix", "socket": "/run/offer/raw", "roles": {"any": {"unix": {"fds": 28}}}}]
WISHES = [{"name": "api", "type": "rest", "target": "/run/svc/api"}, {"name": "raw", "target": "/run/svc/raw"}]
EXPECTED = ('"role":"any"', "descriptor: seen-by-arm", "code 0", "left: 0 0", "aarch64")


def fetch(directory):
    """The packages, unpacked below directory/root; not installed, because those of this machine are."""
    root = directory / "root"
    if (root / "complete").exists():
        return root
    directory.mkdir(parents=True, exist_ok=True)
    depends = subprocess.run(["apt-cache", "depends", "linux-image-arm64:arm64"], capture_output=True, text=True, check=True)
    kernel = next(line.split()[1] for line in depends.stdout.splitlines() if "Depends:" in line)
    names = [*(f"{name}:arm64" for name in PACKAGES), kernel]
    subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "-q", *names], cwd=directory, check=True,
                   capture_output=True)
    for deb in directory.glob("*.deb"):
        with subprocess.Popen(["dpkg", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as stream, \
                tarfile.open(fileobj=io.BytesIO(stream.stdout.read())) as archive:
            archive.extractall(root, [member for member in archive if wanted(member.name)])
        deb.unlink()
    (root / "complete").touch()
    return root


def wanted(name):
    return not name.startswith(("./lib/modules", "./usr/share", "./usr/lib/linux-image"))


def bundle():
    """config.json as `runc spec` writes it, with our hook."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["runc", "spec", "--bundle", directory], check=True)
        config = json.loads((Path(directory) / "config.json").read_text())
    config["process"].update(terminal=False, args=["/bin/sh", "-c", SCRIPT], rlimits=[], cwd="/", env=["PATH=/bin"])
    config["root"] = {"path": "rootfs", "readonly": False}
    config["mounts"].append({"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]})
    config["hooks"] = {stage: [{"path": HOOK[0], "args": [*HOOK, stage], "env": ["PATH=/bin"], "timeout": 60}]
                       for stage in ("createRuntime", "poststop")}
    return json.dumps(config)


def initial_files(build, root):
    one = image.Image()
    one.file("init", INIT, 0o755)
    for directory in ("proc", "sys", "dev", "tmp", "run", "etc", *(f"bundle/rootfs/{name}" for name in ("proc", "sys", "dev", "run"))):
        one.directory(directory)
    busybox = next(root.glob("**/bin/busybox"))
    applets = subprocess.run(["qemu-aarch64-static", busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for place in ("bin", "bundle/rootfs/bin"):
        one.file(f"{place}/busybox", busybox.read_bytes(), 0o755)
        for applet in applets:
            if applet != "busybox":
                one.link(f"{place}/{applet}", "busybox")
    one.file("bin/runc", next(root.glob("usr/*bin/runc")).read_bytes(), 0o755)
    for library in ("ld-linux-aarch64.so.1", "libc.so.6"):
        one.file(f"lib/{library}", (LIBRARIES / library).read_bytes(), 0o755)
    one.file("lib/libseccomp.so.2", next(root.glob("usr/lib/**/libseccomp.so.2")).resolve().read_bytes(), 0o755)
    for place, program in (("xc", "xc-hook"), ("xc", "xc-shim"), ("xc", "xc-inject"), ("xc", "tests/xc-test-provider"),
                           ("bundle/rootfs/bin", "tests/xc-test-client")):
        stripped = Path(f"{root}/stripped")
        machine = int.from_bytes((build / program).read_bytes()[18:20], "little")
        subprocess.run([STRIP[machine], "-o", stripped, build / program], check=True)
        one.file(f"{place}/{Path(program).name}", stripped.read_bytes(), 0o755)
    one.file("bundle/config.json", bundle())
    one.file("bundle/run.json", json.dumps({"#spec": "service-manifest-run@1", "services": {"required": WISHES, "optional": []}}))
    one.file("etc/xconnect/services.d/vm.json", json.dumps({"#spec": "service-manifest-xconnect@1", "services": OFFERS}))
    return one


def main():
    build = Path(sys.argv[1]).resolve()
    root = fetch(build / "vm")
    initial_files(build, root).write(build / "vm/initrd")
    began = time.monotonic()
    said = subprocess.run(["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53", "-smp", "1", "-m", "512", "-nographic",
                           "-no-reboot", "-nic", "none", "-kernel", next(root.glob("boot/vmlinuz-*")), "-initrd",
                           build / "vm/initrd", "-append", "console=ttyAMA0 quiet panic=-1"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=LIMIT, check=False)
    print(said.stdout, said.stderr, f"{time.monotonic() - began:.0f} s", sep="\n")
    missing = [words for words in EXPECTED if words not in said.stdout]
    if missing:
        sys.exit(f"not said: {missing}")


if __name__ == "__main__":
    main()
