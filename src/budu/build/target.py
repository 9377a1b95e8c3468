"""The tree that a layer goes onto, together with what the layer holds so far. Blocking.

Paths are bytes without slashes at the ends; the root is empty. Links lead to what is below the
root, as for a process whose root it is.
"""

from __future__ import annotations

import os
import stat
from enum import Enum, auto

from budu.archive.faults import from_os_error
from budu.archive.paths import LINKS_MAX, show
from budu.archive.walk import HANDLE
from budu.base.errors import InvalidArgument
from budu.linux.waiting import open_below

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW


class Kind(Enum):
    """What is at a path, as far as copying cares."""

    FOLDER = auto()
    LINK = auto()
    OTHER = auto()


class Target:
    """What is where. `root` is a descriptor that stays the caller's; None for an empty tree."""

    def __init__(self, root: int | None) -> None:
        self.root = root
        self._made: dict[bytes, tuple[Kind, bytes]] = {}
        self._new: set[bytes] = set()

    def make(self, path: bytes, kind: Kind, *, link: bytes = b"") -> None:
        """The layer holds this now; `link` is where a link leads."""
        before = self._made.get(path)
        if kind is Kind.FOLDER and before is None and self._look(path)[0] is not Kind.FOLDER:
            self._new.add(path)
        if before is not None and before[0] is Kind.FOLDER and kind is not Kind.FOLDER:
            self._forget_below(path)
        self._made[path] = (kind, link)

    def kind(self, path: bytes) -> Kind | None:
        """What is at a path without links; None for nothing."""
        return self._look(path)[0]

    def made(self, path: bytes) -> Kind | None:
        """What the layer itself has there."""
        return self._made.get(path, (None, b""))[0]

    def resolve(self, path: bytes, *, base: bytes = b"") -> bytes:
        """The path without links, also where there is nothing yet; the last link is followed, too.

        With a `base`, a folder without links, the path begins there and nothing leads out of it.
        Raises: InvalidArgument for a loop.
        """
        start = base.split(b"/") if base else []
        done = list(start)
        pending = path.split(b"/")[::-1]
        links = 0
        while pending:
            name = pending.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                done = done[:-1] if len(done) > len(start) else done
                continue
            kind, link = self._look(b"/".join([*done, name]))
            if kind is not Kind.LINK:
                done.append(name)
                continue
            links += 1
            if links > LINKS_MAX:
                raise InvalidArgument(f"stat /{show(path)}: too many levels of symbolic links")
            done = list(start) if link.startswith(b"/") else done
            pending.extend(reversed(link.split(b"/")))
        return b"/".join(done)

    def open_folder(self, path: bytes) -> int | None:
        """An `O_PATH` descriptor of a folder of the tree itself, to be closed; None for none."""
        if self.root is None:
            return None
        try:
            return open_below(self.root, os.fsdecode(path or b"/"), _DIRECTORY)
        except OSError:
            return None

    def _look(self, path: bytes) -> tuple[Kind | None, bytes]:
        """What is there, and where it leads."""
        if not path:
            return Kind.FOLDER, b""
        found = self._made.get(path)
        if found is not None:
            return found
        parent = path.rpartition(b"/")[0]
        is_below = (
            parent in self._new or self._made.get(parent, (Kind.FOLDER,))[0] is not Kind.FOLDER
        )
        return (None, b"") if self.root is None or is_below else _look_in(self.root, path)

    def _forget_below(self, path: bytes) -> None:
        """A folder went, with what was in it."""
        self._new.discard(path)
        for below in [each for each in self._made if each.startswith(path + b"/")]:
            del self._made[below]
            self._new.discard(below)


def _look_in(root: int, path: bytes) -> tuple[Kind | None, bytes]:
    try:
        fd = open_below(root, os.fsdecode(path), HANDLE)
    except (FileNotFoundError, NotADirectoryError):
        return None, b""
    except OSError as error:
        raise from_os_error(error, f"stat /{show(path)}") from error
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            return Kind.FOLDER, b""
        if stat.S_ISLNK(mode):
            return Kind.LINK, os.readlink(b"", dir_fd=fd)
        return Kind.OTHER, b""
    finally:
        os.close(fd)
