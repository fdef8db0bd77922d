"""The system call filters of every architecture we build for, run as the kernel runs them (classic BPF, seccomp(2)): what is
on the list passes, under the number that it has there, and what a taken-over worker would want does not."""

import re
import struct
import subprocess

import pytest
import tree

KILL, ALLOW = 0x80000000, 0x7FFF0000
ARCHES = {"x86_64": (0xC000003E, {"epoll_wait": 232, "recvmsg": 47, "sendmsg": 46, "brk": 12, "exit_group": 231},
                     {"openat": 257, "execve": 59, "socket": 41, "pipe": 22}),
          "aarch64": (0xC00000B7, {"epoll_pwait": 22, "recvmsg": 212, "sendmsg": 211, "brk": 214, "exit_group": 94},
                      {"openat": 56, "execve": 221, "socket": 198, "setuid": 146, "socketpair": 199}),
          "arm": (0x40000028, {"epoll_wait": 252, "recvmsg": 297, "sendmsg": 296, "brk": 45, "exit_group": 248},
                  {"openat": 322, "execve": 11, "socket": 281, "setuid32": 213})}
MAP = {"x86_64": 9, "aarch64": 222, "arm": 192}
READ_WRITE, EXECUTE, ANONYMOUS, SHARED = 3, 4, 0x22, 0x01


def program(arch):
    """The worker's filter as (code, jt, jf, k)."""
    text = subprocess.run([tree.BUILD / "gen_seccomp", "worker", tree.SOURCE / "lib/sys/filters/worker.list", arch],
                          capture_output=True, text=True, check=True).stdout
    return [tuple(int(word, 0) for word in step.split(", ")) for step in re.findall(r"\{(0x[^}]*)\}", text)]


def verdict(steps, arch, number, *arguments):
    """What the kernel does with the call: struct seccomp_data is number, architecture, instruction, six arguments."""
    data = struct.pack("<iIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    at, value = 0, 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == 0x20:
            value = struct.unpack_from("<I", data, k)[0]
        elif code == 0x54:
            value &= k
        elif code == 0x05:
            at += k
        elif code == 0x06:
            return k
        else:
            holds = {0x15: value == k, 0x25: value > k, 0x35: value >= k, 0x45: value & k != 0}[code]
            at += yes if holds else no


@pytest.mark.parametrize("arch", ARCHES)
def test_a_worker_may_call_what_is_listed_and_nothing_else(arch):
    number, listed, others = ARCHES[arch]
    steps = program(arch)
    for name, call in listed.items():
        assert verdict(steps, number, call) == ALLOW, name
    for name, call in others.items():
        assert verdict(steps, number, call) == KILL, name
    for other in ARCHES.values():
        if other[0] != number:
            assert verdict(steps, other[0], listed["recvmsg"]) == KILL


@pytest.mark.parametrize("arch", ARCHES)
def test_memory_is_mapped_without_a_file_and_never_to_be_run(arch):
    steps, number = program(arch), ARCHES[arch][0]
    assert verdict(steps, number, MAP[arch], 0, 4096, READ_WRITE, ANONYMOUS) == ALLOW
    assert verdict(steps, number, MAP[arch], 0, 4096, READ_WRITE | EXECUTE, ANONYMOUS) == KILL
    assert verdict(steps, number, MAP[arch], 0, 4096, READ_WRITE, SHARED) == KILL
