"""Programs that talk over a vchan, in containers and on the host: vchan-cat with pipes at its ends."""

import contextlib
import os
import shutil
import subprocess

from bed import BUILD
from waiting import readable


def with_cat(c):
    shutil.copy(BUILD / "vchan-cat", c.root / "bin/vchan-cat")
    return c


@contextlib.contextmanager
def cat(pid, own, *arguments, variables=(), umask=-1):
    """vchan-cat in a container, or on the host when pid is 0; its ends are pipes."""
    enter = ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w"] if pid else []
    program = "/bin/vchan-cat" if pid else str(BUILD / "vchan-cat")
    process = subprocess.Popen([*enter, program, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               umask=umask, env={"VCHAN_DOMAIN": str(own), **dict(variables)})
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def say(process, data):
    process.stdin.write(data)
    process.stdin.flush()


def hear(process, size):
    data = b""
    while len(data) < size and readable(process.stdout, 60) and (more := os.read(process.stdout.fileno(), size - len(data))):
        data += more
    return data


def talk(server, client, turns=5):
    for turn in range(turns):
        for writer, reader, text in ((client, server, b"question %d" % turn), (server, client, b"answer %d" % turn)):
            say(writer, text)
            assert hear(reader, len(text)) == text
