"""Containers inside the virtual machine: the same runc and crun, our hook at their hooks, real display devices."""

import os
import sys
import tempfile
from pathlib import Path

import bed as beds
import engines
import house

TESTS = Path(os.environ.get("XC_SOURCE", Path(__file__).resolve().parents[2])) / "tests"
sys.path.insert(0, str(TESTS / "vm"))

import machine  # noqa: E402

HOOK = ["/xc/xc-hook", "--log", "/tmp/log"]
PROGRAMS = {"xc/xc-hook": "xc-hook", "xc/xc-shim": "xc-shim", "xc/xc-inject": "xc-inject",
            "xc/xc-precreate": "xc-precreate",
            "image/bin/xc-test-drm": "tests/xc-test-drm"}


def boot(more=(), memory=640):
    directory = Path(tempfile.mkdtemp(dir=house.WORK))
    programs = {inside: beds.BUILD / ours for inside, ours in PROGRAMS.items()}
    return machine.boot(directory, beds.BUILD / "vm", programs, more, memory)


class Guest:
    """One container engine in the machine."""

    def __init__(self, vm, engine):
        self.vm = vm
        self.engine = engine
        self.number = 0

    def host_services(self, *offers):
        self.vm.must("rm -f /etc/xconnect/services.d/* /etc/xconnect/policy.d/*; mkdir -p /etc/xconnect/policy.d")
        self.vm.put("/etc/xconnect/services.d/vm.json", beds.services(*offers))

    def policy(self, content):
        self.vm.put("/etc/xconnect/policy.d/vm.json", content)

    def bundle(self, name, script, wishes=(), services=None, idmap=False, edit=None):
        home = f"/c/{name}"
        config = engines.standard_config()
        config["process"].update(terminal=False, args=["/bin/sh", "-c", script], rlimits=[], cwd="/")
        config["process"]["env"] = ["PATH=/bin:/usr/bin"]
        config["root"] = {"path": "rootfs", "readonly": False}
        config["mounts"].append({"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]})
        if idmap:
            config["linux"]["namespaces"].append({"type": "user"})
            mapping = [{"containerID": 0, "hostID": house.MAPPED, "size": house.COUNT}]
            config["linux"].update(uidMappings=mapping, gidMappings=mapping)
        config["hooks"] = {stage: [{"path": HOOK[0], "args": [*HOOK, stage], "env": ["PATH=/bin"], "timeout": 60}]
                           for stage in ("createRuntime", "poststop")}
        if edit:
            edit(config)
        self.vm.must(f"rm -rf {home}; mkdir -p {home} && cp -a /image {home}/rootfs && chmod 755 /c {home}"
                     + (f" && chown -R {house.MAPPED}:{house.MAPPED} {home}/rootfs" if idmap else ""))
        self.vm.put(f"{home}/config.json", config)
        if wishes:
            self.vm.put(f"{home}/run.json", beds.requires(*wishes))
        if services:
            self.vm.put(f"{home}/services.json", services)
        return home

    def name(self, word):
        self.number += 1
        return f"{self.engine}-{word}-{self.number}"

    def run(self, script, *wishes, **options):
        """(exit code, what it printed, our log) of a container that runs a script to its end."""
        name = self.name("run")
        home = self.bundle(name, script, wishes, **options)
        self.vm.must(": >/tmp/log")
        code, output = self.vm.run(f"{self.engine} run -b {home} {name}; code=$?; rm -rf {home}; exit $code")
        return code, output, self.log()

    def start(self, word, script, *wishes, **options):
        """A container in the background; its output goes to a file that output() reads."""
        name = self.name(word)
        home = self.bundle(name, script, wishes, **options)
        self.vm.must(f": >/tmp/log; {self.engine} create -b {home} {name} >{home}/out 2>&1 && {self.engine} start {name} "
                     f"|| {{ cat {home}/out /tmp/log; exit 1; }}")
        return name

    def output(self, name):
        return self.vm.must(f"cat /c/{name}/out")

    def stop(self, name):
        self.vm.run(f"{self.engine} delete --force {name}; rm -rf /c/{name}")

    def log(self):
        return self.vm.must("cat /tmp/log")


def drm(*arguments):
    return "xc-test-drm " + " ".join(arguments)


def answers(output):
    """{act: answer} of what xc-test-drm printed."""
    return dict(line.split(": ", 1) for line in output.splitlines() if ": " in line)
