"""Directories below a root, opened component by component so that nothing leads out of it.

A path is resolved as a process chrooted into the root would resolve it: absolute links start at
the root, `..` stops there. Every step is an `openat` of one name with `O_NOFOLLOW` on a descriptor
already held, and `..` goes back to the descriptor that the walk came from, so neither a hostile
archive nor someone who renames directories meanwhile can redirect it. This needs no `openat2` and
keeps the directories open between members, which mostly lie next to each other.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from budu.archive.paths import LINKS_MAX

_OPEN = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HELD_MAX = 128


class OpenDirectory(NamedTuple):
    """A directory that the walk holds open.

    `fd` is `O_PATH` and stays the walk's. `path` is where the directory really is below the root,
    free of links; the root's is empty.
    """

    fd: int
    path: bytes


class Beneath:
    """Opens directories below `root_fd`, creating missing ones; a context manager.

    Paths asked for begin at the directory `base`, found once when the context is entered; links on
    them still resolve within the root. `created` collects the real paths of directories that nobody
    asked for by name. `root_fd` stays the caller's.
    """

    def __init__(self, root_fd: int, *, base: bytes = b"") -> None:
        self._root = OpenDirectory(root_fd, b"")
        self._start = [self._root]
        self._base = base
        self._held: dict[bytes, OpenDirectory] = {}
        self._by_request: dict[bytes, OpenDirectory] = {}
        self.created: list[bytes] = []

    def __enter__(self) -> Beneath:
        """Raises: OSError when `base` is not there or no directory."""
        if self._base:
            try:
                self._start = self._walk(self._base, [self._root], create=False)
            except OSError:
                self.forget()
                raise
            for one in self._start[1:]:  # these stay open to the end
                self._held.pop(one.path, None)
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()
        for held in self._start[1:]:
            os.close(held.fd)
        self._start = [self._root]

    @property
    def base(self) -> OpenDirectory:
        """The directory at which paths begin."""
        return self._start[-1]

    def forget(self) -> None:
        """Closes everything: after a directory went away, and to bound the descriptors held."""
        for held in self._held.values():
            os.close(held.fd)
        self._held.clear()
        self._by_request.clear()

    def trim(self) -> None:
        """Between two members: closes the directories held when they have become many."""
        if len(self._held) > _HELD_MAX:
            self.forget()

    def open(self, path: bytes, *, create: bool) -> OpenDirectory:
        """The directory at `path`, open until `trim` or `forget`.

        Raises: OSError as the kernel would: ENOENT without `create`, ENOTDIR, ELOOP.
        """
        if not path:
            return self.base
        found = self._by_request.get(path)
        if found is None:
            found = self._walk(path, list(self._start), create=create)[-1]
            self._by_request[path] = found
        return found

    def open_real(self, path: bytes) -> OpenDirectory:
        """The existing directory at a real path, which begins at the root.

        Raises: OSError.
        """
        return self._walk(path, [self._root], create=False)[-1] if path else self._root

    def enter(self, parent: OpenDirectory, name: bytes) -> OpenDirectory:
        """The existing directory `name` of `parent`; a link does not count as one.

        Raises: OSError, NotADirectoryError among them.
        """
        step = self._enter(parent, name, create=False)
        if not isinstance(step, OpenDirectory):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return step

    def replaced(self, parent: OpenDirectory, name: bytes) -> None:
        """Forgets what led through `name`, which is no longer what it was; keeps `parent` open."""
        path = parent.path + b"/" + name if parent.path else name
        self._by_request.clear()
        for gone in [p for p in self._held if p == path or p.startswith(path + b"/")]:
            os.close(self._held.pop(gone).fd)

    def _walk(
        self, path: bytes, trail: list[OpenDirectory], *, create: bool
    ) -> list[OpenDirectory]:
        """The directories from the root to the one that `path` leads to from the end of `trail`."""
        pending = path.split(b"/")[::-1]
        links = 0
        while pending:
            name = pending.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                trail = trail[:-1] or trail
                continue
            step = self._enter(trail[-1], name, create=create)
            if isinstance(step, OpenDirectory):
                trail.append(step)
                continue
            links += 1
            if links > LINKS_MAX:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            trail = trail[:1] if step.startswith(b"/") else trail
            pending.extend(reversed(step.split(b"/")))
        return trail

    def _enter(self, parent: OpenDirectory, name: bytes, *, create: bool) -> OpenDirectory | bytes:
        """The directory `name`, or the target when `name` is a symbolic link."""
        path = parent.path + b"/" + name if parent.path else name
        held = self._held.get(path)
        if held is not None:
            return held
        try:
            fd = os.open(name, _OPEN, dir_fd=parent.fd)
        except FileNotFoundError:
            if not create:
                raise
            os.mkdir(name, 0o700, dir_fd=parent.fd)
            self.created.append(path)
            fd = os.open(name, _OPEN, dir_fd=parent.fd)
        except NotADirectoryError:
            if not stat.S_ISLNK(os.lstat(name, dir_fd=parent.fd).st_mode):
                raise
            return os.readlink(name, dir_fd=parent.fd)
        held = self._held[path] = OpenDirectory(fd, path)
        return held
