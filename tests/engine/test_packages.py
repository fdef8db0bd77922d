"""What is installed: by `cmake --install`, and by the Debian packages, which serve podman and LXC as they come."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import bed as beds
import engines
import host
import house
import podman
from jobs import get, has, modem, serving, started

HOOK = "/usr/libexec/xconnect/xc-hook"
LISTS = ("share/containers/oci/hooks.d", "share/lxc/config/common.conf.d")
# Known and meant: programs are static; libvchan-socket has no version of its own; nobody uploads these packages; CPack
# writes the calls of ldconfig.
ACCEPTED = ["statically-linked-binary", "shared-library-lacks-prerequisites", "package-name-doesnt-match-sonames",
            "shared-library-lacks-version", "initial-upload-closes-no-bugs", "maintscript-calls-ldconfig", "no-manual-page"]


@pytest.fixture(scope="module")
def packages():
    """Made once from the programs under test; the file names by the packages' names."""
    out = Path(os.environ.get("XC_PACKAGES", house.WORK / "packages"))  # where tests/releases/run had them made
    if not out.exists():
        made = engines.call(["cpack", "-G", "DEB", "--config", str(beds.BUILD / "CPackConfig.cmake"), "-B", str(out)],
                            timeout=400)
        assert made.code == 0, made.output
    found = {file.name.split("_")[0]: file for file in out.glob("*.deb")}
    assert sorted(found) == ["libvchan-socket-dev", "xconnect", "xconnect-crio", "xconnect-lxc", "xconnect-podman"]
    return found


@pytest.fixture(scope="module")
def installed(packages):
    """A root directory in which dpkg installed them, each after what it needs."""
    root = house.WORK / "installed"
    for part in ("updates", "info", "triggers", "parts"):
        (root / "var/lib/dpkg" / part).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    for name in ("xconnect", "xconnect-podman", "xconnect-lxc"):
        done = engines.call(["dpkg", f"--root={root}", "--log=/dev/null", "-i", str(packages[name])], timeout=120)
        assert done.code == 0, done.output
    return root


@pytest.fixture(scope="module")
def room(installed):
    """The installed files lie over those of the machine, for the processes in this room."""
    one = podman.Room()
    for place in ("libexec", "share/containers", "share/lxc"):
        overlay = f"lowerdir={installed}/usr/{place}:/usr/{place}"
        subprocess.run([*one.enter, "mount", "-t", "overlay", "-o", overlay, "overlay", f"/usr/{place}"], check=True)
    yield one
    one.leave()


@pytest.fixture
def bed():
    """The packages' hook has no options: its state is /run/xconnect, its log the engine's."""
    one = beds.Bed()
    yield one
    for engine in one.engines.values():
        one.stop_all(engine)
    assert host.wait_until(lambda: not list((house.WORK.parent / "xconnect/c").iterdir()), 3)
    one.remove()


class OutOfTheBox(podman.Podman):
    """No --hooks-dir: podman looks where the package put its files."""

    def _call(self, *arguments, **options):
        words = list(map(str, arguments))
        if "--hooks-dir" in words:
            at = words.index("--hooks-dir")
            del words[at:at + 2]
        return super()._call(*words, **options)


def test_podman_serves_containers_after_the_packages_are_there(bed, room):
    engine = OutOfTheBox(room)
    bed.engines = {engine.name: engine}
    serving(engine, modem(bed, hook=[]))
    wish = {"io.xconnect.require.modem-api": "auto;role=viewer"}
    pid = started(engine, bed.container("typed", hook=[], annotations=wish))
    assert get(pid, socket="/run/pv/services/modem-api.sock")["role"] == "viewer"
    assert not has(started(engine, bed.container("plain", hook=[])), "/run/pv")


def test_lxc_serves_containers_after_the_packages_are_there(bed, room):
    engine = engines.Lxc("lxc", 0, room.enter)
    bed.engines = {"lxc": engine}
    include = {"hook": [], "lxc_lines": ["lxc.include = /usr/share/lxc/config/common.conf"]}
    serving(engine, modem(bed, **include))
    wish = beds.requires({"name": "modem-api", "role": "viewer", "target": "/run/svc/modem.sock"})
    assert get(started(engine, bed.container("dialer", run=wish, **include)))["role"] == "viewer"


def test_the_packages_registrations_are_those_that_hooks_install_writes(installed):
    for engine, place in zip(("podman", "lxc"), LISTS):
        other = house.WORK / f"by-hand-{engine}"
        shutil.copytree((installed / HOOK[1:]).parent, (other / HOOK[1:]).parent)
        subprocess.run([beds.INJECT, "hooks", "install", engine, "--root", other], check=True, stdout=subprocess.DEVNULL)
        ours, theirs = ({file.name: parsed(file) for file in (root / "usr" / place).iterdir()} for root in (installed, other))
        assert ours == theirs and ours


def parsed(file):
    return json.loads(file.read_text()) if file.suffix == ".json" else file.read_text()


def test_the_examples_are_what_hooks_print_says(installed):
    examples = installed / "usr/share/doc/xconnect/examples"
    for engine, file in (("runc", "oci/config-hooks.json"), ("pantavisor", "pantavisor/args.json")):
        said = subprocess.run([beds.INJECT, "hooks", "print", engine], capture_output=True, text=True, check=True).stdout
        assert json.loads((examples / file).read_text()) == json.loads("{" + said + "}")


def test_every_schema_and_program_is_installed_and_no_package_has_a_script(installed, packages):
    schemas = {file.name for file in (installed / "usr/share/xconnect/schemas").iterdir()}
    assert schemas == {file.name for file in (beds.BUILD / "../..").resolve().glob("schemas/*.schema.json")}
    for program in ("bin/xc-inject", "libexec/xconnect/xc-hook"):
        said = subprocess.run([installed / "usr" / program, "--version"], capture_output=True, text=True, check=True).stdout
        assert said.startswith(program.rsplit("/", 1)[1])
    for file in (file for name, file in packages.items() if name.startswith("xconnect")):
        listed = subprocess.run(["dpkg-deb", "--ctrl-tarfile", file], capture_output=True, check=True).stdout
        assert not any(script in listed for script in (b"postinst", b"prerm", b"preinst", b"postrm"))


def test_lintian_has_nothing_against_the_packages(packages):
    said = engines.call(["lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", ",".join(ACCEPTED),
                         *map(str, packages.values())], timeout=400)
    assert said.code == 0, said.output


def test_an_installation_without_packages_switches_no_engine_on():
    root = house.WORK / "by-cmake"
    done = engines.call(["cmake", "--install", str(beds.BUILD), "--prefix", str(root / "usr"), "--strip"],
                        timeout=120)
    assert done.code == 0, done.output
    files = {str(file.relative_to(root / "usr")) for file in root.rglob("*") if file.is_file()}
    assert {"bin/xc-inject", "libexec/xconnect/xc-hook", "libexec/xconnect/xc-shim", "share/doc/xconnect/README.md",
            "include/libvchan.h"} <= files, files
    assert not [file for file in files if file.startswith(LISTS)]
    outcome = subprocess.run([root / "usr/bin/xc-inject", "hooks", "install", "lxc", "--root", root], check=True,
                             capture_output=True, text=True)
    assert outcome.stdout == f"{root}/usr/share/lxc/config/common.conf.d/50-xconnect.conf\n"
