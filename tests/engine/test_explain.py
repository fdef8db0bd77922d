"""xc-inject explain: every error message of the product has an entry."""

import json
import re
import subprocess

import pytest

import bed as beds
import messages
from window import inject

# Functions that hand on what their callers say; the callers are talkers of messages.py, or are listed by entries.
HAND_ON = {
    "lib/shim/lease_desk.cc",
    "lib/app/exec.cc",
    "lib/app/ask.cc", "lib/base/result.cc", "lib/base/result.h", "lib/app/hook.cc", "lib/app/start.cc", "lib/registry/leftovers.cc",
    "lib/app/trail.cc",
    "lib/shim/life.cc", "lib/shim/post.cc", "lib/plan/planner.cc", "lib/plan/places.cc", "lib/parse/json_view.cc",
    "lib/plan/devices.cc", "lib/shim/guard.cc", "lib/shim/shortcut.cc", "lib/parse/json_build.cc", "lib/parse/json_in.h", "lib/parse/field.cc", "lib/parse/policy.cc", "lib/parse/proxy_words.cc",
}


def explained(lines):
    """For each line what explain says of it."""
    outcome = subprocess.run([beds.INJECT, "explain", "-", "--json"], input="\n".join(lines) + "\n", text=True,
                             capture_output=True, check=False)
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_every_message_of_the_source_has_an_entry():
    said = [one for one in messages.messages() if messages.has_words(one.sentence)]
    assert len(said) > 300
    answers = explained([one.sentence for one in said])
    assert len(answers) == len(said)
    unknown = []
    for one, answer in zip(said, answers):
        own = [told for told in answer if not re.match(r"E[A-Z0-9]+ \(\d+", told["about"])]
        named = one.talker == "fail_errno" and answer  # a file's name and an errno: the errno is the message
        if not own and not named:
            unknown.append(f"{one.place}: {one.sentence}")
    assert not unknown, "write an entry in lib/advice/entries_*.cc for\n" + "\n".join(unknown)


def test_no_message_is_handed_on_unseen():
    assert [f"{one.place}: {one.sentence}" for one in messages.mute()
            if one.talker != "fail_errno" and one.place.split(":")[0] not in HAND_ON] == []


def entries():
    """(file, pattern) of every entry."""
    found = []
    for path in sorted((messages.SOURCE / "lib/advice").glob("entries_*.cc")):
        code = messages.without_remarks(path.read_text())
        for match in re.finditer(r"\bEntry\{", code):
            patterns = messages.sentence_of(messages.arguments(code, match.end())[0])
            found += [(path.name, pattern) for pattern in patterns.split("|")]
    return found


def test_every_entry_is_about_something_that_is_said():
    """The longest piece of each pattern stands in the source, strings that follow each other being one."""
    source = ""
    for top in ("lib", "hooks"):
        for path in (messages.SOURCE / top).rglob("*"):
            if path.suffix in (".cc", ".h") and "advice" not in path.parts:
                source += re.sub(r'"\s*\n\s*"', "", messages.without_remarks(path.read_text())).replace('\\"', '"')
    dead = []
    for name, pattern in entries():
        piece = max(re.split(r"[*]", pattern), key=len).strip(' :"')
        if piece not in source:
            dead.append(f"{name}: {pattern}")
    assert len(entries()) > 200
    assert not dead, "nobody says\n" + "\n".join(dead)


@pytest.mark.parametrize("words", [["EROFS"], ["30"], ["Read-only", "file", "system"]])
def test_an_errno_is_known_by_name_number_and_text(words):
    outcome = inject("explain", *words)
    assert outcome.returncode == 0
    assert outcome.stdout.startswith("EROFS (30, Read-only file system)\n  means  ") and "\n  do     " in outcome.stdout


def test_a_line_is_explained_with_its_errno():
    (told, errno) = json.loads(inject("explain", "--json", "xc-hook: c: /run/x: making the directory: No space left on device").stdout)
    assert told["about"].startswith("making the directory") and errno["about"].startswith("ENOSPC (28")


def test_the_entry_that_fits_best_is_taken():
    (told,) = json.loads(inject("explain", "--json", 'policy.json: /deny: is not known here, and ignoring it could grant too '
                                'much; known are "allow" and "offer"').stdout)
    assert "rights" in told["means"]


def test_lines_are_explained_in_words_unless_json_is_asked_for():
    outcome = inject("explain", "-", input="EROFS\nsegmentation \x1b[31mfault\n")
    assert outcome.returncode == 64
    head, first, *_, unknown, last = outcome.stdout.splitlines()
    assert (head, first) == ("> EROFS", "EROFS (30, Read-only file system)")
    assert (unknown, last) == ("> segmentation \\x1b[31mfault", "nothing is known of that message")


def test_what_is_not_ours_is_not_known():
    outcome = inject("explain", "segmentation fault")
    assert (outcome.returncode, outcome.stdout) == (64, "")
    assert outcome.stderr == 'xc-inject: "segmentation fault": nothing is known of that message\n'


def test_what_the_hook_really_says_is_explained(bed, runc):
    c = bed.container("wrong", run={"services": {"required": [{"name": "a", "target": "/etc/passwd"}]}})
    assert runc.start(c).code != 0
    line = next(line for line in bed.log_text().splitlines() if "/etc/passwd" in line)
    assert "places" in inject("explain", line).stdout or "planted only where" in inject("explain", line).stdout
