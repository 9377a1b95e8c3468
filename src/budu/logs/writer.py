"""The shim's side of the frame log: append, rotate, mend what a crash tore.

A container is never stopped by its log: what cannot be written (a full disk, a quota) is dropped
and counted. Light: standard library only. Neighbours: `logs.frames`, `shim.main`.
"""

from __future__ import annotations

import os
import time

from budu.logs.frames import CONTINUES, HEADER, MAX_PAYLOAD, OVERHEAD, TRAILER, whole_length

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class LogWriter:
    """Appends to `path` and keeps `max_files` files of about `max_size` bytes each.

    A full file becomes `path.1`, the older ones move up by one and the oldest is removed.
    `max_size` 0 never rotates. Not for use by several threads or processes at once.

    Raises: OSError when the file cannot be opened.
    """

    __slots__ = ("_fd", "_max_files", "_max_size", "_open_line", "_path", "_size", "dropped")

    def __init__(self, path: str, *, max_size: int, max_files: int) -> None:
        self._path = path
        self._max_size = max_size
        self._max_files = max(1, max_files)
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
        try:
            written = os.writev(self._fd, (header, data, TRAILER.pack(size)))
        except OSError:
            written = 0
        if written == size + OVERHEAD:
            self._size += written
        else:
            self._drop(size)

    def close(self) -> None:
        """Give the file back; nothing may be written afterwards."""
        os.close(self._fd)

    def _drop(self, size: int) -> None:
        """Forget a frame of which a part or nothing could be written."""
        self.dropped += size
        try:
            self._size = whole_length(self._fd)
            os.ftruncate(self._fd, self._size)
        except OSError:
            pass

    def _rotate(self) -> None:
        """Begin a new file; when the folder does not allow it, go on with the present one."""
        try:
            for index in range(self._max_files - 1, 0, -1):
                _shift(self._path, index)
            if self._max_files == 1:
                os.unlink(self._path)
            fd = os.open(self._path, _FLAGS, 0o640)
        except OSError:
            return
        os.close(self._fd)
        self._fd = fd
        self._size = os.fstat(fd).st_size


def _shift(path: str, index: int) -> None:
    """Rename the file before place `index` into that place, where there is one."""
    source = path if index == 1 else f"{path}.{index - 1}"
    try:
        os.rename(source, f"{path}.{index}")
    except FileNotFoundError:
        pass
