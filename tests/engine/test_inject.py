"""xc-inject as a person calls it."""

import json
import subprocess

import pytest

import bed as beds
from jobs import RAW_WISH, dialer


def inject(*arguments, **options):
    return subprocess.run([beds.INJECT, *map(str, arguments)], text=True, capture_output=True, check=False, **options)


def test_plan_means_the_directory_one_stands_in(bed, runc):
    c = dialer(bed, wishes=[RAW_WISH])
    runc.prepare(c)
    for directory in ([], ["."], [c.home], [f"{c.home}/"]):
        planned = inject("plan", *directory, "--config", bed.config, cwd=c.home)
        assert planned.returncode == 0 and f"container {c.name}\n" in planned.stdout, planned


def test_plan_says_that_a_directory_is_not_there(bed):
    planned = inject("plan", bed.home / "nobody")
    assert planned.returncode == 64
    assert planned.stderr == f"xc-inject: {bed.home}/nobody: No such file or directory\n"


RUN, SERVICES = "service-manifest-run@1", "service-manifest-xconnect@1"


def wanting(*wishes, optional=(), **more):
    return {"#spec": RUN, "services": {"required": list(wishes), "optional": list(optional)}, **more}


def offering(*offers):
    return {"#spec": SERVICES, "services": [{"type": "unix", **offer} for offer in offers]}


def checked(directory, name, document, *options):
    """The verdict on one document, in JSON, and the exit code."""
    (directory / name).write_text(json.dumps(document))
    outcome = inject("check", name, "--json", *options, cwd=directory)
    return json.loads(outcome.stdout)[0], outcome.returncode


GOOD = {"name": "api", "target": "/run/x.sock"}


@pytest.mark.parametrize("name, document, error", [
    ("run.json", wanting({**GOOD, "target": "/etc/x"}), "is not in a place for sockets"),
    ("run.json", wanting(GOOD, optional=[{**GOOD, "name": "other"}]), "have the same target"),
    ("run.json", {**wanting(GOOD), "#spec": SERVICES}, "/#spec: says that this is a services document"),
    ("services.json", offering({"name": "api", "socket": "run/x"}), "is not absolute"),
    ("services.json", offering({"name": "api", "socket": "/a"}, {"name": "api", "socket": "/b"}), "is offered twice"),
    ("services.json", {"#spec": RUN, "services": []}, "/#spec: says that this is a run document"),
    ("args.json", {"PV_SERVICES_REQUIRED": [{**GOOD, "target": "x"}]}, "is not absolute"),
])
def test_check_refuses_what_the_hook_refuses(tmp_path, name, document, error):
    verdict, code = checked(tmp_path, name, document)
    assert not verdict["good"] and error in verdict["error"] and verdict["error"].startswith(name), verdict
    assert code == 78


@pytest.mark.parametrize("name, document, words", [
    ("run.json", {"Services": {"required": [GOOD]}}, ['/Services: is not known', '"services"']),
    ("run.json", wanting({**GOOD, "Role": "admin"}), ['/Role: is not known', '"role"']),
    ("run.json", wanting({**GOOD, "roles": "admin"}), ['/roles: is not known', '"role"']),
    ("run.json", wanting({**GOOD, "tagret": "/run/y"}), ['/tagret: is not known', '"target"']),
    ("run.json", {"services": {"require": [GOOD]}}, ['/require: is not known', '"required"']),
    ("services.json", offering({"name": "api", "socket": "/a", "alow": []}), ['/alow: is not known', '"allow"']),
    ("args.json", {"pv_services_required": [GOOD]}, ['is not known', '"PV_SERVICES_REQUIRED"']),
])
def test_check_warns_of_keys_that_were_likely_meant_to_be_known(tmp_path, name, document, words):
    verdict, code = checked(tmp_path, name, document)
    assert verdict["good"] and code == 0
    assert any(all(word in warning for word in words) for warning in verdict["warnings"]), verdict


def test_check_says_nothing_of_keys_that_are_other_programs(tmp_path):
    verdict, _ = checked(tmp_path, "run.json", wanting({**GOOD, "weight": 7, "hookpath": "/x"}, env={}, config="x"))
    assert verdict == {"file": "run.json", "kind": "run", "good": True, "error": "", "warnings": []}


def test_check_knows_a_document_by_its_spec_or_its_exact_name_only(tmp_path):
    assert checked(tmp_path, "modem.json", wanting(GOOD))[0]["kind"] == "run"
    assert checked(tmp_path, "modem.json", offering())[0]["kind"] == "services"
    assert checked(tmp_path, "modem.json", {"#spec": "xconnect-policy@1"})[0]["kind"] == "policy"
    verdict, code = checked(tmp_path, "prune.json", {"services": {}})
    assert (verdict["good"], code) == (False, 64) and "--as" in verdict["error"]
    assert checked(tmp_path, "prune.json", {"services": {}}, "--as", "run")[0]["good"]


def test_check_goes_on_after_a_file_that_is_missing(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(wanting(GOOD)))
    outcome = inject("check", "nothing.json", "run.json", "--json", cwd=tmp_path)
    assert [verdict["good"] for verdict in json.loads(outcome.stdout)] == [False, True]
    assert outcome.returncode == 64
