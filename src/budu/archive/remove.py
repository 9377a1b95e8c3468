"""Deleting directory trees of any depth with few descriptors.

`shutil.rmtree` recurses in Python and dies at a thousand levels, which a hostile layer can have.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from itertools import count
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_entry(name: bytes | str, *, dir_fd: int) -> bool:
    """Removes whatever `name` is, with everything below it; True when it was a directory.

    Raises: OSError, among them FileNotFoundError when there is nothing.
    """
    if not stat.S_ISDIR(os.lstat(name, dir_fd=dir_fd).st_mode):
        os.unlink(name, dir_fd=dir_fd)
        return False
    top = os.open(name, _FLAGS, dir_fd=dir_fd)
    try:
        _empty(top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=dir_fd)
    return True


def remove_entries(directory: str | Path) -> int:
    """Removes everything in a directory and keeps that; how many entries. What another removes
    meanwhile counts, too."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        names = os.listdir(fd)
        for name in names:
            with suppress(FileNotFoundError):
                remove_entry(name, dir_fd=fd)
        return len(names)
    finally:
        os.close(fd)


def _empty(top: int) -> None:
    """Empties a directory, moving each subdirectory up to `top` before its turn comes.

    So no more than two directories are open at a time, however deep the tree is.
    """
    numbers = count()
    while subdirectories := _unlink_files(top):
        for name in subdirectories:
            fd = _open_writable(name, top)
            try:
                for inner in _unlink_files(fd):
                    _chmod_writable(inner, fd)
                    os.rename(inner, _free_name(top, numbers), src_dir_fd=fd, dst_dir_fd=top)
            finally:
                os.close(fd)
            os.rmdir(name, dir_fd=top)


def _unlink_files(fd: int) -> list[str]:
    """Unlinks what is not a directory; the names of the directories."""
    subdirectories = []
    with os.scandir(fd) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                subdirectories.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=fd)
    return subdirectories


def _open_writable(name: str, dir_fd: int) -> int:
    _chmod_writable(name, dir_fd)
    return os.open(name, _FLAGS, dir_fd=dir_fd)


def _chmod_writable(name: str, dir_fd: int) -> None:
    """Lets an owner who is not root enter, list and move the directory."""
    if os.geteuid() != 0:
        os.chmod(name, 0o700, dir_fd=dir_fd)


def _free_name(top: int, numbers: count[int]) -> str:
    while True:
        name = f".{next(numbers)}"
        try:
            os.lstat(name, dir_fd=top)
        except FileNotFoundError:
            return name
