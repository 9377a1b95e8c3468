"""Copies of what is neither a directory nor a regular file: links, devices, sockets, pipes."""

from __future__ import annotations

import os
import stat


def copy_special(source: int, target: int, name: str, status: os.stat_result) -> None:
    """Make `name` of the directory `source` in the directory `target`, with owner, mode and times.

    Raises: OSError.
    """
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    else:
        os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=target)
    os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
    times = (status.st_atime_ns, status.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)
