"""xc-inject as a person calls it."""

import subprocess

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
