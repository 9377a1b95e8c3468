"""A second directory tree that is equal to the first: shared blocks where the disk can.

Reflinks (FICLONE) take no room and no time; elsewhere bytes are copied, holes left as holes. Hard
links, owners, modes, times, extended attributes, devices, sockets and pipes are kept. Both ends are
directory descriptors, no link is followed, and no depth of directories is too deep.
Source: man 2 ioctl_ficlone, lseek (SEEK_DATA).
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from budu.volume.special import copy_special

FICLONE = 0x40049409
"""_IOW(0x94, 9, int). Source: linux/fs.h."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CANNOT = frozenset([errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS])
_PIECE = 1 << 20


class Clone:
    """One copy under way. `reflinked` is True while every file shared its blocks."""

    def __init__(self, source_fd: int, target_fd: int) -> None:
        """The descriptors stay the caller's; the target directory is empty."""
        self._source = source_fd
        self._target = target_fd
        self._links: dict[tuple[int, int], str] = {}
        self._can_reflink = True
        self.reflinked = True
        self._place: tuple[str, tuple[int, int] | None] = ("", None)

    def run(self) -> None:
        """Copy everything. Blocks.

        A directory's own attributes follow what is in it: later only deeper ones change.
        Raises: OSError; what was copied stays.
        """
        pending = ["."]
        try:
            while pending:
                path = pending.pop()
                source, target = self._enter(path)
                pending += self._copy_level(source, target, path)
                copy_attributes(source, target)
        finally:
            self._leave()

    def _enter(self, path: str) -> tuple[int, int]:
        """Both directories at a path: from the last ones when it is below them."""
        before, fds = self._place
        parent, _, name = path.rpartition("/")
        if fds is not None and parent == before:
            found = (
                os.open(name, _DIRECTORY, dir_fd=fds[0]),
                os.open(name, _DIRECTORY, dir_fd=fds[1]),
            )
        else:
            found = (_open_path(self._source, path), _open_path(self._target, path))
        self._leave()
        self._place = (path, found)
        return found

    def _leave(self) -> None:
        _, fds = self._place
        for fd in fds or ():
            os.close(fd)
        self._place = ("", None)

    def _copy_level(self, source: int, target: int, path: str) -> list[str]:
        """Copy what is in one directory; the directories in it, made and still empty."""
        with os.scandir(source) as entries:
            names = sorted(entry.name for entry in entries)
        return [
            f"{path}/{name}"
            for name in names
            if self._copy_entry(source, target, name, f"{path}/{name}")
        ]

    def _copy_entry(self, source: int, target: int, name: str, path: str) -> bool:
        """Copy one thing; True for a directory."""
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            return True
        if status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._link(first, target, name)
                return False
        if stat.S_ISREG(status.st_mode):
            self._copy_file(source, target, name, status)
        else:
            copy_special(source, target, name, status)
        return False

    def _link(self, first: str, target: int, name: str) -> None:
        folder, _, base = first.rpartition("/")
        other = _open_path(self._target, folder)
        try:
            os.link(base, name, src_dir_fd=other, dst_dir_fd=target, follow_symlinks=False)
        finally:
            os.close(other)

    def _copy_file(self, source: int, target: int, name: str, status: os.stat_result) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        reading = os.open(name, flags, dir_fd=source)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            writing = os.open(name, flags, 0o600, dir_fd=target)
            try:
                if not self._reflink(reading, writing):
                    _copy_data(reading, writing, status.st_size)
                copy_attributes(reading, writing)
            finally:
                os.close(writing)
        finally:
            os.close(reading)

    def _reflink(self, reading: int, writing: int) -> bool:
        if self._can_reflink:
            try:
                fcntl.ioctl(writing, FICLONE, reading)
                return True
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise
                self._can_reflink = False
        self.reflinked = False
        return False


def copy_attributes(source: int, target: int) -> None:
    """Owner, mode, extended attributes and times, by descriptors."""
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source):
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENODATA):
                raise
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_data(reading: int, writing: int, size: int) -> None:
    """The bytes that are there; what lies between them stays a hole."""
    os.ftruncate(writing, size)
    at = 0
    while at < size:
        try:
            at = os.lseek(reading, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = min(os.lseek(reading, at, os.SEEK_HOLE), size)
        os.lseek(writing, at, os.SEEK_SET)
        while at < end:
            sent = os.sendfile(writing, reading, at, min(end - at, _PIECE))
            if not sent:
                return
            at += sent


def _open_path(root: int, path: str) -> int:
    """A directory by its path below the root, link by link; the caller closes it."""
    fd = os.open(".", _DIRECTORY, dir_fd=root)
    for name in path.split("/")[1:]:
        try:
            inner = os.open(name, _DIRECTORY, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd
