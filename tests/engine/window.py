"""xc-inject as its tests call it, and the findings of its doctor."""

import json
import os
import subprocess

import bed as beds


def inject(*arguments, **options):
    return subprocess.run([beds.INJECT, *map(str, arguments)], text=True, capture_output=True, check=False, **options)


def doctor(*arguments, **options):
    """The findings, and the exit code, which must agree with them."""
    outcome = inject("doctor", "--json", *arguments, **options)
    assert outcome.returncode in (0, 1), outcome.stderr
    findings = json.loads(outcome.stdout)
    assert outcome.returncode == any(f["severity"] == "broken" for f in findings), findings
    for finding in findings:
        assert finding["severity"] != "broken" or (finding["means"] and finding["mend"]), finding
    return findings


def says(findings, severity, *words):
    return [f for f in findings
            if f["severity"] == severity and all(w in f"{f['where']}: {f['what']} {f['means']}" for w in words)]


def terminal(command, environment):
    """What a program prints to a terminal."""
    main, other = os.openpty()
    subprocess.run([str(word) for word in command], stdin=other, stdout=other, stderr=other, check=False, env=environment)
    os.close(other)
    text = b""
    while piece := read_or_nothing(main):
        text += piece
    os.close(main)
    return text.decode().replace("\r\n", "\n")


def read_or_nothing(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: the other side is closed and empty
        return b""
