"""Walks a directory tree by descriptors only, while others may be changing it.

Every step is an `O_PATH | O_NOFOLLOW` open of one name below a directory already held, so a link
swapped in meanwhile is seen as a link and never followed, and nothing is opened for reading before
it is known what it is. Directories come before what is in them, siblings by name. Depth costs no
recursion, and only the deepest directories stay open: one further up is found again below the root
by its path, without following any link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from budu.linux.paths import (
    RESOLVE_BENEATH,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    openat2,
)

HANDLE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
"""Opens whatever a name stands for without touching it."""

_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_AGAIN = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
_HELD_MAX = 64
_PATH_MAX = 4096

Enter = Callable[[int, os.stat_result], bool]
"""Decides whether a directory on another file system than its parent is entered: its `O_PATH`
descriptor and status."""


class Found(NamedTuple):
    """Something in the tree. `fd` is `O_PATH` and valid until the next one is asked for."""

    path: bytes
    """Below the root, without a slash at either end."""
    fd: int
    status: os.stat_result


class _Level:
    """A directory being listed."""

    __slots__ = ("device", "fd", "names", "path")

    def __init__(self, path: bytes, fd: int, device: int) -> None:
        self.path = path
        self.fd: int | None = fd
        self.device = device
        self.names = sorted(map(os.fsencode, os.listdir(fd)), reverse=True)


def walk(
    root_fd: int, *, enter: Enter | None = None, prunes: Callable[[bytes], bool] | None = None
) -> Iterator[Found]:
    """Everything below `root_fd`, which stays the caller's and need not be readable.

    `prunes`: which directories, by path, are told of and not entered.
    What vanishes meanwhile is left out. Names whose path the kernel would not take (4096 bytes)
    are left out, too: nobody could unpack them. Raises: OSError when the root cannot be listed.
    """
    levels = [_open_level(b".", root_fd, b"")]
    try:
        while levels:
            yield from _step(root_fd, levels, enter, prunes)
    finally:
        for level in levels:
            if level.fd is not None:
                os.close(level.fd)


def handle_path(fd: int) -> bytes:
    """A path to what a descriptor stands for, for calls that take none that is `O_PATH`."""
    return b"/proc/self/fd/%d" % fd


def _step(
    root_fd: int,
    levels: list[_Level],
    enter: Enter | None,
    prunes: Callable[[bytes], bool] | None,
) -> Iterator[Found]:
    """The next entry of the deepest level; goes down into it, or up when none is left."""
    level = levels[-1]
    if not level.names:
        levels.pop()
        if level.fd is not None:
            os.close(level.fd)
        return
    name = level.names.pop()
    path = level.path + b"/" + name if level.path else name
    if len(path) >= _PATH_MAX:
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        if level.fd is None:
            level.fd = _find_again(root_fd, level.path)
        fd = os.open(name, HANDLE, dir_fd=level.fd)
        try:
            status = os.fstat(fd)
            yield Found(path, fd, status)
            if not _is_entered(fd, status, level.device, enter):
                return
            if prunes is None or not prunes(path):
                levels.append(_open_level(b".", fd, path))
                _let_go(levels)
        finally:
            os.close(fd)


def _is_entered(fd: int, status: os.stat_result, device: int, enter: Enter | None) -> bool:
    if not stat.S_ISDIR(status.st_mode):
        return False
    return enter is None or status.st_dev == device or enter(fd, status)


def _open_level(name: bytes, dir_fd: int, path: bytes) -> _Level:
    fd = os.open(name, _LIST, dir_fd=dir_fd)
    try:
        return _Level(path, fd, os.fstat(fd).st_dev)
    except OSError:
        os.close(fd)
        raise


def _let_go(levels: list[_Level]) -> None:
    """Closes the directory that has become too far up."""
    if len(levels) > _HELD_MAX:
        distant = levels[-1 - _HELD_MAX]
        if distant.fd is not None:
            os.close(distant.fd)
            distant.fd = None


def _find_again(root_fd: int, path: bytes) -> int:
    if not path:
        return os.open(b".", _LIST, dir_fd=root_fd)
    return openat2(root_fd, os.fsdecode(path), _LIST, resolve=_AGAIN)
