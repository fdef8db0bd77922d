"""clang-tidy over the product, with the short list of .clang-tidy; every finding is an error."""

import concurrent.futures
import json
import os
import subprocess

import tree


def translation_units():
    ours = (str(tree.SOURCE / "lib") + "/", str(tree.SOURCE / "hooks") + "/")
    commands = json.loads((tree.BUILD / "compile_commands.json").read_text())
    return sorted({c["file"] for c in commands if c["file"].startswith(ours)})


def findings(unit):
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(tree.BUILD), "--extra-arg=-Wno-unknown-warning-option",
                           "--extra-arg=-Wno-unused-command-line-argument", unit], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr[-2000:]


def test_clang_tidy_finds_nothing():
    units = translation_units()
    assert len(units) > 10
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [f for f in pool.map(findings, units) if f]
    assert not found, "\n".join(found)[:8000]
