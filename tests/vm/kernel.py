"""Debian's kernel, taken out of its package without installing it: the ELF image that QEMU starts by its PVH entry, which
spares the guest the unpacking, and the modules a guest needs in the order in which they are loaded."""

import io
import lzma
import struct
import subprocess
import tarfile
from pathlib import Path

WANTED = ("virtio_pci", "virtio_gpu", "vgem", "bochs", "virtio_input", "evdev", "overlay")
FOLDERS = ("drivers/virtio", "drivers/gpu/drm", "drivers/input", "drivers/platform", "drivers/acpi", "drivers/i2c",
           "fs/overlayfs", "lib", "crypto")
TOO_BIG = ("amd", "i915", "nouveau", "radeon")


def package(directory):
    """Fetches the package of the present Debian kernel, once."""
    found = sorted(directory.glob("linux-image-*.deb"))
    if not found:
        depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=True)
        name = next(line.split()[1] for line in depends.stdout.splitlines() if "Depends:" in line)
        subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "-q", name], cwd=directory, check=True,
                       capture_output=True)
        found = sorted(directory.glob("linux-image-*.deb"))
    return found[0]


def elf_of(image):
    """The kernel inside a bzImage (Documentation/x86/boot.rst: payload_offset and payload_length)."""
    assert image[0x202:0x206] == b"HdrS"
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = ((image[0x1F1] or 4) + 1) * 512 + offset
    payload = image[start:start + length]
    assert payload[:6] == b"\xfd7zXZ\0", "the kernel is packed in another way than with xz"
    return lzma.LZMADecompressor().decompress(payload)


def is_wanted(name):
    inside = name.partition("/kernel/")[2]
    return inside.startswith(FOLDERS) and not any(f"/drm/{big}/" in name for big in TOO_BIG)


def unpack(deb):
    """(bytes of the boot image, {module name: bytes})"""
    with subprocess.Popen(["dpkg", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as stream:
        data = io.BytesIO(stream.stdout.read())
    image, modules = None, {}
    with tarfile.open(fileobj=data) as archive:
        for member in archive:
            if "/boot/vmlinuz-" in member.name:
                image = archive.extractfile(member).read()
            elif ".ko" in member.name and is_wanted(member.name):
                content = archive.extractfile(member).read()
                name = member.name.rpartition("/")[2].split(".ko")[0].replace("-", "_")
                modules[name] = lzma.decompress(content) if member.name.endswith(".xz") else content
    return image, modules


def needs(module):
    """What a module says in its .modinfo that must be loaded before it."""
    at = module.find(b"\0depends=") + len(b"\0depends=")
    names = module[at:module.index(b"\0", at)].decode()
    return [name.replace("-", "_") for name in names.split(",") if name]


def in_order(modules, wanted):
    order = []

    def add(name):
        if name in order or name not in modules:  # absent: built into the kernel
            return
        for other in needs(modules[name]):
            add(other)
        order.append(name)

    for name in wanted:
        assert name in modules, f"the kernel's package has no module {name}"
        add(name)
    return order


def prepare(directory):
    """Makes directory/vmlinux and directory/modules (with a file `order`), unless they are there."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "modules" / "order").exists():
        image, modules = unpack(package(directory))
        (directory / "vmlinux").write_bytes(elf_of(image))
        (directory / "modules").mkdir(exist_ok=True)
        order = in_order(modules, WANTED)
        for name in order:
            (directory / "modules" / f"{name}.ko").write_bytes(modules[name])
        (directory / "modules" / "order").write_text("\n".join(order) + "\n")
    return directory / "vmlinux", directory / "modules"
