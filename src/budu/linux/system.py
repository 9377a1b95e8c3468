"""Facts about the machine, read from /proc and /sys.

Source: man 5 proc_sys_kernel; kernel documentation, ABI sysfs-devices-system-cpu.
"""

from __future__ import annotations

import os


def read_text(path: str) -> str:
    """Return a small file of /proc or /sys, without the line end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(fd, 65536):
            parts.append(part)
    finally:
        os.close(fd)
    return b"".join(parts).decode(errors="surrogateescape").rstrip("\n")


def sysctl_path(key: str) -> str:
    """Return the file of a kernel parameter; dots separate, a slash stands for a dot."""
    return "/proc/sys/" + "".join({".": "/", "/": "."}.get(c, c) for c in key)


def online(kind: str) -> str:
    """Return the numbers of the machine's `cpu` or memory `node` as a list: `0-3,6`."""
    try:
        return read_text(f"/sys/devices/system/{kind}/online")
    except FileNotFoundError:  # a kernel without NUMA has one node and no folder of them
        return "0"


def boot_id() -> str:
    """Return an id that changes with every boot."""
    return read_text("/proc/sys/kernel/random/boot_id")
