"""Paths resolved below a root descriptor, so that no symlink leads out of it.

`RESOLVE_IN_ROOT` makes the root descriptor act as "/" during the walk: absolute symlinks and ".."
stay inside. Magic links (/proc/PID/fd/N, /proc/PID/root) are refused everywhere here.
Source: man 2 openat2.
"""

from __future__ import annotations

import errno
import os
from ctypes import c_char_p, c_int, c_size_t, c_uint64, c_void_p

from budu.linux.libc import bind_syscall

SYS_openat2 = 437

O_PATH = 0o10000000  # <fcntl.h>
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW

_openat2 = bind_syscall(SYS_openat2, c_int, c_char_p, c_void_p, c_size_t, label="openat2")


def openat2(directory: int, path: str, flags: int, *, mode: int = 0, resolve: int = 0) -> int:
    """Open `path` below the descriptor `directory` with RESOLVE_* restrictions.

    Raises: OSError whose `filename` is the path.
    """
    # struct open_how: flags, mode, resolve
    how = (c_uint64 * 3)(flags | os.O_CLOEXEC, mode, resolve)
    try:
        return _openat2(directory, os.fsencode(path), how, 24)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def open_in_root(root: int, path: str, flags: int = O_PATH, *, mode: int = 0) -> int:
    """Open `path` as a process whose root is `root` would."""
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
    return openat2(root, path, flags, mode=mode, resolve=resolve)


def make_directories(root: int, path: str, mode: int = 0o755) -> int:
    """Make `path` and its missing parents below `root`; return an O_PATH descriptor of it.

    Raises: NotADirectoryError when a part of the path is a file.
    """
    try:
        return open_in_root(root, path, O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        pass
    current = os.dup(root)
    walked = ""
    for name in _names(path):
        walked = f"{walked}/{name}"
        following = _enter(root, current, walked, mode)
        os.close(current)
        current = following
    return current


def make_file(root: int, path: str, mode: int = 0o644) -> int:
    """Make an empty file at `path`, with missing parents; return an O_PATH descriptor of it.

    What is there already, of whatever type but a directory, stays as it is.

    Raises: IsADirectoryError when a directory is there.
    """
    try:
        fd = open_in_root(root, path)
    except FileNotFoundError:
        fd = _create_file(root, path, mode)
    if os.fstat(fd).st_mode & 0o170000 == 0o040000:
        os.close(fd)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return fd


def read_file(root: int, path: str, limit: int = 1 << 20) -> str | None:
    """Return up to `limit` bytes of a regular file below `root` as text; None when missing."""
    try:
        # Opened without blocking, because an image may have a fifo here.
        fd = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        if os.fstat(fd).st_mode & 0o170000 != 0o100000:
            return None
        return _read_all(fd, limit).decode(errors="surrogateescape")
    finally:
        os.close(fd)


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _enter(root: int, parent: int, path: str, mode: int) -> int:
    """Open the directory `path`, made below `parent` where it is missing."""
    try:
        return open_in_root(root, path, O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        pass
    name = path[path.rindex("/") + 1 :]
    try:
        os.mkdir(name, mode, dir_fd=parent)
    except FileExistsError:
        return make_directories(root, _behind_link(parent, path), mode)
    return openat2(parent, name, O_PATH | os.O_DIRECTORY, resolve=RESOLVE_NO_SYMLINKS)


def _create_file(root: int, path: str, mode: int) -> int:
    directory, _slash, name = path.rstrip("/").rpartition("/")
    parent = make_directories(root, directory or "/")
    try:
        os.close(os.open(name, _CREATE, mode, dir_fd=parent))
        return openat2(parent, name, O_PATH, resolve=RESOLVE_NO_SYMLINKS)
    except FileExistsError:
        return make_file(root, _behind_link(parent, f"{directory}/{name}"), mode)
    finally:
        os.close(parent)


def _behind_link(parent: int, path: str) -> str:
    """Return where the dangling symlink at `path` leads (loops fail before this with ELOOP)."""
    directory, _slash, name = path.rpartition("/")
    target = os.readlink(name, dir_fd=parent)
    return target if target.startswith("/") else f"{directory}/{target}"


def _read_all(fd: int, limit: int) -> bytes:
    chunks = []
    while limit > 0 and (chunk := os.read(fd, min(limit, 65536))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)
