"""The files of one container's log: which there are, in which order, how large.

Files move only upwards (`container.log` becomes `.1`, `.1` becomes `.2`), so one look at the
names in rising order meets every file, whatever the shim renames meanwhile. An open file keeps
its bytes even when rotation removes its name. Neighbours: `logs.frames`, `logs.cursor`.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from budu.logs.frames import whole_length

LOG_NAME = "container.log"
"""The file that is written now; rotated ones carry `.1`, `.2`, … with `.1` the youngest."""


class Position(Struct, frozen=True, kw_only=True):
    """A place between two frames of a log that stays right while the files are rotated."""

    inode: int
    """Inode number of the file; 0 for the beginning of the oldest file."""
    offset: int
    """Bytes from the beginning of that file."""


BEGINNING = Position(inode=0, offset=0)
"""Before the oldest byte that is stored."""


class LogFile:
    """One open file of the log. Whoever has it closes it."""

    __slots__ = ("fd", "inode")

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        """Descriptor for reading."""
        self.inode = os.fstat(self.fd).st_ino
        """Tells it from the other files of the log as long as it is open."""

    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self.fd).st_size

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)


def open_all(directory: str) -> list[LogFile]:
    """The log's files, oldest first. Empty when there is no log (yet)."""
    files: dict[int, LogFile] = {}
    for index in range(_highest_index(directory) + 2):
        try:
            file = LogFile(_path(directory, index))
        except FileNotFoundError:
            continue
        if file.inode in files:
            file.close()
        else:
            files[file.inode] = file
    return list(reversed(files.values()))


def current_inode(directory: str) -> int:
    """Inode number of the file that is written now, 0 when there is none."""
    try:
        return os.stat(_path(directory, 0)).st_ino
    except FileNotFoundError:
        return 0


def end_position(directory: str) -> Position:
    """The end of the log now. What is written later comes after it."""
    files = open_all(directory)
    try:
        if not files:
            return BEGINNING
        return Position(inode=files[-1].inode, offset=whole_length(files[-1].fd))
    finally:
        close_all(files)


def close_all(files: list[LogFile]) -> None:
    """Close what `open_all` opened."""
    for file in files:
        file.close()


def usage(directory: str) -> int:
    """Bytes that the log takes on disk, all files together."""
    total = 0
    for path in _paths(directory):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def clear(directory: str) -> None:
    """Forget everything written so far; a running container's shim goes on in the same file."""
    for path in _paths(directory):
        if path.name == LOG_NAME:
            os.truncate(path, 0)
        else:
            path.unlink(missing_ok=True)


def _path(directory: str, index: int) -> str:
    return f"{directory}/{LOG_NAME}.{index}" if index else f"{directory}/{LOG_NAME}"


def _paths(directory: str) -> list[Path]:
    try:
        return [path for path in Path(directory).iterdir() if _index(path.name) is not None]
    except FileNotFoundError:
        return []


def _index(name: str) -> int | None:
    """The place of a log file by its name, None for other files."""
    if name == LOG_NAME:
        return 0
    suffix = name.removeprefix(LOG_NAME + ".")
    return int(suffix) if suffix != name and suffix.isdecimal() else None


def _highest_index(directory: str) -> int:
    return max((_index(path.name) or 0 for path in _paths(directory)), default=0)
