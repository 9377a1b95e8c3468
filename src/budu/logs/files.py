"""The files of one container's log: which there are, in which order, how large.

    container.log        written now
    container.log.7      rotated; a larger number is younger, and a number is never given again
    container.log.6.gz   rotated and packed by the engine (`logs.packed`)

The current file is opened before the others are looked for, so no rotation hides one. An open
file keeps its bytes even when rotation removes its name. Neighbours: `logs.frames`, `logs.cursor`.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from budu.base.errors import DataLoss
from budu.logs.frames import HEADER, whole_length
from budu.logs.packed import SUFFIX, PackedFile

LOG_NAME = "container.log"
"""The file that is written now; rotated ones carry `.1`, `.2`, … with the largest the youngest."""


class Position(Struct, frozen=True, kw_only=True):
    """A place between two frames of a log that stays right while files are rotated and packed."""

    birth_ns: int = 0
    """Time of the file's first frame, which tells it from all others; 0 when it has none yet."""
    offset: int = 0
    """Bytes from the beginning of that file."""
    inode: int = 0
    """Inode number of a file without frames; with both 0 it is the oldest file's beginning."""

    def is_in(self, file: LogFile) -> bool:
        """Whether the place is in `file`."""
        if self.birth_ns:
            return self.birth_ns == file.birth_ns()
        return bool(self.inode) and self.inode == file.inode


BEGINNING = Position()
"""Before the oldest byte that is stored."""


class LogFile:
    """One open file of the log. Whoever has it closes it.

    Raises: OSError; DataLoss for a packed file that is damaged.
    """

    __slots__ = ("_packed", "fd", "inode")

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        """Descriptor for reading; of packed bytes when the file is packed."""
        self.inode = os.fstat(self.fd).st_ino
        """Tells it from the other files of the log as long as it is open."""
        try:
            self._packed = PackedFile(self.fd) if path.endswith(SUFFIX) else None
        except DataLoss:
            os.close(self.fd)
            raise

    def size(self) -> int:
        """Plain bytes in the file now."""
        return os.fstat(self.fd).st_size if self._packed is None else self._packed.size

    def read(self, size: int, offset: int) -> bytes:
        """Up to `size` plain bytes from `offset` on."""
        if self._packed is not None:
            return self._packed.read(size, offset)
        return os.pread(self.fd, size, offset)

    def whole_length(self) -> int:
        """The offset after the last whole frame."""
        return whole_length(self.fd) if self._packed is None else self._packed.size

    def birth_ns(self) -> int:
        """Time of the first frame, 0 when there is none."""
        head = self.read(HEADER.size, 0)
        return HEADER.unpack(head)[3] if len(head) == HEADER.size else 0

    def is_same(self, other: LogFile) -> bool:
        """Whether both are one file of the log, perhaps packed meanwhile."""
        birth_ns = self.birth_ns()
        return self.inode == other.inode or (birth_ns != 0 and birth_ns == other.birth_ns())

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)


def open_all(directory: str) -> list[LogFile]:
    """The log's files, oldest first. Empty when there is no log (yet)."""
    while True:
        current = _try_open(f"{directory}/{LOG_NAME}")
        files = [_open_rotated(directory, number) for number in rotated_numbers(directory)]
        found = [file for file in files if file is not None]
        if current is None:
            return found
        if any(file.inode == current.inode for file in found):
            current.close()
            return found
        if current.inode == current_inode(directory):
            return [*found, current]
        # It was rotated away and is not among those found: packed meanwhile, or removed.
        close_all([*found, current])


def _open_rotated(directory: str, number: int) -> LogFile | None:
    """Rotated file `number`: plain, packed, or gone meanwhile."""
    path = f"{directory}/{LOG_NAME}.{number}"
    return _try_open(path) or _try_open(path + SUFFIX)


def _try_open(path: str) -> LogFile | None:
    try:
        return LogFile(path)
    except (FileNotFoundError, DataLoss):
        return None


def rotated_numbers(directory: str) -> list[int]:
    """The numbers of the rotated files, the oldest first."""
    numbers = {_number(path.name) for path in _paths(directory)}
    return sorted(number for number in numbers if number)


def current_inode(directory: str) -> int:
    """Inode number of the file that is written now, 0 when there is none."""
    try:
        return os.stat(f"{directory}/{LOG_NAME}").st_ino
    except FileNotFoundError:
        return 0


def end_position(directory: str) -> Position:
    """The end of the log now. What is written later comes after it."""
    files = open_all(directory)
    try:
        if not files:
            return BEGINNING
        last = files[-1]
        return Position(birth_ns=last.birth_ns(), offset=last.whole_length(), inode=last.inode)
    finally:
        close_all(files)


def close_all(files: list[LogFile]) -> None:
    """Close what `open_all` opened."""
    for file in files:
        file.close()


def clear(directory: str) -> None:
    """Forget everything written so far; a running container's shim goes on in the same file."""
    for path in _paths(directory):
        if path.name == LOG_NAME:
            os.truncate(path, 0)
        else:
            path.unlink(missing_ok=True)


def _paths(directory: str) -> list[Path]:
    try:
        return [path for path in Path(directory).iterdir() if _number(path.name) is not None]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _number(name: str) -> int | None:
    """A log file's number by its name, 0 for the current one, None for other files."""
    if name == LOG_NAME:
        return 0
    number = name.removeprefix(LOG_NAME + ".").removesuffix(SUFFIX)
    return int(number) if name.startswith(LOG_NAME + ".") and number.isdecimal() else None
