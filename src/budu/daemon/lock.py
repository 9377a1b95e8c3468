"""One engine per pair of roots: the pid file, locked as long as the engine lives.

The kernel drops the lock with the process, so a killed engine never blocks the next one.
Source: man 2 flock.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from budu.base.errors import Conflict, Hint


class PidFile:
    """A locked file with this process's id."""

    def __init__(self, path: Path) -> None:
        """Take the lock and write the id.

        Raises: Conflict when another engine holds it.
        """
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(self._fd, 32).decode(errors="replace").strip()
            os.close(self._fd)
            raise Conflict(
                f"failed to start daemon, ensure docker is not running or delete {path}: "
                f"process with PID {pid} is still running",
                hint=Hint("daemon.second-engine", pid=pid),
            ) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Remove the file and drop the lock."""
        self._path.unlink(missing_ok=True)
        os.close(self._fd)
