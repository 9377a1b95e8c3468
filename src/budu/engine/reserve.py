"""Room that is kept for the moment when there is none: so that a full disk stops nobody.

Three things an engine must be able to write then: records (a stop, an end, a removal: what makes
room again), its own start, and the few kilobytes of SQLite's index. Records go into SQLite's log,
whose blocks are taken beforehand, and from there into free pages that the database has already
(`Database.take_room`). For the rest a file of one megabyte lies there, which is given back while an
engine starts and taken again as soon as it can be.

File systems that never overwrite in place (btrfs, zfs) need new blocks even so; on them it only
helps the start.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

SIZE = 1 << 20
"""Bytes of the file."""


class Reserve:
    """The file below the data root."""

    def __init__(self, data_root: Path) -> None:
        self._path = data_root / "reserve"

    def give(self) -> None:
        """Free the room; done before anything is written at a start."""
        self._path.unlink(missing_ok=True)

    def take(self) -> None:
        """Occupy the room again, unless it is or there is none."""
        if self._path.exists():
            return
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            taken = occupy(fd, SIZE)
        finally:
            os.close(fd)
        if not taken:
            self._path.unlink()


def occupy(fd: int, size: int) -> bool:
    """Give a file blocks for `size` bytes; False where there is no room for them.

    Raises: OSError for every other reason.
    """
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return False
    return True
