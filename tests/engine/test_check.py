"""xc-inject check as a compiler would say it: position, line, caret."""

import json
import subprocess

import pytest

from window import inject, terminal
import bed as beds


def checked(directory, name, text):
    (directory / name).write_text(text)
    outcome = inject("check", name, cwd=directory)
    return outcome.stderr.splitlines(), outcome.returncode


CASES = [
    ("run.json", '{\n  "services": {\n    "required": [\n      { "name": "a", "target": 7 }\n    ] } }\n',
     "run.json:4:32: error: /services/required/0/target: expected a string or a list of strings, found a number (7)",
     '      { "name": "a", "target": 7 }', "                               ^"),
    ("run.json", '{ "services": { "required": [\n\t{ "name": "a", "target": "/etc/x" } ] } }',
     'run.json:2:27: error: /services/required/0: service "a": target "/etc/x" is not in a place for sockets',
     ' { "name": "a", "target": "/etc/x" } ] } }', "                          ^~~~~~~~"),
    ("run.json", '{ "services": { "required": [ { "target": "/run/x" } ] } }',
     'run.json:1:31: error: /services/required/0: has no "name"',
     '{ "services": { "required": [ { "target": "/run/x" } ] } }', "                              ^"),
    ("run.json", '{ "services": { "required": [ ],} }', "run.json:1:33: error: not JSON",
     '{ "services": { "required": [ ],} }', "                                ^"),
    ("run.json", '{ "services": 1,\n  "services": 2 }', 'run.json:2:3: error: duplicate key "services"',
     '  "services": 2 }', "  ^"),
    ("services.json", '{ "services": [\n  { "name": "a~b", "type": "unix", "socket": "/x" } ] }',
     "services.json:2:13: error: /services/0/name: expected",
     '  { "name": "a~b", "type": "unix", "socket": "/x" } ] }', "            ^~~~~"),
    ("services.json", '{ "services": [ { "name": "a", "type": "unix", "socket": "/x",\n'
     '  "roles": { "r/1": { "unix": { "fds": 999 } } } } ] }', "services.json:2:14: error: /services/0/roles/r~11: a role's name",
     '  "roles": { "r/1": { "unix": { "fds": 999 } } } } ] }', "             ^~~~~"),
    ("args.json", '{ "PV_SERVICES_REQUIRED": {} }', "args.json:1:27: error: /PV_SERVICES_REQUIRED: expected a list",
     '{ "PV_SERVICES_REQUIRED": {} }', "                          ^"),
]


@pytest.mark.parametrize("name, text, error, line, caret", CASES)
def test_the_place_of_a_mistake_is_shown(tmp_path, name, text, error, line, caret):
    lines, code = checked(tmp_path, name, text)
    assert code == 78
    assert lines[0].startswith(error), lines
    number = lines[0].split(":")[1]
    assert lines[1:] == [f"{number:>5} | {line}", f"      | {caret}"], lines


def test_json_has_the_same_place(tmp_path):
    for name, text, error, *_ in CASES:
        (tmp_path / name).write_text(text)
        (verdict,) = json.loads(inject("check", "--json", name, cwd=tmp_path).stdout)
        assert f"{name}:{verdict['line']}:{verdict['column']}: error: " == error[:error.index("error: ") + 7]


def test_a_warning_points_at_the_misspelt_name(tmp_path):
    lines, code = checked(tmp_path, "run.json", '{ "services": { "required": [\n  { "name": "a",\n    "tagret": "/run/x" } ] } }')
    assert code == 0
    assert lines == ['run.json:3:5: warning: /services/required/0/tagret: is not known and has no effect; did you mean "target"?',
                     '    3 |     "tagret": "/run/x" } ] } }', "      |     ^~~~~~~~"]


RULES = """{ "services": [ { "name": "a", "type": "rest", "socket": "/s", "roles": { "viewer": { "rest": [
  { "methods": ["GET"], "paths": ["/v1/**", "/v2//x"] },
  { "methods": ["GET"], "paths": ["/v1/status"] } ] } } } ] }"""


def test_rules_that_can_never_match_are_pointed_at(tmp_path):
    lines, code = checked(tmp_path, "services.json", RULES)
    assert code == 0
    assert lines == [
        "services.json:2:45: warning: /services/0/roles/viewer/rest/0/paths/1: matches no request: what is judged is the path "
        'in its normal form; write "/v2/x"',
        '    2 |   { "methods": ["GET"], "paths": ["/v1/**", "/v2//x"] },', "      | " + " " * 44 + "^~~~~~~~",
        "services.json:3:3: warning: /services/0/roles/viewer/rest/1: has no effect: the rules before it allow all that it "
        "allows; remove it",
        '    3 |   { "methods": ["GET"], "paths": ["/v1/status"] } ] } } } ] }', "      |   ^"], lines
    (tmp_path / "policy.json").write_text(json.dumps({"#spec": "xconnect-policy@1", "allow": [{
        "consumer": "*", "service": "*", "roles": {"x": {"rest": [{"methods": ["GET"], "paths": ["/%2e"]}]}}}]}))
    (verdict,) = json.loads(inject("check", "--json", "policy.json", cwd=tmp_path).stdout)
    assert verdict["good"] and "/allow/0/roles/x/rest/0/paths/0: matches no request" in verdict["warnings"][0], verdict


def test_a_mistake_of_the_whole_document_has_no_place(tmp_path):
    for text, error in (("", "is empty"), ("\ufeff{}", "begins with a byte order mark"), (" " * 70000, "is larger than")):
        lines, code = checked(tmp_path, "run.json", text)
        assert code == 78 and len(lines) == 1 and error in lines[0], lines
        assert lines[0].startswith("run.json: error: "), lines


def wish(member):
    return '{ "services": { "required": [ { "name": "a", %s } ] } }' % member


@pytest.mark.parametrize("member", ['"type": "nothing-of-ours"', '"target": "shm:x"', '"type": "vchan"'])
def test_what_no_hook_would_plant_is_a_bad_file(tmp_path, member):
    lines, code = checked(tmp_path, "run.json", wish(member))
    assert code == 78 and "/services/required/0: " in lines[0], (code, lines)


def test_what_cannot_be_read_is_no_bad_file(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "run.json").chmod(0)
    humble = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", beds.INJECT, "check", tmp_path / "run.json"]
    outcome = subprocess.run(humble, capture_output=True, text=True, check=False)
    assert outcome.returncode == 64 and "Permission denied" in outcome.stderr, outcome


def test_the_other_end_of_a_vchan_may_be_declared_elsewhere(tmp_path):
    two = wish('"type": "vchan", "domain": 7 }, { "name": "b", "type": "vchan", "domain": 7')
    assert checked(tmp_path, "run.json", two) == ([], 0)


def test_a_hostile_line_is_harmless(tmp_path):
    lines, _ = checked(tmp_path, "run.json", '{ "\x7f\u009b31m": "", "services": { "required": [ { "name": "é", "target": 1 } ] } }')
    assert all(32 <= ord(c) < 127 for line in lines for c in line), lines
    assert lines[2].index("^") == lines[1].index('"\\xc3')


def test_colours_follow_standard_error(tmp_path):
    (tmp_path / "run.json").write_text('{ "services": 7 }')
    command = [beds.INJECT, "check", tmp_path / "run.json"]
    assert "\x1b[1;31merror:\x1b[0m" in terminal(command, {"TERM": "xterm"})
    assert "\x1b" not in terminal(command, {"TERM": "xterm", "NO_COLOR": "1"})
