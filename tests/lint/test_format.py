"""All C++ of the tree is formatted as .clang-format says; to repair: clang-format-19 -i FILE."""

import subprocess

import tree


def test_every_file_is_formatted():
    sources = [str(f) for f in tree.files("lib", "hooks", "tests", "cmake", suffixes=tree.CODE)]
    assert len(sources) > 20
    done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", f"--style=file:{tree.SOURCE}/.clang-format",
                           *sources], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
