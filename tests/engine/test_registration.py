"""xc-inject hooks: how an engine is told to call us."""

import json
import shutil
import subprocess

import bed as beds
import pytest
from jobs import dialer, get, modem, serving, started


def hooks(*arguments):
    return subprocess.run([beds.BUILD / "xc-inject", "hooks", *map(str, arguments)], capture_output=True, text=True,
                          check=False)


@pytest.fixture
def root(bed):
    """A root directory with xc-hook in its place."""
    place = bed.home / "root/usr/libexec/xconnect"
    place.mkdir(parents=True)
    for program in ("xc-hook", "xc-precreate"):
        shutil.copy(beds.BUILD / program, place)
    return bed.home / "root"


def files_below(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*xconnect*") if path.is_file())


@pytest.mark.parametrize("engine, files", [
    ("podman", [f"usr/share/containers/oci/hooks.d/50-xconnect{part}.json" for part in ("-end", "-variables", "")]),
    ("crio", [f"usr/share/containers/oci/hooks.d/50-xconnect{part}.json" for part in ("-end", "")]),
    ("lxc", ["usr/share/lxc/config/common.conf.d/50-xconnect.conf"])])
def test_install_says_what_it_wrote_and_remove_takes_it_away(root, engine, files):
    first = hooks("install", engine, "--root", root)
    assert first.returncode == 0, first.stderr
    assert sorted(first.stdout.split()) == [f"{root}/{file}" for file in files]
    assert files_below(root) == files
    again = hooks("install", engine, "--root", root)
    assert (again.returncode, again.stdout) == (0, "")
    removed = hooks("remove", engine, "--root", root)
    assert sorted(removed.stdout.split()) == [f"{root}/{file}" for file in files]
    assert not files_below(root)


def test_what_crio_reads_has_stages_of_oci_alone(root):
    """CRI-O 1.0 and later gives the reader of hooks.d no further stages, and ends when that finds one it does not know."""
    known = {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
    files = [json.loads(one["text"]) for one in json.loads(hooks("print", "crio", "--json").stdout)]
    assert files and all(set(file["stages"]) <= known and file["version"] == "1.0.0" for file in files)
    assert hooks("install", "podman", "--root", root).returncode == 0
    refused_there = hooks("install", "crio", "--root", root)
    assert refused_there.returncode == 64 and "CRI-O refuses the directory" in refused_there.stderr
    hooks("remove", "podman", "--root", root)
    assert hooks("install", "crio", "--root", root).returncode == 0


def test_nothing_is_written_for_a_program_that_is_not_there(bed):
    empty = bed.home / "empty"
    empty.mkdir()
    done = hooks("install", "podman", "--root", empty)
    assert done.returncode == 64 and "xc-hook: No such file or directory" in done.stderr
    assert not list(empty.iterdir())


@pytest.mark.parametrize("arguments, words", [
    (("print", "docker"), '"docker": no such engine; known are runc, crun, podman, crio, lxc, pantavisor'),
    (("install", "runc"), "runc has no directory for hooks"),
    (("print", "lxc", "--hook", "/a; rm -rf /"), "must be an absolute path of letters, digits"),
    (("print", "lxc", "--hook", "xc-hook"), "must be an absolute path")])
def test_what_makes_no_sense_is_said(arguments, words):
    done = hooks(*arguments)
    assert done.returncode == 64 and words in done.stderr, done
    assert len(done.stderr.splitlines()) == 1


def printed(bed, engine):
    """The printed text with this bed's state and configuration in the place of the defaults."""
    text = hooks("print", engine, "--hook", beds.HOOK).stdout
    return text, " ".join(bed.hook()[1:])


def test_the_printed_fragment_serves_an_oci_container(bed, oci):
    text, _ = printed(bed, "runc")
    fragment = json.loads("{" + text + "}")["hooks"]
    for stage in fragment.values():
        stage[0]["args"][1:1] = bed.hook()[1:]

    def put_in(config):
        config["hooks"] = fragment

    serving(oci, modem(bed, hook=[], edit_oci=put_in))
    assert get(started(oci, dialer(bed, hook=[], edit_oci=put_in)))["role"] == "viewer"


def test_the_printed_lines_serve_an_lxc_container(bed, lxc):
    text, options = printed(bed, "lxc")
    lines = [f"{line} {options}" for line in text.splitlines() if not line.startswith("#")]
    serving(lxc, modem(bed, hook=[], lxc_lines=lines))
    assert get(started(lxc, dialer(bed, hook=[], lxc_lines=lines)))["role"] == "viewer"
