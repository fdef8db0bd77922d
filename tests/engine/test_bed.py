"""The bed itself, with a hook that only records: what it claims about containers and leftovers must be true."""

import socket
import subprocess

import bed as beds
import faultloop
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
    ended = bed.home / f"record.{'post-stop' if engine.is_lxc else 'poststop'}"
    assert host.wait_until(lambda: ended.exists() and ended.read_text(), 5), "lxc-stop may return before it"


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
    assert host.wait_until(lambda: host.difference(before, bed.snapshot()) == [])


def shell_hook(bed, body):
    script = bed.home / "naive"
    script.write_text(f"#!/bin/sh\ncat >/dev/null\n{body}\n")
    script.chmod(0o755)
    return [str(script)]


def test_a_naive_hook_falls_into_the_trap_of_the_symlink_cases(bed, oci):
    """Otherwise an empty canary directory would prove nothing."""
    trap = bed.home / "host"
    trap.mkdir()
    c = bed.container("victim", tmpfs=[])
    c.hook = shell_hook(bed, f"mkdir -p {c.root}/run/nm && touch {c.root}/run/nm/api.sock")
    (c.root / "run").rmdir()
    (c.root / "run").symlink_to(trap)
    oci.start(c)
    assert (trap / "nm/api.sock").exists()


def test_a_mount_and_a_listener_that_a_hook_leaves_are_seen(bed, runc):
    place = bed.home / "place"
    place.mkdir()
    before = bed.snapshot()
    c = bed.container("leaky", hook=shell_hook(bed, f"mount --bind {place} {place}"))
    assert runc.start(c).code == 0
    assert [line for line in host.difference(before, bed.snapshot()) if line.startswith("mounts: new") and "place" in line]
    subprocess.run(["umount", place], check=True)
    subprocess.run(["umount", place], check=False)  # poststop's own
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0bed")
        listener.listen()
        assert "listeners: new: @bed" in host.difference(before, bed.snapshot())
    runc.stop(c)
    subprocess.run(["umount", place], check=False)


def test_an_attached_strace_strikes_where_it_is_told(bed, runc):
    """The driver of the fault cases: a hook whose third write fails, and one that is killed there."""
    said = bed.home / "said"
    body = shell_hook(bed, f"[ $1 = createRuntime ] || exit 0\nfor i in 1 2 3 4; do echo $i >>{said} || exit 9; done")
    for effect in ("error=ENOSPC", "signal=KILL"):
        said.write_text("")
        c = bed.container(effect[:5], hook=faultloop.faulty(body, "write", 3, effect, bed.home / "fault"))
        assert runc.start(c).code != 0
        assert said.read_text() == "1\n2\n"
