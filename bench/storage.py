"""The file system that all engines keep their images on: a loop-mounted ext4 with a journal.

On machines whose root file system has no journal, creating files stays slow for minutes after
many were deleted; that would measure the order of the cases. The mount lives in a mount namespace
of this process, so it ends with it, and the loop device with the mount.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNS = 0x00020000
"""Source: linux/sched.h."""
SIZE_BYTES = 20 << 30
"""Size of the sparse image file."""


def leave_mount_namespace() -> None:
    """Give this process mounts of its own, so that none it makes can be left behind.

    Raises: OSError without the right to it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@contextmanager
def ext4(folder: Path) -> Iterator[Path]:
    """An empty ext4 file system, mounted below `folder` for the time of the block."""
    image, point = folder / "ext4.img", folder / "fs"
    image.unlink(missing_ok=True)
    point.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        subprocess.run(["mount", "-o", "loop,noatime", image, point], check=True)
        try:
            yield point
        finally:
            subprocess.run(["umount", point], check=True)
    finally:
        image.unlink(missing_ok=True)
        point.rmdir()


def sync(path: str) -> None:
    """Write out the file system that holds `path`. Runs inside a room."""
    subprocess.run(["sync", "-f", path], check=True)
