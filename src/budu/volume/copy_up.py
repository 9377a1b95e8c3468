"""Copy a directory tree from a container's root into an empty volume.

Docker fills a new volume with what the image has at the mount point, so that a program finds its
initial files. Both ends are directory descriptors and no link is ever followed, so that a hostile
image can't make the engine read or write elsewhere.
Source: Docker docs, "Populate a volume using a container".
"""

from __future__ import annotations

import os
import stat

from budu.volume.special import copy_special

_CHUNK = 1 << 20

Linked = dict[tuple[int, int], int]
"""The copy, as a descriptor, of each file of the source (device, inode) with several names."""


def is_empty(directory_fd: int) -> bool:
    """Whether the directory has no entry."""
    with os.scandir(directory_fd) as entries:
        return next(entries, None) is None


def fill_directory(target: str, source_fd: int) -> None:
    """Copy a directory of the image to `target` while that is empty.

    `source_fd` is open on the mount point inside the container's root; a file there is left alone,
    as Docker does.
    """
    if not stat.S_ISDIR(os.fstat(source_fd).st_mode):
        return
    directory = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if is_empty(directory):
            copy_tree(source_fd, directory)
    finally:
        os.close(directory)


def copy_tree(source_fd: int, target_fd: int) -> None:
    """Copy everything below `source_fd` into `target_fd`, then the directory's own metadata.

    Names of one file in the source are names of one file in the copy.
    """
    linked: Linked = {}
    try:
        _copy_tree(source_fd, target_fd, linked)
    finally:
        for fd in linked.values():
            os.close(fd)


def _copy_tree(source_fd: int, target_fd: int, linked: Linked) -> None:
    with os.scandir(source_fd) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        _copy_entry(source_fd, target_fd, name, linked)
    _copy_metadata(source_fd, target_fd)


def _copy_entry(source_fd: int, target_fd: int, name: str, linked: Linked) -> None:
    status = os.stat(name, dir_fd=source_fd, follow_symlinks=False)
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        _copy_directory(source_fd, target_fd, name, linked)
        return
    first = linked.get((status.st_dev, status.st_ino))
    if first is not None:
        os.link(f"/proc/self/fd/{first}", name, dst_dir_fd=target_fd, follow_symlinks=True)
        return
    if kind == stat.S_IFREG:
        _copy_file(source_fd, target_fd, name, status)
    else:
        copy_special(source_fd, target_fd, name, status)
    if status.st_nlink > 1:
        copy = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=target_fd)
        linked[status.st_dev, status.st_ino] = copy


def _copy_directory(source_fd: int, target_fd: int, name: str, linked: Linked) -> None:
    os.mkdir(name, 0o700, dir_fd=target_fd)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    inner_source = os.open(name, flags, dir_fd=source_fd)
    try:
        inner_target = os.open(name, flags, dir_fd=target_fd)
        try:
            _copy_tree(inner_source, inner_target, linked)
        finally:
            os.close(inner_target)
    finally:
        os.close(inner_source)


def _copy_file(source_fd: int, target_fd: int, name: str, status: os.stat_result) -> None:
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source_fd)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        target = os.open(name, flags, 0o600, dir_fd=target_fd)
        try:
            # Not copy_file_range: since Linux 5.19 it refuses two kinds of file systems (EXDEV).
            left = status.st_size
            while left > 0 and (sent := os.sendfile(target, source, None, min(left, _CHUNK))):
                left -= sent
            _copy_metadata(source, target)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _copy_metadata(source: int, target: int) -> None:
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source):
        if name.startswith(("user.", "security.capability")):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
