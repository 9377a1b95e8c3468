"""Id-mapped mounts: another owner on the outside of a mount than on the disk.

The mapping is that of a user namespace, which only a process inside can be given for; it lives for
a moment. Source: man 2 mount_setattr, MOUNT_ATTR_IDMAP; man 7 user_namespaces.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable

from budu.linux.mount import MOUNT_ATTR_IDMAP, mount_setattr

_CHILD = (
    "import ctypes, sys\n"
    "if ctypes.CDLL(None).unshare(0x10000000): sys.exit(1)\n"
    "sys.stdout.write('x'); sys.stdout.flush(); sys.stdin.read()\n"
)
_LAST = (1 << 32) - 2

IdMap = tuple[tuple[int, int, int], ...]
"""Rows of first id on the disk, first id shown, number of ids."""


def swap_ids(on_disk: int, shown: int) -> IdMap:
    """The mapping that shows one id as another and that one as the first; all others stay."""
    if on_disk == shown:
        return ((0, 0, _LAST),)
    low, high = sorted((on_disk, shown))
    rows = (
        (0, 0, low),
        (low, high, 1),
        (low + 1, low + 1, high - low - 1),
        (high, low, 1),
        (high + 1, high + 1, _LAST - high - 1),
    )
    return tuple(row for row in rows if row[2] > 0)


def map_ids(tree: int, *, users: IdMap, groups: IdMap) -> None:
    """Give a detached mount a mapping.

    Raises: OSError; EINVAL when its file system has no id-mapped mounts.
    """
    namespace = open_user_namespace(users=users, groups=groups)
    try:
        mount_setattr(tree, set=MOUNT_ATTR_IDMAP, userns=namespace)
    finally:
        os.close(namespace)


def open_user_namespace(*, users: IdMap, groups: IdMap) -> int:
    """Return a descriptor of a new user namespace with a mapping, which the caller closes."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        if child.stdout.read(1) != b"x":
            raise PermissionError("unshare: user namespaces are not allowed on this machine")
        for name, rows in (("uid_map", users), ("gid_map", groups)):
            _write(f"/proc/{child.pid}/{name}", rows)
        namespace = os.open(f"/proc/{child.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        child.stdin.close()
    return namespace


def _write(path: str, rows: Iterable[tuple[int, int, int]]) -> None:
    text = "".join(f"{inside} {outside} {count}\n" for inside, outside, count in rows)
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())  # the kernel takes it in one write only
    finally:
        os.close(fd)
