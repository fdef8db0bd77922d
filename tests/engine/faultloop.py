"""A hook under strace: traced once to learn its system calls, then started again with one of them made to fail or to
kill. `strace -e inject` acts on the k-th call of the hook's own process; children run untouched."""

import re
from collections import Counter

CALL = re.compile(r"^(\w+)\(")
NEVER_FAILS = {"exit_group", "exit", "execve"}  # a failure cannot be injected into these


def traced(hook, file):
    return ["/usr/bin/strace", "-qq", "-o", str(file), *hook]


def calls_of(file):
    """[(name, n)]: the calls in order, n counting those of the same name."""
    counts, calls = Counter(), []
    for line in file.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if match:
            counts[match[1]] += 1
            calls.append((match[1], counts[match[1]]))
    return calls


def faulty(hook, name, number, effect, file):
    """The hook, with `effect` ("signal=KILL", "error=ENOSPC") at the n-th call of that name."""
    return ["/usr/bin/strace", "-o", str(file), "-e", f"trace={name}", "-e", f"inject={name}:{effect}:when={number}",
            *hook]


def struck(file):
    """Whether a hook that lived met the fault: one that waits makes a call more or less from time to time. strace says
    nothing reliable of a hook that was killed."""
    text = file.read_text(errors="replace")
    return "(INJECTED)" in text or "killed by SIGKILL" in text


def sample(calls, most):
    """At most `most` of the calls, spread evenly, first and last included; all of them when most is None."""
    if most is None or len(calls) <= most:
        return calls
    return [calls[round(i * (len(calls) - 1) / (most - 1))] for i in range(most)]
