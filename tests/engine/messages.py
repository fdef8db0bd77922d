"""Every error message of the product, read from its source: the sentence, with a quoted word where something varies.

A message is an argument of one of the functions in TALKERS. A function that hands a parameter on as its whole message
is a wrapper, and must be a talker itself: `mute()` finds those that are not, so that nothing escapes."""

import os
import pathlib
import re
from dataclasses import dataclass

SOURCE = pathlib.Path(os.environ.get("XC_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
STRING = re.compile(r'R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
LITERAL = re.compile(r'R"\((.*?)\)"|"((?:\\.|[^"\\\n])*)"', re.S)
CALL = re.compile(r"(\.|->|::|\b)(fail|fail_errno|expected|warning|error|wrong|malformed|give_up|refuse|deny)\s*\(|\bRefusal\s*\{")
VARIABLE = '"x"'
ERRNO = ": Read-only file system"
# What stands around the argument of a wrapper.
AROUND = {"wrong": "match rule: {}", "malformed": "D-Bus message: {}", "give_up": "the reading process {}"}
AROUND_IN = {"annotations": 'annotation "x": {}', "bus_address": 'bus address "x": {}', "proxy_words": '"x": {}',
             "places": 'target "x" {}'}


@dataclass
class Message:
    place: str
    talker: str
    sentence: str


def without_remarks(code):
    pieces, at = [], 0
    for match in re.compile(STRING.pattern + r"|//[^\n]*", re.S).finditer(code):
        if match.group().startswith("//"):
            pieces.append(code[at:match.start()])
            at = match.end()
    return "".join([*pieces, code[at:]])


def arguments(code, start):
    """The arguments of the call whose bracket opens just before `start`."""
    found, depth, at, begin = [], 0, start, start
    while at < len(code):
        if match := STRING.match(code, at):
            at = match.end()
            continue
        c = code[at]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            if depth == 0:
                return [*found, code[begin:at].strip()]
            depth -= 1
        elif c == "," and depth == 0:
            found.append(code[begin:at].strip())
            begin = at + 1
        at += 1
    return []


def sentence_of(expression):
    """Literals as they are, VARIABLE for the rest: an expression of literals, calls and '+'."""
    out, at = "", 0
    for match in LITERAL.finditer(expression):
        between = re.sub(r"std::string[({]|[\s+)}(]", "", expression[at:match.start()])
        if between:
            out += VARIABLE
        raw, escaped = match.groups()
        out += raw if raw is not None else escaped.replace('\\"', '"').replace("\\n", " ").replace("\\\\", "\\")
        at = match.end()
    if re.sub(r"[\s+)}]", "", expression[at:]) or not out:
        out += VARIABLE
    return out.replace(f'"{VARIABLE}"', VARIABLE)


def message_of(call, code, stem):
    """What the call says, or nothing when it is no message."""
    given = arguments(code, call.end())
    dot, talker = call.group(1), call.group(2) or "Refusal"
    if not given or talker in ("warning", "error") and not code[:call.start()].endswith("log"):
        return talker, ""
    if talker in ("fail", "fail_errno") and dot not in (".", "->") and len(given) > 1:
        return talker, sentence_of(given[1]) + (ERRNO if talker == "fail_errno" else "")
    if talker in ("fail", "expected") and dot in (".", "->") and len(given) == 1:
        sentence = sentence_of(given[0])
        return talker, "run.json: /x: " + (f"expected {sentence}, found null" if talker == "expected" else sentence)
    if talker == "Refusal" and len(given) == 2:
        return talker, sentence_of(given[1])
    if talker in ("refuse", "deny") and any('"' in one for one in given):
        return talker, AROUND_IN.get(stem, "{}").format(sentence_of([one for one in given if '"' in one][-1]))
    if talker in AROUND and stem != "wayland" and any('"' in one for one in given):
        return talker, AROUND[talker].format(sentence_of(next(one for one in given if '"' in one)))
    return talker, sentence_of(given[0]) if talker in ("warning", "error") else ""


def messages():
    found = []
    for top in ("lib", "hooks"):
        for path in sorted((SOURCE / top).rglob("*")):
            if path.suffix not in (".cc", ".h") or path.name.startswith("entries_"):
                continue
            code = without_remarks(path.read_text())
            for call in CALL.finditer(code):
                talker, sentence = message_of(call, code, path.stem)
                if sentence:
                    place = f"{path.relative_to(SOURCE)}:{code[:call.start()].count(chr(10)) + 1}"
                    found.append(Message(place, talker, sentence))
    return found


def has_words(sentence):
    """Something of the message is ours, and not only handed on."""
    return re.search(r"[A-Za-z]{2}", sentence.replace(VARIABLE, "").replace(ERRNO, "").replace("run.json: /x: ", "")
                     .replace("expected , found null", "")) is not None


def mute():
    """Messages of which nothing can be read here: they only hand on what others say."""
    return [one for one in messages() if not has_words(one.sentence)]
