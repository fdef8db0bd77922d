"""An initial RAM file system: files, programs with the libraries they need, directories and links, as a cpio archive in the
"newc" format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

import re
import stat
import subprocess
from pathlib import Path


class Image:
    def __init__(self):
        self.entries = {}  # path -> (mode, bytes)

    def directory(self, path):
        for parent in reversed([p for p in Path(path).parents if str(p) not in (".", "/")]):
            self.entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, b""))
        self.entries.setdefault(str(path), (stat.S_IFDIR | 0o755, b""))

    def file(self, path, content, mode=0o644):
        self.directory(Path(path).parent)
        data = content.encode() if isinstance(content, str) else content
        self.entries[str(path)] = (stat.S_IFREG | mode, data)

    def link(self, path, target):
        self.directory(Path(path).parent)
        self.entries[str(path)] = (stat.S_IFLNK | 0o777, target.encode())

    def program(self, path, source):
        """A program, and every library its loader would look for, below the same root ("image/..." or "")."""
        root = "image" if str(path).startswith("image/") else ""
        self.file(path, Path(source).read_bytes(), 0o755)
        listed = subprocess.run(["ldd", str(source)], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            self.file(root + library if root else library.lstrip("/"), Path(library).resolve().read_bytes(), 0o755)

    def write(self, path):
        with open(path, "wb") as out:
            for number, (name, (mode, data)) in enumerate(sorted(self.entries.items())):
                add(out, number + 1, name.lstrip("/"), mode, data)
            add(out, 0, "TRAILER!!!", 0, b"")


def add(out, number, name, mode, data):
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    out.write(b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0")
    out.write(b"\0" * (-out.tell() % 4))
    out.write(data)
    out.write(b"\0" * (-out.tell() % 4))
