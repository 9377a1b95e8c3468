"""An initial RAM file system: busybox, and the modules without which the disk is not seen.

Its only work is to mount the disk and to go on there. Source: kernel,
Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

DISK_MODULES = ("virtio_pci", "virtio_blk")

_INIT = """#!/bin/busybox sh
set -e
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do /bin/busybox insmod /modules/$module; done
/bin/busybox mount -t ext4 -o noatime /dev/vda /root
exec /bin/busybox switch_root /root {program}
"""


def build_initramfs(busybox: Path, modules: list[Path], program: tuple[str, ...]) -> bytes:
    """An archive whose init loads `modules` in order and runs `program` on the disk."""
    names = " ".join(module.name for module in modules)
    init = _INIT.format(modules=names, program=shlex.join(program))
    entries = [_entry(name, stat.S_IFDIR | 0o755) for name in ("bin", "dev", "modules", "root")]
    entries += [
        _entry("init", stat.S_IFREG | 0o755, init.encode()),
        _entry("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()),
    ]
    entries += [
        _entry(f"modules/{module.name}", stat.S_IFREG | 0o644, module.read_bytes())
        for module in modules
    ]
    return b"".join([*entries, _entry("TRAILER!!!", 0)])


def modules_in_order(modules: Path, wanted: tuple[str, ...]) -> list[Path]:
    """The files of modules and of what they need, each after what it needs.

    `modules`: a kernel's directory with `modules.dep`, which names what is needed last first.
    """
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        needs[Path(file).stem] = [*reversed(others.split()), file]
    ordered = dict.fromkeys(file for name in wanted for file in needs[name])
    return [modules / file for file in ordered]


def _entry(name: str, mode: int, data: bytes = b"") -> bytes:
    """One member in the `newc` form: thirteen numbers in hexadecimal, the name, the data."""
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return _padded(header) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
