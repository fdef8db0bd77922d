"""What makes the virtual machine an ordinary one: systemd as its first process, and podman. Of systemd's units there are
only those a test needs; starting a whole Debian would take a minute without hardware help."""

import shutil

UNITS = {
    "default.target": "[Unit]\nWants=line.service\n",
    "line.service": "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh /init serve\nKillMode=process\nDelegate=yes\n",
}
CONTAINERS = """
[containers]
netns = "none"
pids_limit = 0
[engine]
cgroup_manager = "systemd"
events_logger = "none"
runtime = "runc"
[network]
network_backend = "cni"
"""


def add_systemd(image):
    image.program("lib/systemd/systemd", "/lib/systemd/systemd")
    image.program("usr/bin/systemctl", "/usr/bin/systemctl")
    for name, text in UNITS.items():
        image.file(f"etc/systemd/system/{name}", text)
    # What every Debian has some of: a reload makes their directories in /run/systemd anew.
    image.file("lib/systemd/system-generators/nothing", "#!/bin/sh\nexit 0\n", 0o755)
    image.file("etc/machine-id", "0" * 31 + "1\n")
    image.file("etc/os-release", "ID=debian\n")
    image.directory("var/tmp")


def add_podman(image):
    for program in ("podman", "conmon"):
        image.program(f"usr/bin/{program}", shutil.which(program))
    image.file("etc/containers/containers.conf", CONTAINERS)
    image.file("etc/containers/storage.conf", '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/containers"\n'
                                              'runroot = "/run/containers"\n')
    image.file("etc/containers/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
    image.file("etc/containers/registries.conf", "")
    image.directory("var/lib")
