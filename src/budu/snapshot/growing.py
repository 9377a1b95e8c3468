"""A file that one thread appends to while others read it, waiting for what is not there yet."""

from __future__ import annotations

import os
import threading

from budu.archive.faults import os_errors
from budu.archive.tar_fields import truncated


class Abandoned(Exception):
    """Nothing will come any more: the writer gave up. Never leaves this package."""


class GrowingFile:
    """A `TarSource` over a file in the making. `fd` is read-write and stays the caller's."""

    def __init__(self, fd: int, *, name: str) -> None:
        self._fd = fd
        self._action = f"write {name}"
        self._available = 0
        self._is_finished = False
        self._is_abandoned = False
        self._changed = threading.Condition()

    def append(self, data: bytes) -> None:
        """Adds bytes at the end. Raises: ResourceExhausted when the disk is full."""
        left = memoryview(data)
        with os_errors(self._action):
            while left:
                left = left[os.write(self._fd, left) :]
        with self._changed:
            self._available += len(data)
            self._changed.notify_all()

    def finish(self) -> None:
        """The file is complete."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Readers get `Abandoned` from now on."""
        with self._changed:
            self._is_abandoned = True
            self._changed.notify_all()

    def read_at(self, offset: int, size: int) -> bytes:
        """See `archive.tar.TarSource`; offsets may also decrease."""
        if offset + size > self._available:
            self._wait(offset + size)
        if self._is_abandoned:
            raise Abandoned
        if offset > self._available:
            raise truncated()
        return os.pread(self._fd, min(size, self._available - offset), offset)

    def wait_size(self) -> int:
        """The size of the complete file, once it is complete."""
        self._wait(1 << 62)
        if self._is_abandoned:
            raise Abandoned
        return self._available

    def _wait(self, end: int) -> None:
        with self._changed:
            while not (self._available >= end or self._is_finished or self._is_abandoned):
                self._changed.wait()
