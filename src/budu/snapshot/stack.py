"""The tree that layers make together, looked at without mounting anything.

Layers answer for themselves what they have: a whiteout hides what lies deeper, an opaque directory
ends the search below it, anything else wins over what lies deeper, directories are merged. Only
descriptors of the layers' roots are held; every look-up goes by its path from there and follows no
link. Source: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

import msgspec

from budu.archive import whiteouts
from budu.archive.walk import HANDLE, handle_path
from budu.linux.paths import (
    RESOLVE_BENEATH,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    openat2,
)

_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CAPABILITY = b"security.capability"
_PREFIXES = (whiteouts.TRUSTED, whiteouts.USER)
_ABSENT = (errno.ENODATA, errno.ENOTSUP, errno.EPERM, errno.EACCES)


class StackedDirectory(msgspec.Struct, frozen=True):
    """A directory and the layers' roots, topmost first, that have a part in it."""

    path: bytes
    """Below the root, without a slash at either end; empty for the root."""
    roots: tuple[int, ...]


class Stacked(msgspec.Struct, frozen=True):
    """What a name stands for. `directory` is set for directories."""

    status: os.stat_result
    capability: bytes
    """The attribute `security.capability`; empty without one."""
    directory: StackedDirectory | None


def stack(lowers: Sequence[int]) -> StackedDirectory:
    """The root of layers given lowest first, whose descriptors stay the caller's."""
    return StackedDirectory(b"", tuple(reversed(lowers)))


def find(directory: StackedDirectory, name: bytes) -> Stacked | None:
    """What `name` stands for in a merged directory; None when nothing shows."""
    path = b"/".join(part for part in (directory.path, name) if part)
    top: tuple[os.stat_result, bytes] | None = None
    merged: list[int] = []
    for root in directory.roots:
        try:
            fd = openat2(root, os.fsdecode(path), HANDLE, resolve=_RESOLVE)
        except FileNotFoundError:
            continue
        try:
            status = os.fstat(fd)
            is_directory = stat.S_ISDIR(status.st_mode)
            if top is None and not is_directory:
                return None if is_whiteout(fd, status) else Stacked(status, capability(fd), None)
            if not is_directory:
                break
            top = top or (status, b"")
            merged.append(root)
            if is_opaque(fd):
                break
        finally:
            os.close(fd)
    return Stacked(*top, StackedDirectory(path, tuple(merged))) if top else None


def names(directory: StackedDirectory) -> list[bytes]:
    """Every name that shows in a merged directory, sorted."""
    seen: set[bytes] = set()
    for root in directory.roots:
        fd = openat2(root, os.fsdecode(directory.path) or ".", _LIST, resolve=_RESOLVE)
        try:
            seen.update(map(os.fsencode, os.listdir(fd)))
        finally:
            os.close(fd)
    return sorted(name for name in seen if find(directory, name) is not None)


def is_whiteout(fd: int, status: os.stat_result) -> bool:
    """Whether something is a whiteout: a device 0:0, or an empty file with overlay's mark."""
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev == 0
    is_empty = stat.S_ISREG(status.st_mode) and status.st_size == 0
    return is_empty and any(_has(fd, prefix + b"whiteout") for prefix in _PREFIXES)


def is_opaque(fd: int) -> bool:
    """Whether nothing of the layers below shows through a directory."""
    return any(_read(fd, prefix + b"opaque") == b"y" for prefix in _PREFIXES)


def capability(fd: int) -> bytes:
    """The attribute `security.capability`; empty without one."""
    return _read(fd, _CAPABILITY) or b""


def _has(fd: int, name: bytes) -> bool:
    return _read(fd, name) is not None


def _read(fd: int, name: bytes) -> bytes | None:
    try:
        return os.getxattr(handle_path(fd), name)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        return None
