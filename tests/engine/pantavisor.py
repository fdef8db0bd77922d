"""A device as Pantavisor lays it out, and its containers, started by LXC as Pantavisor configures it: trails with a
revision, `current`, the state document, run.json and services.json beside each lxc.container.conf, an overlay on a
read-only root, the host's network, IPC and user namespaces. Our hooks come in by PV_LXC_EXTRA_CONF alone."""

import json
import shutil

import engines

RUN = "service-manifest-run@1"
SERVICES = "service-manifest-xconnect@1"
STATE = "pantavisor-service-system@1"
STORAGES = {"embedded": "storage", "appengine": "var/pantavisor/storage"}
PV_CTRL = "/run/pantavisor/pv/pv-ctrl"
HOSTED_BUS = "/run/pv/dbus"


class Device:
    """`bed.container(...)` makes containers of the device from now on: their home is in the revision."""

    def __init__(self, bed, flavour="embedded", hook_version=0):
        self.bed = bed
        self.storage = bed.home / STORAGES[flavour]
        self.revision = self.storage / "trails/7"
        self.revision.mkdir(parents=True)
        (self.revision / ".pvr").mkdir()
        (self.storage / "trails/current").symlink_to("7")
        (self.storage / "config").mkdir()
        (bed.home / "containers").symlink_to(self.revision)
        self.engine = Engine(self, hook_version)
        bed.engines = {"pantavisor": self.engine}

    def container(self, name, args, required=(), optional=(), services=None, **more):
        c = self.bed.container(name, args, hook=more.pop("hook", self.bed.hook()), **more)
        c.write("run.json", {"#spec": RUN, "name": c.name, "type": "lxc", "config": "lxc.container.conf",
                             "root-volume": "root.squashfs", "group": "app", "status_goal": "STARTED",
                             "restart_policy": "container",
                             "services": {"required": list(required), "optional": list(optional)}})
        if services is not None:
            c.write("services.json", services)
        self.write_state()
        return c

    def write_state(self, **more):
        """The state document as Pantavisor keeps it: JSON files inline, others by their checksums."""
        state = {"#spec": STATE, "bsp/run.json": {"initrd": "pantavisor"}, "device.json": {"groups": []}}
        for home in sorted(self.revision.iterdir()):
            for file in home.glob("*.json"):
                state[f"{home.name}/{file.name}"] = json.loads(file.read_text())
            if not home.name.startswith("."):
                state[f"{home.name}/root.squashfs"] = "0" * 64
        (self.revision / ".pvr/json").write_text(json.dumps({**state, **more}))

    def role_uids(self, uids):
        path = self.storage / "config/dbus-role-uids.json"
        path.write_text(json.dumps(uids))
        path.chmod(0o600)


def exports(*offers):
    return {"#spec": SERVICES, "services": list(offers)}


class Engine(engines.Lxc):
    """The configuration of pvr's template, with what Pantavisor adds when it loads it."""

    def __init__(self, device, hook_version):
        super().__init__("pantavisor", hook_version)
        self.device = device
        self.place = device.bed.home / "lxc"  # /usr/var/lib/lxc on a device
        self.place.mkdir()

    def _call(self, program, c, *arguments, **options):
        if program == "lxc-start":
            arguments = ("-f", str(self.device.storage / "trails/current" / c.name / "lxc.container.conf"), *arguments)
        return engines.call([program, "-P", str(self.place), "-n", c.name, *arguments], **options)

    def prepare(self, c, init=None):
        overlay = self.device.storage / "volumes" / c.name / "lxc-overlay"
        shutil.rmtree(overlay, ignore_errors=True)
        (overlay / "upper").mkdir(parents=True)
        lines = [f"lxc.rootfs.path = overlayfs:{c.root}:{overlay}/upper", f"lxc.uts.name = {c.name}",
                 "lxc.namespace.keep = user net ipc", "lxc.mount.auto = proc sys:rw", "lxc.autodev = 1",
                 "lxc.cgroup.devices.allow = a", "lxc.tty.max = 0", "lxc.pty.max = 8",
                 "lxc.mount.entry = tmpfs run tmpfs rw,nodev,relatime,mode=755 0 0",
                 "lxc.mount.entry = tmpfs dev/shm tmpfs rw,nodev,create=dir 0 0",
                 f"lxc.init.cmd = {init or self._init(c)}", f"lxc.environment = container=pv-{c.name}",
                 f"lxc.console.logfile = {c.console}", f"lxc.hook.version = {self.hook_version}"]
        lines += [f"lxc.environment = {variable}" for variable in ["PATH=/bin", *c.env]]
        lines += [f"lxc.mount.entry = {source} {target.lstrip('/')} none bind,create=dir,{','.join(options) or 'rw'} 0 0"
                  for source, target, options in c.mounts]
        extra = [f"lxc.hook.{stage} = {' '.join(c.hook)}" for stage in ("start-host", "post-stop") if c.hook]
        (c.home / "lxc.container.conf").write_text("\n".join([*lines, *c.lxc_lines, *extra]) + "\n")
