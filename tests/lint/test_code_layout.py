"""cmake/carry.ld names files of ours by pattern; a name that matches nothing any more would cost memory unnoticed."""

import fnmatch
import re

import tree


def test_every_pattern_names_a_source_file():
    names = {f"{file.name}.o" for file in (tree.SOURCE / "lib").glob("*/*.cc")}
    patterns = re.findall(r"\*libxc_\w+\.a:(\S+?)\(", (tree.SOURCE / "cmake/carry.ld").read_text())
    assert len(patterns) > 20
    assert [one for one in patterns if not fnmatch.filter(names, one)] == []
