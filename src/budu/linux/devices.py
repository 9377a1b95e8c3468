"""Device numbers and nodes. Source: man 2 mknod; Documentation/admin-guide/devices.txt."""

from __future__ import annotations

import os

S_IFIFO = 0o010000  # <sys/stat.h>
S_IFCHR = 0o020000
S_IFBLK = 0o060000

TYPES = {"c": S_IFCHR, "u": S_IFCHR, "b": S_IFBLK, "p": S_IFIFO}
"""File type bits by the letter that the OCI specification uses."""

MEMORY_DEVICES = (
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
)
"""The character devices of every container: name, major, minor."""


def make_node(path: str, kind: str, major: int, minor: int, *, mode: int, fd: int = -1) -> None:
    """Make a device node or fifo, at `path` below the directory `fd` when given.

    `mode` is subject to the umask.
    """
    os.mknod(
        path,
        TYPES[kind] | mode,
        os.makedev(major, minor),
        dir_fd=None if fd < 0 else fd,
    )
