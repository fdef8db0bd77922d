"""What engines can do from some version on. A test says it as @pytest.mark.since(crun="0.19", podman="4.0"): it is left out
where it would need an older one, and pytest counts it as deselected. Nothing is left out for another reason."""

import functools
import re
import subprocess

COMMANDS = {"runc": ["runc", "--version"], "crun": ["crun", "--version"], "podman": ["podman", "--version"],
            "lxc": ["lxc-start", "--version"]}


@functools.cache
def of(program):
    """The first number with a dot in it that the program says of itself, such as 1.0.0 of "runc version 1.0.0~rc93"."""
    words = subprocess.run(COMMANDS[program], capture_output=True, text=True, check=True).stdout.split()
    return next(re.match(r"[0-9.]+[0-9]", word)[0] for word in words if re.match(r"[0-9]+\.[0-9]", word))


def is_older(program, than):
    numbers = lambda version: [int(part) for part in version.split(".")]
    return numbers(of(program)) < numbers(than)


def uses(item, program):
    """By a parameter or a fixture; `room` is podman's."""
    words = [*re.split(r"[\[\]-]", item.name), *item.fixturenames]
    return program in words or (program == "podman" and "room" in words)


def leave_out(config, items):
    old = [item for item in items for marker in item.iter_markers("since")
           if any(uses(item, program) and is_older(program, version) for program, version in marker.kwargs.items())]
    if old:
        config.hook.pytest_deselected(items=old)
        items[:] = [item for item in items if item not in old]
