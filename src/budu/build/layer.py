"""A layer that copied files are put into: names checked against what it goes onto. Blocking.

Every folder on the way to a member is a member itself: one that the target has stays as it is
there, for a layer that only implied it would give it another mode and owner.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

import msgspec

from budu.archive import whiteouts
from budu.archive.paths import show
from budu.archive.tar import TarEntry, TarKind
from budu.archive.tar_headers import END, padding, render_header
from budu.archive.write import PackOptions, Sink, TreeWriter
from budu.base.errors import Hint, InvalidArgument
from budu.build.target import Kind, Target
from budu.snapshot.differences import keeps_xattr

FOLDER_MODE = 0o755
"""Of a folder that is made because something is to be in it, unless another one is wanted."""

_LINK_KINDS = {TarKind.SYMLINK: Kind.LINK, TarKind.DIRECTORY: Kind.FOLDER}


class CopiedLayer:
    """One layer in the making. `owner`, `mode` and `mtime_ns` are those of new folders."""

    def __init__(
        self,
        target: Target,
        write: Sink,
        *,
        owner: tuple[int, int] = (0, 0),
        mode: int = FOLDER_MODE,
        mtime_ns: int = 0,
        latest_ns: int | None = None,
        remembers: bool = True,
    ) -> None:
        """`latest_ns`: what no time of a folder that is taken in as it is may be later than.

        `remembers`: whether something that is no folder may be asked for again.
        """
        self.target = target
        self._write = write
        self._owner = owner
        self._mode = mode
        self._mtime_ns = mtime_ns
        self._remembers = remembers
        self._told: set[bytes] = set()
        self._latest_ns = latest_ns
        options = PackOptions(keeps_xattr=keeps_xattr, changes=self._bounded)
        self._as_it_is = TreeWriter(write, options)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self._told

    def has(self, folder: bytes) -> bool:
        """Whether a folder is a member already."""
        return folder in self._told

    def ensure(self, folder: bytes) -> None:
        """Make a folder, and those that it is in, members where they are not.

        Raises: InvalidArgument when one of them is no folder in the target.
        """
        missing = []
        while folder not in self._told:
            missing.append(folder)
            if not folder:
                break
            folder = folder.rpartition(b"/")[0]
        for each in reversed(missing):
            self._ensure_one(each)

    def _ensure_one(self, folder: bytes) -> None:
        kind = self.target.kind(folder)
        if kind is Kind.FOLDER:
            self.keep(folder)
        elif kind is None:
            self.put(self._new_folder(folder))
        else:
            raise not_a_folder(folder)

    def keep(self, folder: bytes) -> None:
        """Take in a folder of the target as it is there."""
        fd = self.target.open_folder(folder)
        if fd is not None:
            try:
                self._as_it_is.add_entry(fd, folder or b".")
            finally:
                os.close(fd)
        self._told.add(folder)

    def _bounded(self, entry: TarEntry) -> TarEntry:
        if self._latest_ns is None:
            return entry
        return msgspec.structs.replace(entry, mtime_ns=min(entry.mtime_ns, self._latest_ns))

    def add(self, writer: TreeWriter, fd: int, path: bytes) -> None:
        """Take in what a descriptor stands for, through a writer of the caller's.

        The folder that it goes into has to be a member. Raises: as `put`.
        """
        mode = os.fstat(fd).st_mode
        kind = (
            Kind.FOLDER if stat.S_ISDIR(mode) else Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER
        )
        self._check(path, kind)
        writer.add_entry(fd, path)
        self._note(path, kind, os.readlink(b"", dir_fd=fd) if kind is Kind.LINK else b"")

    def put(self, entry: TarEntry, content: Iterable[bytes] = ()) -> None:
        """Take in a member that has no descriptor, with its content, which is `entry.size` long.

        Raises: InvalidArgument for a name that no layer can have, and when a folder would become
        something else, or something else a folder.
        """
        path = entry.path.rstrip(b"/")
        kind = _LINK_KINDS.get(entry.kind, Kind.OTHER)
        self._check(path, kind)
        self.replace(entry, content)

    def replace(self, entry: TarEntry, content: Iterable[bytes] = ()) -> None:
        """The same whatever is there: as archives are unpacked."""
        path = entry.path.rstrip(b"/")
        _check_name(path)
        self._write(render_header(entry))
        size = 0
        for piece in content:
            self._write(piece)
            size += len(piece)
        if size:
            self._write(padding(size))
        self._note(path, _LINK_KINDS.get(entry.kind, Kind.OTHER), entry.link)

    def end(self) -> None:
        """The archive's end."""
        self._write(END)

    def _check(self, path: bytes, kind: Kind) -> None:
        _check_name(path)
        present = self.target.kind(path)
        if present is None or (kind is present is Kind.FOLDER):
            return
        if kind is Kind.FOLDER:
            raise not_a_folder(path)
        if present is Kind.FOLDER:
            raise InvalidArgument(
                f"cannot replace to directory /{show(path)} with file",
                hint=Hint("contexts.kinds-differ", path=f"/{show(path)}"),
            )

    def _note(self, path: bytes, kind: Kind, link: bytes) -> None:
        if kind is Kind.FOLDER:
            self._told.add(path)
        elif path in self._told:
            gone = path + b"/"
            self._told = {t for t in self._told if t != path and not t.startswith(gone)}
        if kind is not Kind.OTHER or self._remembers:
            self.target.make(path, kind, link=link)

    def _new_folder(self, path: bytes) -> TarEntry:
        uid, gid = self._owner
        return TarEntry(
            path=path + b"/",
            kind=TarKind.DIRECTORY,
            mode=self._mode,
            uid=uid,
            gid=gid,
            mtime_ns=self._mtime_ns,
        )


def not_a_folder(path: bytes) -> InvalidArgument:
    """The error where a folder is wanted and the target has something else."""
    return InvalidArgument(
        f"cannot copy to non-directory: /{show(path)}",
        hint=Hint("contexts.kinds-differ", path=f"/{show(path)}"),
    )


def _check_name(path: bytes) -> None:
    """In a layer such names say that something is gone: copied, they would hide files."""
    name = path.rpartition(b"/")[2]
    if whiteouts.is_whiteout(name):
        raise InvalidArgument(
            f"invalid file name /{show(path)}: no file of an image begins with .wh.",
            hint=Hint("contexts.whiteout", name=show(name)),
        )
