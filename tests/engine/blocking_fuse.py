"""A FUSE directory whose root can be looked at, but every look-up in it hangs: what a dead network file system does to
a path walk. Spoken directly to /dev/fuse (linux/fuse.h), so no package is needed."""

import ctypes
import os
import select
import stat
import struct
import subprocess
import threading

LOOKUP, FORGET, GETATTR, STATFS, INIT, OPENDIR, INTERRUPT, BATCH_FORGET = 1, 2, 3, 17, 26, 27, 36, 42
ENOSYS = 38
HEADER = struct.Struct("=IIQQIIII")  # fuse_in_header


class BlockingFuse:
    """Used with `with`; gives the mount point. `swallow` False: requests are not even read, so their caller can still
    be killed; True: a look-up is read and never answered, and its caller cannot be killed until the mount goes."""

    def __init__(self, directory, swallow=False):
        self.directory = directory
        self.swallow = swallow

    def __enter__(self):
        self.directory.mkdir()
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40755,user_id=0,group_id=0,allow_other"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"blocking", str(self.directory).encode(), b"fuse", 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), "mount fuse")
        self.serving = True
        server = threading.Thread(target=self._serve, daemon=True)
        server.start()
        os.stat(self.directory)  # from now on the kernel knows the root's attributes by heart
        if not self.swallow:
            self.serving = False
            server.join()
        return self.directory

    def __exit__(self, *_):
        self.serving = False
        subprocess.run(["umount", "-l", str(self.directory)], check=True)
        os.close(self.device)

    def _serve(self):
        try:
            while self.serving:
                if select.select([self.device], [], [], 0.02)[0]:
                    request = os.read(self.device, 1 << 17)
                    if request:
                        self._answer(request)
        except (OSError, ValueError):
            pass  # unmounted

    def _answer(self, request):
        _, opcode, unique, node, *_ = HEADER.unpack_from(request)
        if opcode in (LOOKUP, FORGET, INTERRUPT, BATCH_FORGET):
            return
        body, error = b"", 0
        if opcode == INIT:
            body = struct.pack("=IIIIHHIIHHI28x", 7, 31, 4096, 0, 0, 0, 4096, 1, 1, 0, 0)
        elif opcode == GETATTR:
            body = struct.pack("=QII", 3600, 0, 0) + struct.pack(
                "=6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o755, 2, 0, 0, 0, 4096, 0)
        elif opcode == STATFS:
            body = bytes(80)
        elif opcode == OPENDIR:
            body = bytes(16)
        else:
            error = -ENOSYS
        os.write(self.device, struct.pack("=IiQ", 16 + len(body), error, unique) + body)
