"""Whether two trees are the same: names, kinds, owners, modes, attributes and contents.

Times are left out. Links are compared, not followed.
"""

from __future__ import annotations

import os
import stat

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE_BYTES = 1 << 20


def same_tree(one: int, two: int) -> bool:
    """Whether everything below two open directories, and they themselves, look alike. Blocking."""
    if _looks(os.fstat(one)) != _looks(os.fstat(two)) or _attributes(one) != _attributes(two):
        return False
    names = sorted(os.listdir(one))
    return names == sorted(os.listdir(two)) and all(_same(one, two, name) for name in names)


def _same(one: int, two: int, name: str) -> bool:
    here, there = (os.stat(name, dir_fd=fd, follow_symlinks=False) for fd in (one, two))
    if _looks(here) != _looks(there):
        return False
    if stat.S_ISDIR(here.st_mode):
        return _opened(one, two, name, flags=_DIRECTORY)
    if _attributes(one, name) != _attributes(two, name):
        return False
    if stat.S_ISLNK(here.st_mode):
        return os.readlink(name, dir_fd=one) == os.readlink(name, dir_fd=two)
    return not stat.S_ISREG(here.st_mode) or _opened(one, two, name, flags=_FILE)


def _opened(one: int, two: int, name: str, *, flags: int) -> bool:
    here = os.open(name, flags, dir_fd=one)
    try:
        there = os.open(name, flags, dir_fd=two)
        try:
            return same_tree(here, there) if flags == _DIRECTORY else _same_content(here, there)
        finally:
            os.close(there)
    finally:
        os.close(here)


def _same_content(one: int, two: int) -> bool:
    if os.fstat(one).st_size != os.fstat(two).st_size:
        return False
    at = 0
    while piece := os.pread(one, _PIECE_BYTES, at):
        if piece != os.pread(two, _PIECE_BYTES, at):
            return False
        at += len(piece)
    return True


def _looks(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mode, status.st_uid, status.st_gid, status.st_rdev


def _attributes(directory: int, name: str = ".") -> dict[str, bytes]:
    path = f"/proc/self/fd/{directory}/{name}"
    names = os.listxattr(path, follow_symlinks=False)
    return {each: os.getxattr(path, each, follow_symlinks=False) for each in names}
