"""Reading and writing control files, with the kernel's refusals turned into our errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from budu.base.errors import BuduError, Internal, InvalidArgument, PermissionDenied
from budu.runtime.cgroups.contract import Write

_REFUSALS: dict[int, type[BuduError]] = {
    errno.EINVAL: InvalidArgument,
    errno.ERANGE: InvalidArgument,
    errno.ENODEV: InvalidArgument,
    errno.ENXIO: InvalidArgument,
    errno.EBUSY: InvalidArgument,
    errno.ENOSPC: InvalidArgument,
    errno.EACCES: PermissionDenied,
    errno.EPERM: PermissionDenied,
    errno.EROFS: PermissionDenied,
}


def write_control(path: str, value: str) -> None:
    """Write one value in one call. Raises: OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


def read_control(path: str) -> str:
    """The content without the line end; empty when the file is not there."""
    try:
        return Path(path).read_text().rstrip("\n")
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
            return ""
        raise


def read_number(path: str) -> int | None:
    """The number in a file; None when there is none (`max`, or no file)."""
    content = read_control(path)
    return int(content) if content.lstrip("-").isdecimal() else None


def read_table(path: str) -> dict[str, int]:
    """Lines of a name and a number; others are passed over."""
    table = {}
    for line in read_control(path).splitlines():
        name, _, value = line.partition(" ")
        if value.lstrip("-").isdecimal():
            table[name] = int(value)
    return table


def perform(writes: Iterable[Write], directories: dict[str, str]) -> None:
    """Do the writes below the controllers' directories.

    Raises: InvalidArgument or PermissionDenied naming file and value; Internal for other failures.
    """
    for write in writes:
        directory = directories.get(write.controller)
        if directory is None:
            raise InvalidArgument(f"cannot set {write.files[0]}: no {write.controller} cgroup")
        _perform_one(directory, write)


def _perform_one(directory: str, write: Write) -> None:
    for name in write.files:
        path = f"{directory}/{name}"
        try:
            write_control(path, write.value)
            return
        except FileNotFoundError:
            continue
        except OSError as error:
            raise refusal(error, path, write.value) from error
    raise InvalidArgument(f'failed to write "{write.value}": no {write.files[0]} in {directory}')


def refusal(error: OSError, path: str, value: str) -> BuduError:
    """Our error for a control file that refused a value."""
    kind = _REFUSALS.get(error.errno or 0, Internal)
    reason = os.strerror(error.errno or 0).lower()
    return kind(f'failed to write "{value}": write {path}: {reason}', reference=path)


def tree_pids(directory: str) -> list[int]:
    """The processes of a cgroup and of those below it; empty when it is gone."""
    found: list[int] = []
    for group in walk(directory):
        found += [int(line) for line in read_control(f"{group}/cgroup.procs").split()]
    return found


def names_in(directory: str) -> set[str]:
    """The names of the cgroups right below one; none when it is not there."""
    try:
        with os.scandir(directory) as entries:
            return {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
    except FileNotFoundError:
        return set()


def walk(directory: str) -> list[str]:
    """The cgroup and those below it, deepest last; empty when it is gone."""
    groups = []
    waiting = [directory]
    while waiting:
        group = waiting.pop()
        try:
            with os.scandir(group) as entries:
                below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            continue
        groups.append(group)
        waiting += below
    return groups


def remove_tree(directory: str) -> bool:
    """Remove a cgroup and those below it; False while something is inside."""
    try:
        os.rmdir(directory)
        return True
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
            raise
    for group in reversed(walk(directory)):
        try:
            os.rmdir(group)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno == errno.EBUSY:
                return False
            raise
    return True
