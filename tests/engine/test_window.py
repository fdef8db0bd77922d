"""What all subcommands of xc-inject have in common: help that teaches, completions, manual pages, exit codes, JSON, no
colour where none belongs, no word about a broken pipe, no root where it could do without."""

import json
import os
import re
import secrets
import subprocess
import time

import pytest

import bed as beds
import house
from window import inject

BUILD = beds.BUILD
SHELLS = {"bash": "xc-inject", "zsh": "_xc-inject", "fish": "xc-inject.fish"}


def verbs():
    """Every subcommand that --help lists, with those below it."""
    found = []

    def walk(way):
        text = inject(*way, "--help").stdout
        listed = re.search(r"Subcommands:\n((?:  .*\n)+)", text)
        for line in listed.group(1).splitlines() if listed else ():
            if re.match(r"  [a-z]", line):
                found.append((*way, line.split()[0]))
                if line.split()[0] != "dbus-proxy":
                    walk(found[-1])

    walk(())
    return found


def test_every_verb_is_explained_with_an_example():
    assert {"check", "plan", "doctor", "explain", "graph", "render", "completion"} <= {way[0] for way in verbs()}
    for way in verbs():
        if way[0] in ("dbus-proxy", "hooks") and way != ("hooks",):
            continue
        outcome = inject(*way, "--help")
        assert outcome.returncode == 0 and not outcome.stderr, outcome
        assert "Example" in outcome.stdout, f"{way} shows no example"


def test_what_is_not_understood_ends_with_64_and_one_line():
    for way in [("nonsense",), ("check",), ("doctor", "--nonsense"), ("graph", "--dot", "--svg"), ("completion", "tcsh"),
                ("render",), ("explain",), ("man", "nobody")]:
        outcome = inject(*way)
        assert (outcome.returncode, outcome.stdout) == (64, ""), (way, outcome)
        assert outcome.stderr, way


def test_a_file_that_is_not_there_ends_with_64():
    doctor = [("doctor", option) for option in ("--root", "--config", "--lxcpath", "--hooks-dir")]
    for way in [("check",), ("render",), ("plan",), ("graph",), ("graph", "--read"), ("graph", "--pv-ctrl"), ("trace", "--read"),
                *doctor]:
        outcome = inject(*way, "/nowhere")
        assert (outcome.returncode, outcome.stdout) == (64, "") and "/nowhere: " in outcome.stderr, (way, outcome)


@pytest.mark.parametrize("words, error", [
    (["trace", "--verdict", "refused", "nobody", "--state", "{dir}/state"], "{dir}/state"),
    (["exec", "--config", "{dir}", "--state", "{dir}/state", "--listen", "one", "two", "--", "true"], ""),
    (["mediate", "--client-uid", "0", "rest", "--listen", "{dir}/a/b", "--connect", "{dir}/c"], "No such file")])
def test_an_option_that_may_be_repeated_takes_one_word_at_a_time(tmp_path, words, error):
    (tmp_path / "services.d").mkdir()
    offer = {"name": "one", "type": "unix", "socket": str(tmp_path / "one.sock")}
    (tmp_path / "services.d/one.json").write_text(json.dumps([offer]))
    outcome = inject(*(word.format(dir=tmp_path) for word in words), timeout=60)
    assert error.format(dir=tmp_path) in outcome.stderr and bool(outcome.returncode) == bool(error), outcome
    assert "see xc-inject" not in outcome.stderr, outcome


@pytest.mark.parametrize("way", [["doctor"], ["graph", "{dir}"], ["plan", "{dir}"], ["check", "{dir}/run.json"],
                                 ["explain", "EROFS"], ["hooks", "print", "runc"]])
def test_json_is_one_line_of_json(tmp_path, way):
    (tmp_path / "run.json").write_text("{}")
    outcome = inject(*[word.format(dir=tmp_path) for word in way], "--json")
    assert outcome.stdout.count("\n") == 1
    json.loads(outcome.stdout)


# --- completion -----------------------------------------------------------------------------------------------------------

def completed(shell, line, tmp_path):
    """What the shell would offer behind `line`."""
    script = tmp_path / SHELLS[shell]
    script.write_text(inject("completion", shell).stdout)
    path = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    if shell == "fish":
        text = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], capture_output=True,
                              text=True, check=True, env=path).stdout
        return [entry.split("\t")[0] for entry in text.splitlines()]
    if shell == "bash":
        code = (f"source {script}; COMP_WORDS=({line.rstrip()}{' ' + chr(39) * 2 if line.endswith(' ') else ''}); "
                "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _xc_inject; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, env=path).stdout.split()
    code = (f"compdef() {{ :; }}; _files() {{ :; }}; compadd() {{ shift; print -l -- $@; }}; source {script}; "
            f"words=({line.rstrip()} ''); CURRENT=${{#words}}; _xc_inject")
    return subprocess.run(["zsh", "-fc", code], capture_output=True, text=True, check=True, env=path).stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_verbs_options_and_values(shell, tmp_path):
    tops = {way[0] for way in verbs()}
    assert tops <= set(completed(shell, "xc-inject ", tmp_path))
    assert {"print", "install", "remove"} <= set(completed(shell, "xc-inject hooks ", tmp_path))
    assert {"runc", "podman", "lxc"} <= set(completed(shell, "xc-inject hooks print ", tmp_path))
    offered = completed(shell, "xc-inject doctor --" if shell == "fish" else "xc-inject doctor ", tmp_path)
    assert {"--root", "--hooks-dir", "--json"} <= set(offered), offered
    assert {"run", "args", "services", "policy"} == set(completed(shell, "xc-inject check --as ", tmp_path)) or shell == "fish"
    assert {"bash", "zsh", "fish"} <= set(completed(shell, "xc-inject completion ", tmp_path))


# --- manual pages and installation -----------------------------------------------------------------------------------------

PAGES = ["xc-inject.1", "xc-hook.8", "xc-shim.8", "xconnect.7", "xconnect-run.5", "xconnect-services.5", "xconnect-args.5",
         "xconnect-policy.5", "xconnect-rules.5"]


def manual(page):
    outcome = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True, check=True,
                             env={**os.environ, "MANWIDTH": "120", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""})
    assert not outcome.stderr, outcome.stderr
    return outcome.stdout


def test_installing_puts_everything_in_its_place(tmp_path):
    done = subprocess.run(["cmake", "--install", BUILD], env={**os.environ, "DESTDIR": str(tmp_path)}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    installed = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    prefix = next(path for path in installed if path.endswith("bin/xc-inject"))[:-len("bin/xc-inject")]
    wanted = {f"{prefix}share/man/man{page[-1]}/{page}" for page in PAGES}
    wanted |= {f"{prefix}share/bash-completion/completions/xc-inject", f"{prefix}share/zsh/site-functions/_xc-inject",
               f"{prefix}share/fish/vendor_completions.d/xc-inject.fish", "usr/libexec/xconnect/xc-hook",
               "usr/libexec/xconnect/xc-shim", f"{prefix}share/xconnect/schemas/run.schema.json"}
    assert wanted <= installed, wanted - installed
    for page in PAGES:
        assert len(manual(tmp_path / f"{prefix}share/man/man{page[-1]}/{page}")) > 400


def test_the_manual_says_what_help_says(tmp_path):
    page = tmp_path / "xc-inject.1"
    page.write_text(inject("man", "xc-inject").stdout)
    text = re.sub(r"\s+", " ", manual(page).replace("\u2010\n", "-"))
    for way in verbs():
        assert f" {' '.join(way)} " in text, way
        for option in re.findall(r"^  .*?(--[a-z-]+)", inject(*way, "--help").stdout, re.M):
            assert option in text or option == "--help" or way[0] == "dbus-proxy", (way, option)
    hook = subprocess.run([beds.HOOK, "--help"], capture_output=True, text=True, check=True).stdout
    page.write_text(inject("man", "xc-hook").stdout)
    for option in re.findall(r"^  (--[a-z]+)", hook, re.M):
        assert option in manual(page)


# --- a good citizen -------------------------------------------------------------------------------------------------------

def test_a_reader_that_leaves_is_no_error(tmp_path):
    for words in ("doctor --all", "doctor --json", "completion bash", "man xc-inject", "--help", "explain EROFS"):
        command = f"'{beds.INJECT}' {words} | true; echo ${{PIPESTATUS[0]}}"
        outcome = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert outcome.stderr == "" and outcome.stdout.strip() in ("0", "1"), (words, outcome)


def test_no_root_is_needed_where_it_could_do_without(tmp_path):
    """As nobody: everything that looks at files, and the doctor, who says what was not looked at."""
    home = house.WORK / "nobody"
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    for name, content in (("run.json", '{"services": {"required": [{"name": "a", "target": "/run/x"}]}}'),
                          ("services.json", '{"services": []}'), ("args.json", "{}")):
        (home / name).write_text(content)
        (home / name).chmod(0o644)

    def nobody(*words):
        return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", beds.INJECT, *map(str, words)],
                              capture_output=True, text=True, check=False, cwd=home)

    for words in (["check", "run.json", "services.json"], ["plan", "."], ["graph", "."], ["render", "args.json"],
                  ["explain", "EROFS"], ["completion", "zsh"], ["hooks", "print", "lxc"], ["man", "xconnect"]):
        outcome = nobody(*words)
        assert outcome.returncode == 0, (words, outcome)
    findings = json.loads(nobody("doctor", "--json").stdout)
    assert any(f["severity"] == "note" and "uid 65534" in f["what"] for f in findings), findings


class Terminal:
    """A person's terminal, in tmux."""

    def __init__(self, columns=100, rows=40):
        self.base = ["tmux", "-L", f"xct{secrets.token_hex(4)}"]
        self._call("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "env", "-u", "NO_COLOR",
                   "PS1=$ ", "PATH=" + f"{BUILD}:/usr/bin:/bin", "bash", "--norc", "-i")

    def _call(self, *words):
        return subprocess.run([*self.base, *words], capture_output=True, text=True, check=True).stdout

    def type(self, line, until, colours=False):
        self._call("send-keys", line, "Enter")
        return self.shows(until, *(["-e"] if colours else []))

    def shows(self, words, *options):
        """The screen, once the words are there."""
        end = time.monotonic() + 60
        while words not in (screen := self._call("capture-pane", "-p", *options)):
            assert time.monotonic() < end, screen
            time.sleep(0.05)
        return screen

    def close(self):
        subprocess.run([*self.base, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def screen():
    one = Terminal()
    yield one
    one.close()


def test_a_person_sees_where_the_mistake_is(screen, tmp_path):
    (tmp_path / "run.json").write_text('{\n  "services": {\n    "required": [ { "name": "a", "target": 7 } ]\n  }\n}\n')
    seen = screen.type(f"cd {tmp_path}; clear; xc-inject check run.json; echo done $?", "done 78")
    lines = seen.splitlines()
    line = next(n for n, text in enumerate(lines) if text.startswith("    3 | "))
    assert lines[line + 1].index("^") == lines[line].index("7 }")
    assert "\x1b[1m\x1b[31merror:" in screen.type("clear; xc-inject check run.json; echo again $?", "again 78", colours=True)


def test_a_person_sees_what_the_doctor_says_in_colour(screen, tmp_path):
    (tmp_path / "usr/share/containers/oci/hooks.d").mkdir(parents=True)
    (tmp_path / "usr/share/containers/oci/hooks.d/x.json").write_text("{")
    command = f"clear; xc-inject doctor --root {tmp_path}"
    assert "\x1b[1m\x1b[31mbroken" in screen.type(f"{command}; echo done $?", "done 1", colours=True)
    assert "\x1b[1m\x1b[31m" not in screen.type(f"export NO_COLOR=1; {command}; echo again $?", "again 1", colours=True)


def test_a_person_completes_a_verb_with_the_tab_key(screen):
    screen.type('clear; source <(xc-inject completion bash); echo "re"ady', "ready")
    screen._call("send-keys", "xc-inject comp", "Tab")
    screen.shows("xc-inject completion")
