"""Words that do not belong into the tree: paths of the machine it was made on, and promises to oneself."""

import re

import tree

# Written in pieces, so that this file does not accuse itself.
BUILD_PATHS = ["/" + "work/", "/tmp/" + "wt", "/tmp/" + "brief", "/tmp/" + "bash_jobs"]
PROMISES = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|X" + r"XX|HA" + r"CK)\b")
EMPTY_NAMES = re.compile(r"\b(?:class|struct|enum class|namespace)\s+\w*(?:Manager|Helper|Utils?|[_ ]utils?|_helpers?)\b")
SUFFIXES = {".cc", ".h", ".py", ".sh", ".cmake", ".txt", ".md", ".json", ".list", ".in", ".yml", ".yaml", ".toml", ""}


def texts():
    for path in tree.files(suffixes=SUFFIXES):
        if "corpus" in path.parts:
            continue  # bytes of a fuzzer, not words
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def hits(pattern):
    return [f"{tree.relative(path)}:{number}: {line.strip()[:120]}" for path, text in texts() if pattern.search(text)
            for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def test_no_path_of_the_machine_it_was_made_on():
    places = [*BUILD_PATHS, str(tree.SOURCE) + "/"]
    assert hits(re.compile("|".join(re.escape(p) for p in places))) == []


def test_no_promise_is_left_in_the_code():
    assert hits(PROMISES) == []


def test_no_name_that_says_nothing():
    assert hits(EMPTY_NAMES) == []
    named = [tree.relative(f) for f in tree.files("lib", "hooks") if re.search(r"(manager|helper|util)s?\b", f.stem)]
    assert named == []
