"""The bed itself, with a hook that only records: what it claims about containers and leftovers must be true."""

import subprocess

import bed as beds
import host


def recorder(bed):
    """A hook that writes what it was given to bed.home/record.<its last argument or LXC's word for it>."""
    script = bed.home / "recorder"
    script.write_text(f"""#!/bin/sh
for last; do :; done
exec 3>>{bed.home}/record.${{LXC_HOOK_TYPE:-$last}}
echo "$@" >&3
env | grep -e ^LXC_ -e ^PATH= >&3
[ -n "$LXC_NAME" ] || cat >&3
""")
    script.chmod(0o755)
    return [str(script)]


def recorded(bed, stage):
    return (bed.home / f"record.{stage}").read_text()


def test_a_container_prints_what_its_first_command_says(bed, engine):
    c = bed.container("hello", ["echo", "hello", "bed"], hook=recorder(bed))
    outcome = engine.run(c)
    assert outcome.code == 0, outcome.output
    assert "hello bed\n" in outcome.output


def test_hooks_run_with_the_state_of_the_container(bed, engine):
    c = bed.container("state", hook=recorder(bed))
    started = engine.start(c)
    assert started.code == 0, started.output
    assert started.pid > 1
    stage = "start-host" if engine.is_lxc else "createRuntime"
    said = recorded(bed, stage)
    if engine.is_lxc:
        assert f"LXC_PID={started.pid}" in said and f"LXC_NAME={c.name}" in said
    else:
        assert f'"id":"{c.name}"' in said.replace(" ", "") and f'"pid":{started.pid}' in said.replace(" ", "")
    engine.stop(c)
    assert recorded(bed, "post-stop" if engine.is_lxc else "poststop")


def test_an_id_mapped_container_starts(bed, engine):
    c = bed.container("mapped", hook=recorder(bed), idmap=True)
    started = engine.start(c)
    assert started.code == 0, started.output
    assert host.status_of(started.pid)["Uid"].split()[0] == "100000"
    assert beds.inside(started.pid, "id", "-u", user=True).output == "0\n"


def test_a_read_only_container_starts(bed, engine):
    c = bed.container("readonly", readonly=True)
    c.hook = recorder(bed)
    started = engine.start(c)
    assert started.code == 0, started.output
    assert "Read-only" in beds.inside(started.pid, "touch", "/x").output


def test_a_failing_hook_stops_the_start(bed, engine):
    script = bed.home / "refuse"
    script.write_text("#!/bin/sh\necho no >&2\nexit 73\n")
    script.chmod(0o755)
    outcome = engine.start(bed.container("refused", hook=[str(script)]))
    assert outcome.code != 0


def test_a_process_that_stays_is_seen(bed):
    before = bed.snapshot()
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            assert any(line.endswith(f" {child.pid}") for line in host.difference(before, bed.snapshot()))
        finally:
            child.kill()
    assert host.difference(before, bed.snapshot()) == []
