"""The JSON Schemas and the parser, held against each other: every example in schemas/examples is judged by both.

The name of an example says which schema it is for, and what it shows: SCHEMA.WHAT.json, or rules.TYPE.WHAT.json.
valid/ and invalid/ must be judged alike; invalid-parser-only/ holds what a schema has no words for (duplicate keys,
numbers out of range, what is not JSON at all)."""

import json
import subprocess

import jsonschema
import pytest
import tree

SCHEMAS = {path.name.split(".")[0]: json.loads(path.read_text()) for path in
           sorted((tree.SOURCE / "schemas").glob("*.schema.json"))}
STORE = {schema["$id"]: schema for schema in SCHEMAS.values()}
EXAMPLES = tree.SOURCE / "schemas" / "examples"
PARSER = tree.BUILD / "tests" / "xc-parse"


def examples(folder):
    return sorted((EXAMPLES / folder).iterdir())


def by_name(path):
    return path.name


def schema_of(path):
    kind, protocol = path.name.split(".")[:2]
    schema = SCHEMAS[kind]
    if kind != "rules":
        return schema
    # A whole role object instead of the protocol's value is told by a member of the protocol's name.
    document = json.loads(path.read_text())
    definition = "role" if isinstance(document, dict) and protocol in document else protocol
    return {"$schema": schema["$schema"], "$ref": f"rules.schema.json#/$defs/{definition}"}


def accepted_by_schema(path, document):
    schema = schema_of(path)
    resolver = jsonschema.RefResolver(schema.get("$id", ""), schema, store=STORE)
    return jsonschema.Draft202012Validator(schema, resolver=resolver).is_valid(document)


def parse(path):
    kind = ".".join(path.name.split(".")[:2]) if path.name.startswith("rules.") else path.name.split(".")[0]
    return subprocess.run([str(PARSER), kind, str(path)], capture_output=True, text=True, timeout=10)


def assert_refused(path):
    done = parse(path)
    assert done.returncode == 78, f"accepted, or failed otherwise: {done}"
    assert done.stdout.startswith(path.name) and done.stdout.count("\n") == 1, done.stdout
    assert done.stdout.rstrip("\n").isprintable() and done.stdout.isascii()


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_a_schema_is_a_schema_and_has_examples_of_both_sorts(kind):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind])
    assert SCHEMAS[kind]["$id"] == f"{kind}.schema.json"
    for folder in ("valid", "invalid"):
        assert sum(path.name.startswith(kind + ".") for path in examples(folder)) >= 4


@pytest.mark.parametrize("path", examples("valid"), ids=by_name)
def test_both_accept(path):
    done = parse(path)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout
    assert accepted_by_schema(path, json.loads(path.read_text()))


@pytest.mark.parametrize("path", examples("invalid"), ids=by_name)
def test_both_refuse(path):
    assert_refused(path)
    assert not accepted_by_schema(path, json.loads(path.read_text()))


@pytest.mark.parametrize("path", examples("invalid-parser-only"), ids=by_name)
def test_the_parser_refuses_what_a_schema_cannot(path):
    assert_refused(path)
    try:
        document = json.loads(path.read_text())
    except ValueError:
        return  # not JSON: no schema will ever see it
    assert accepted_by_schema(path, document), "a schema can refuse this: it belongs into invalid/"


def test_the_parser_needs_its_file(tmp_path):
    assert parse(tmp_path / "run.absent.json").returncode == 64
