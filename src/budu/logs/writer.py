"""The shim's side of the frame log: append, rotate, mend what a crash tore.

A container is never stopped by its log: what cannot be written (a full disk, a quota) is dropped
and counted. Light: standard library only. Neighbours: `logs.frames`, `shim.main`.
"""

from __future__ import annotations

import os
import time

from budu.logs.frames import (
    CONTINUES,
    HEADER,
    MAX_PAYLOAD,
    OVERHEAD,
    STDERR,
    TRAILER,
    whole_length,
)

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class LogWriter:
    """Appends to `path` and keeps `max_files` files of about `max_size` bytes each.

    A full file becomes `path.N` with the next number, and the oldest is removed, packed or not.
    `max_size` 0 never rotates, `max_files` 0 removes none. Where output was lost, a line on stderr
    tells how much as soon as there is room. Not for use by several threads or processes at once.

    Raises: OSError when the file cannot be opened.
    """

    __slots__ = (
        "_fd",
        "_max_files",
        "_max_size",
        "_number",
        "_open_line",
        "_path",
        "_size",
        "_untold",
        "dropped",
    )

    def __init__(self, path: str, *, max_size: int, max_files: int) -> None:
        self._path = path
        self._max_size = max_size
        self._max_files = max_files
        self._number = -1
        self._untold = 0
        self._open_line = [0, 0, 0]
        self.dropped = 0
        """Bytes of output that could not be stored."""
        self._fd = os.open(path, _FLAGS, 0o640)
        self._size = whole_length(self._fd)
        if self._size != os.fstat(self._fd).st_size:
            os.ftruncate(self._fd, self._size)

    def write(self, stream: int, data: bytes) -> None:
        """Append what was read from `stream` (1 stdout, 2 stderr), at most 64 KiB as one frame."""
        if len(data) > MAX_PAYLOAD:
            for at in range(0, len(data), MAX_PAYLOAD):
                self.write(stream, data[at : at + MAX_PAYLOAD])
            return
        size = len(data)
        if not size:
            return
        if self._max_size and self._size and self._size + size + OVERHEAD > self._max_size:
            self._rotate()
        header = HEADER.pack(size, stream, self._open_line[stream], time.time_ns())
        self._open_line[stream] = 0 if data[-1] == 10 else CONTINUES
        if self._untold and not self._tell():
            self._drop(size)
            return
        try:
            written = os.writev(self._fd, (header, data, TRAILER.pack(size)))
        except OSError:
            written = 0
        if written == size + OVERHEAD:
            self._size += written
        else:
            self._drop(size)

    def _tell(self) -> bool:
        """Say in the log how much is missing there; false while there is no room for that."""
        text = b"budu: %d bytes of output were lost here: no space for the log\n" % self._untold
        frame = HEADER.pack(len(text), STDERR, 0, time.time_ns()) + text + TRAILER.pack(len(text))
        try:
            written = os.write(self._fd, frame)
        except OSError:
            written = 0
        if written == len(frame):
            self._size += written
            self._untold = 0
            return True
        self._mend()
        return False

    def close(self) -> None:
        """Give the file back; nothing may be written afterwards."""
        os.close(self._fd)

    def _drop(self, size: int) -> None:
        """Forget a frame of which a part or nothing could be written."""
        self.dropped += size
        self._untold += size
        self._mend()

    def _mend(self) -> None:
        """Cut off what was written of a frame only in part."""
        try:
            self._size = whole_length(self._fd)
            os.ftruncate(self._fd, self._size)
        except OSError:
            pass

    def _rotate(self) -> None:
        """Begin a new file; when the folder does not allow it, go on with the present one."""
        if self._number < 0:
            self._number = _last_number(self._path)
        try:
            if self._max_files == 1:
                os.unlink(self._path)
            else:
                os.rename(self._path, f"{self._path}.{self._number + 1}")
                self._number += 1
            fd = os.open(self._path, _FLAGS, 0o640)
        except OSError:
            return
        os.close(self._fd)
        self._fd = fd
        self._size = os.fstat(fd).st_size
        surplus = self._number - self._max_files + 1
        if self._max_files and surplus > 0:
            _remove(f"{self._path}.{surplus}")
            _remove(f"{self._path}.{surplus}.gz")


def _last_number(path: str) -> int:
    """The largest number that a rotated file of the log has."""
    folder, _, name = path.rpartition("/")
    numbers = [0]
    for entry in os.listdir(folder or "."):
        number = entry[len(name) + 1 :].split(".")[0] if entry.startswith(name + ".") else ""
        if number.isdecimal():
            numbers.append(int(number))
    return max(numbers)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
