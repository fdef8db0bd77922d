"""xc-inject doctor on broken set-ups: in each of them exactly one thing is wrong, and its cause must be named."""

import json
import shutil

import pytest

import bed as beds
from window import doctor, inject, says, terminal

HOOK = "/usr/libexec/xconnect/xc-hook"
HOOKS_D = "usr/share/containers/oci/hooks.d"
LATER = "etc/containers/oci/hooks.d"


def bad(findings):
    return [f for f in findings if f["severity"] in ("broken", "warning")]


class Host:
    """The files of a host on which all is well."""

    def __init__(self, root):
        self.root = root
        for program in ("xc-hook", "xc-precreate", "xc-shim"):
            self.write(f"usr/libexec/xconnect/{program}", "#!/bin/true\n", 0o755)
        for directory in ("etc/xconnect/policy.d", "etc/xconnect/services.d", "run"):
            (root / directory).mkdir(parents=True)
        for engine in ("podman", "lxc"):
            done = inject("hooks", "install", engine, "--root", root)
            assert done.returncode == 0, done.stderr
        self.bundle = root / "bundle"
        fragment = json.loads("{" + inject("hooks", "print", "runc").stdout + "}")
        self.write("bundle/config.json", {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, **fragment})
        self.write("bundle/run.json", wanting())
        self.write("etc/xconnect/services.d/modem.json", offering())
        self.lxc = root / "var/lib/lxc/dialer"
        self.write("var/lib/lxc/dialer/config", "lxc.include = /usr/share/lxc/config/common.conf.d/\n")
        self.write("var/lib/lxc/dialer/run.json", wanting())

    def write(self, name, content, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        path.chmod(mode)
        return path

    def edit(self, name, change):
        """One document changed in place by a function on its structure."""
        path = self.root / name
        structure = json.loads(path.read_text())
        change(structure)
        path.write_text(json.dumps(structure))

    def doctor(self, *arguments):
        return doctor("--root", self.root, *arguments)


def wanting(**more):
    return {"#spec": "service-manifest-run@1",
            "services": {"required": [{"name": "modem-api", "type": "rest", "role": "viewer",
                                       "target": "/run/svc/modem.sock", **more}]}}


def offering(**more):
    return {"#spec": "service-manifest-xconnect@1",
            "services": [{"name": "modem-api", "type": "rest", "socket": "/run/modem.sock", **more}]}


@pytest.fixture
def well(tmp_path):
    return Host(tmp_path / "host")


def test_a_host_that_is_well_has_no_complaint(well):
    for container in ((), (well.bundle,), ("dialer",)):
        assert bad(well.doctor(*container)) == []
    assert says(well.doctor(), "good", "hooks.d", "registered for podman")
    assert says(well.doctor(), "good", "50-xconnect.conf", "registered for LXC")
    assert says(well.doctor(well.bundle), "good", "calls xc-hook at the right stages")


def remove(name):
    return lambda h: (h.root / name).unlink()


def hooks_d(**members):
    """Changes members of the file that podman reads for createRuntime; a dot goes one level down."""
    def change(h):
        def put(structure):
            for key, value in members.items():
                *way, last = key.split("__")
                there = structure
                for step in way:
                    there = there[step]
                there[last] = value
        h.edit(f"{HOOKS_D}/50-xconnect.json", put)
    return change


CONF = "etc/containers/containers.conf"
OURS = "/usr/share/containers/oci/hooks.d"


def podman_conf(text, name=CONF):
    return lambda h: h.write(name, text)


def both(*changes):
    return lambda h: [change(h) for change in changes]


def common(text):
    return lambda h: h.write("usr/share/lxc/config/common.conf.d/50-xconnect.conf", text)


HOST = {
    "podman's hook program is missing": (
        remove("usr/libexec/xconnect/xc-hook"), "broken", ["50-xconnect.json", HOOK, "is not there", "in silence"]),
    "podman's hook program cannot be executed": (
        lambda h: (h.root / HOOK[1:]).chmod(0o644), "broken", ["50-xconnect.json", "cannot be executed"]),
    "the hook program may be changed by anybody": (
        lambda h: (h.root / HOOK[1:]).chmod(0o777), "broken", ["may be changed by others than root", "mode 0777"]),
    "the shim is missing": (
        remove("usr/libexec/xconnect/xc-shim"), "broken", ["xc-shim", "is not beside xc-hook"]),
    "one file of hooks.d is no JSON": (
        lambda h: h.write(f"{HOOKS_D}/10-other.json", "{ \"version\": "), "broken",
        ["10-other.json", "not JSON", "every container"]),
    "one file of hooks.d has no \"when\"": (
        lambda h: h.write(f"{HOOKS_D}/10-other.json", {"version": "1.0.0", "hook": {"path": "/bin/true"}, "stages": []}),
        "broken", ["10-other.json", 'has no "when"', "every container"]),
    "a condition is empty": (hooks_d(when={}), "broken", ["holds no condition"]),
    "the version of hooks.d is another": (hooks_d(version="2.0.0"), "broken", ['has version "2.0.0"']),
    "a stage is misspelt": (hooks_d(stages=["createruntime"]), "broken", ['"createruntime" is no stage']),
    "podman calls the hook inside the container": (
        hooks_d(stages=["createContainer"]), "broken", ['wrong stage "createContainer"', "inside the container"]),
    "podman calls the hook too late": (hooks_d(stages=["poststart"]), "broken", ['wrong stage "poststart"']),
    "the annotation pattern is not anchored": (
        hooks_d(when={"annotations": {"io.xconnect": ""}}), "warning", ['"io.xconnect" is not anchored']),
    "the pattern of a value is not anchored": (
        hooks_d(when={"annotations": {"^io\\.xconnect$": "on"}}), "warning", ['"on"', "is not anchored"]),
    "podman's timeout is zero": (hooks_d(hook__timeout=0), "broken", ['"timeout" is 0']),
    "podman's timeout is shorter than ours": (hooks_d(hook__timeout=1), "warning", ['"timeout" is 1 seconds']),
    "a later directory masks our file": (
        lambda h: h.write(f"{LATER}/50-xconnect.json", (h.root / f"{HOOKS_D}/50-xconnect.json").read_text()),
        "warning", [f"{HOOKS_D}/50-xconnect.json", "is masked by", LATER]),
    "hooks_dir leaves our directory out": (
        both(podman_conf('[containers]\n[engine]\nhooks_dir = ["/opt/hooks"]\n'), lambda h: (h.root / "opt/hooks").mkdir(parents=True)),
        "broken", [f"{OURS}/50-xconnect.json", "is not read", f"{CONF}:3", "in silence"]),
    "hooks_dir is empty": (podman_conf("[engine]\nhooks_dir = []\n"), "broken", ["50-xconnect.json", f"{CONF}:2", "in silence"]),
    "hooks_dir names a directory that is not there": (
        podman_conf(f'[engine]\nhooks_dir = [\n  "{OURS}",\n  "/opt/hooks"\n]\n'), "warning",
        [f"{CONF}:2", '/opt/hooks", which is not there', "in silence"]),
    "hooks_dir names nothing that is there": (
        podman_conf('[engine]\nhooks_dir = ["/opt/hooks"]\n'), "broken", ['/opt/hooks", which is not there']),
    "a later file of podman's has another hooks_dir": (
        both(podman_conf(f'[engine]\nhooks_dir = ["{OURS}"]\n'), podman_conf('engine.hooks_dir = ["/etc"]\n', f"{CONF}.d/99.conf")),
        "broken", ["is not read", f"{CONF}.d/99.conf:1"]),
    "podman's configuration is no TOML": (
        podman_conf("[engine]\nhooks_dir = [\n"), "broken", [CONF, "line 3", "every container"]),
    "nobody tells podman's end": (remove(f"{HOOKS_D}/50-xconnect-end.json"), "warning", ["not for poststop"]),
    "LXC calls the hook at mount": (
        common(f"lxc.hook.mount = {HOOK}\n"), "broken", ["50-xconnect.conf:1", 'wrong stage "lxc.hook.mount"']),
    "LXC calls the hook before there is a container": (
        common(f"# ours\nlxc.hook.pre-start = {HOOK}\n"), "broken", ["50-xconnect.conf:2", "does not exist yet"]),
    "LXC's line has no absolute path": (common("lxc.hook.start-host = xc-hook\nlxc.hook.post-stop = " + HOOK),
                                        "broken", ["50-xconnect.conf:1", "not absolute"]),
    "LXC's hook program is missing": (
        common(f"lxc.hook.start-host = /opt/xc-hook\nlxc.hook.post-stop = {HOOK}\n"), "broken",
        ["50-xconnect.conf:1", '"/opt/xc-hook" is not there']),
    "LXC's hook version is unknown": (
        common(f"lxc.hook.version = 2\nlxc.hook.start-host = {HOOK}\nlxc.hook.post-stop = {HOOK}\n"), "broken",
        ["50-xconnect.conf:1", 'lxc.hook.version is "2"']),
    "nobody tells LXC's end": (common(f"lxc.hook.start-host = {HOOK}\n"), "warning", ["no lxc.hook.post-stop"]),
    "a policy is no JSON": (
        lambda h: h.write("etc/xconnect/policy.d/10.json", '{\n  "allow": [,]\n}'), "broken", ["10.json:2:13", "not JSON"]),
    "a policy has a key that is not known": (
        lambda h: h.write("etc/xconnect/policy.d/10.json", {"#spec": "xconnect-policy@1", "deny": []}), "broken",
        ["/deny", "is not known here"]),
    "a policy may be written by anybody": (
        lambda h: h.write("etc/xconnect/policy.d/10.json", {"#spec": "xconnect-policy@1"}, 0o666), "broken",
        ["10.json", "may be written by others"]),
    "a policy's name does not end in .json": (
        lambda h: h.write("etc/xconnect/policy.d/10.jsn", {"#spec": "xconnect-policy@1"}), "warning",
        ["10.jsn", "does not end in .json"]),
    "host services contradict each other": (
        lambda h: h.edit("etc/xconnect/services.d/modem.json", lambda d: d["services"].append(d["services"][0])),
        "broken", ["modem.json", '"modem-api" is offered twice']),
    "host services are of a wrong type": (
        lambda h: h.edit("etc/xconnect/services.d/modem.json", lambda d: d["services"][0].update(socket=7)),
        "broken", ["/services/0/socket", "found a number (7)"]),
    "a rule of a host service can never match": (
        lambda h: h.edit("etc/xconnect/services.d/modem.json", lambda d: d["services"][0].update(
            roles={"viewer": {"rest": [{"methods": ["GET"], "paths": ["/v1/../x"]}]}})), "warning",
        ["modem.json", "/services/0/roles/viewer/rest/0/paths/0", "matches no request", 'write "/x"']),
    "a rule of a policy has no effect": (
        lambda h: h.write("etc/xconnect/policy.d/10.json", {"#spec": "xconnect-policy@1", "allow": [
            {"consumer": "*", "service": "*", "roles": {"*": {"rest": [
                {"methods": ["*"], "paths": ["/**"]}, {"methods": ["GET"], "paths": ["/v1"]}]}}}]}), "warning",
        ["10.json", "/allow/0/roles/*/rest/1", "has no effect", "remove it"]),
    "the state directory is a link": (
        lambda h: (h.root / "run/xconnect").symlink_to("/tmp"), "broken", ["run/xconnect", "symbolic link"]),
    "the state directory is everybody's": (
        lambda h: (h.root / "run/xconnect").mkdir(mode=0o755), "broken", ["run/xconnect", "does not belong to root alone"]),
}


@pytest.mark.parametrize("conf", [
    {CONF: f'[engine]\nhooks_dir = ["{OURS}", "/etc/containers"]\n'},
    {CONF: '[engine]\nhooks_dir = ["/etc/containers"]\n', f"{CONF}.d/10.conf": f'[engine]\nhooks_dir = ["{OURS}"]\n'},
    {CONF: f'[engine]\nhooks_dir = ["{OURS}"]\n', f"{CONF}.d/10.conf": 'engine.hooks_dir = ["/etc/containers", {append=true}]\n'},
    {f"{CONF}.d/10.txt": '[engine]\nhooks_dir = []\n'}], ids=["listed", "replaced", "appended", "no-conf"])
def test_a_hooks_dir_that_has_ours_is_no_complaint(well, conf):
    for name, text in conf.items():
        well.write(name, text)
    assert bad(well.doctor()) == [] and says(well.doctor(), "good", "hooks.d", "registered for podman")


@pytest.mark.parametrize("name", HOST)
def test_the_cause_is_named_on_a_host_where(well, name):
    breaking, severity, words = HOST[name]
    breaking(well)
    findings = well.doctor()
    assert says(findings, severity, *words), findings


def config(change):
    return lambda h: h.edit("bundle/config.json", change)


def hook(stage, **members):
    return config(lambda c: c["hooks"][stage][0].update(members))


def rename(old, new):
    return config(lambda c: c["hooks"].update({new: c["hooks"].pop(old)}))


BUNDLE = {
    "there are no hooks": (config(lambda c: c.pop("hooks")), "note", ["no createRuntime hook", "podman adds it"]),
    "there are no hooks, and podman has none": (
        lambda h: (shutil.rmtree(h.root / HOOKS_D), h.edit("bundle/config.json", lambda c: c.pop("hooks"))), "broken",
        ["config.json", "no createRuntime hook", "without the links"]),
    "the hook runs inside the container": (
        rename("createRuntime", "createContainer"), "broken", ['wrong stage "createContainer"']),
    "the hook runs too late": (rename("createRuntime", "poststart"), "broken", ['wrong stage "poststart"', "already"]),
    "the program is not there": (hook("createRuntime", path="/opt/xc-hook"), "broken", ['"/opt/xc-hook" is not there']),
    "the path is relative": (hook("createRuntime", path="bin/xc-hook"), "broken", ["is not absolute"]),
    "the timeout is zero": (hook("createRuntime", timeout=0), "broken", ['"timeout" is 0']),
    "the argument is another stage": (
        hook("createRuntime", args=["xc-hook", "poststop"]), "warning", ['another stage than "createRuntime"']),
    "nobody tells the end": (config(lambda c: c["hooks"].pop("poststop")), "warning", ["no poststop hook"]),
    "config.json is no JSON": (lambda h: h.write("bundle/config.json", "{"), "broken", ["config.json", "not JSON"]),
    "run.json is no JSON": (lambda h: h.write("bundle/run.json", "{"), "broken", ["would refuse it", "run.json:1:"]),
    "the target is no place for sockets": (
        lambda h: h.write("bundle/run.json", wanting(target="/etc/x")), "broken", ['"/etc/x"', "place for sockets"]),
    "two services have one target": (
        lambda h: h.edit("bundle/run.json", lambda d: d["services"]["required"].append(
            {"name": "modem-raw", "target": "/run/svc/modem.sock"})), "broken", ["would refuse it", "the same target"]),
    "nobody offers the service": (
        lambda h: h.write("bundle/run.json", wanting(name="modem-raw")), "warning", ['nobody offers "modem-raw"']),
    "policy does not allow it": (
        lambda h: h.write("etc/xconnect/policy.d/10.json",
                          {"#spec": "xconnect-policy@1", "allow": [{"consumer": "other", "service": "*", "roles": ["*"]}]}),
        "broken", ["no policy entry allows", "modem-api"]),
    "it asks for nothing": (lambda h: (h.bundle / "run.json").unlink(), "warning", ["asks for nothing"]),
}


@pytest.mark.parametrize("name", BUNDLE)
def test_the_cause_is_named_for_a_bundle_where(well, name):
    breaking, severity, words = BUNDLE[name]
    breaking(well)
    assert says(well.doctor(well.bundle), severity, *words), well.doctor(well.bundle)


def test_an_lxc_container_that_does_not_include_our_lines_is_told_so(well):
    well.write("var/lib/lxc/dialer/config", "lxc.uts.name = dialer\n")
    assert says(well.doctor("dialer"), "broken", "dialer/config", "does not include", "50-xconnect.conf")
    (well.root / "usr/share/lxc/config/common.conf.d/50-xconnect.conf").unlink()
    assert says(well.doctor("dialer"), "broken", "dialer/config", "no lxc.hook.start-host for xc-hook")


def test_a_container_that_nobody_knows_is_told_so(well):
    assert says(well.doctor("nobody"), "broken", "nobody", "no such container is served")


def test_a_root_that_is_not_there_is_a_mistake_of_the_caller(tmp_path):
    outcome = inject("doctor", "--root", tmp_path / "none")
    assert (outcome.returncode, outcome.stdout) == (64, "") and "is not there" in outcome.stderr


def test_colours_are_for_terminals_only(well):
    (well.root / HOOK[1:]).unlink()
    plain = inject("doctor", "--root", well.root)
    assert "\x1b[" not in plain.stdout and plain.stdout.startswith("broken   ")
    for refused, painted in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        text = terminal([beds.INJECT, "doctor", "--root", well.root], {"TERM": "xterm", **refused})
        assert ("\x1b[1;31mbroken\x1b[0m" in text) == painted, (refused, text)
        assert "-> install xconnect, or correct the path" in text
