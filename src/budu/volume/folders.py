"""What is done with whole local volumes: their folders renamed, cloned, kept and put back.

    <root>/<name>/_data                      the volume
    <root>/<name>/_snapshots/<snapshot>/data what it was once
    <root>/.work-<operation>-<name>          an operation is under way, or was broken off
    <root>/<name>/.part-…                    what an operation is still making

Nothing is seen under its name before it is whole. Who uses the volume is the engine's matter.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from budu.archive.usage import tree_size
from budu.base.errors import AlreadyExists, InvalidArgument, NotFound
from budu.linux.libc import bind
from budu.volume.clone import Clone

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_WORK, _PART = ".work-", ".part-"
_SNAPSHOTS = "_snapshots"
_DATA = "_data"
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_renameat2 = bind(
    "renameat2",
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_uint,
    label="renameat2",
)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a volume. `created_ns` in unix nanoseconds, `size` in bytes as `ls` has it."""

    name: str
    created_ns: int
    size: int


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that may have been broken off: `rename` from `old` to `new`, or `clone`."""

    operation: str
    old: str
    new: str


Snapshots = list[Kept]


class VolumeFolders:
    """The folders of all local volumes of one engine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    # Operations that end with a record

    @contextmanager
    def working(self, work: Work) -> Iterator[None]:
        """Leave word of an operation until it is over, one way or the other."""
        path = self._root / f"{_WORK}{work.operation}-{work.new}"
        path.write_bytes(msgspec.json.encode(work))
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def broken_off(self) -> list[Work]:
        """What an engine that was killed had under way."""
        return [
            msgspec.json.decode(path.read_bytes(), type=Work)
            for path in sorted(self._root.glob(f"{_WORK}*"))
        ]

    def forget(self, work: Work) -> None:
        """An operation that was broken off is undone or finished."""
        (self._root / f"{_WORK}{work.operation}-{work.new}").unlink(missing_ok=True)

    def rename(self, old: str, new: str) -> None:
        """Give a volume's folder another name. Raises: AlreadyExists."""
        if (self._root / new).exists():
            raise AlreadyExists(f"rename {old}: volume name must be unique: {new}", reference=new)
        (self._root / old).rename(self._root / new)

    def exists(self, name: str) -> bool:
        """Whether a volume has a folder."""
        return (self._root / name).is_dir()

    def sweep(self) -> None:
        """Remove what broken-off operations made in part. Blocks."""
        for folder in self._root.iterdir():
            for place in (folder, folder / _SNAPSHOTS):
                if place.is_dir() and not place.is_symlink():
                    for part in place.glob(f"{_PART}*"):
                        shutil.rmtree(part, ignore_errors=True)

    # Snapshots

    def snapshots(self, name: str) -> Snapshots:
        """A volume's snapshots, oldest first. Blocks."""
        folder = self._root / name / _SNAPSHOTS
        if not folder.is_dir():
            return []
        found = [
            Kept(
                name=each.name,
                created_ns=each.stat().st_mtime_ns,
                size=tree_size(each / "data"),
            )
            for each in folder.iterdir()
            if _NAME.match(each.name)
        ]
        return sorted(found, key=lambda kept: (kept.created_ns, kept.name))

    def keep(self, name: str, snapshot: str) -> bool:
        """Make a snapshot; whether it shares the volume's blocks. Blocks.

        Raises: InvalidArgument, AlreadyExists; OSError with nothing left behind.
        """
        folder = self._root / name / _SNAPSHOTS
        place = folder / _checked(snapshot)
        if place.exists():
            raise AlreadyExists(
                f"snapshot {snapshot} of volume {name} already exists", reference=snapshot
            )
        folder.mkdir(mode=0o700, exist_ok=True)
        part = folder / f"{_PART}{os.urandom(4).hex()}"
        part.mkdir(mode=0o700)
        try:
            shares = clone_folder(self._root / name / _DATA, part / "data")
            os.utime(part)
            part.rename(place)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return shares

    def put_back(self, name: str, snapshot: str) -> None:
        """Make the volume what it was: all at once, by an exchange of names. Blocks.

        Raises: NotFound; OSError with the volume as it is.
        """
        kept = self._snapshot(name, snapshot)
        part = self._root / name / f"{_PART}{os.urandom(4).hex()}"
        try:
            clone_folder(kept / "data", part)
            paths = os.fsencode(part), os.fsencode(self._root / name / _DATA)
            _renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def drop(self, name: str, snapshot: str) -> None:
        """Remove a snapshot. Blocks. Raises: NotFound."""
        kept = self._snapshot(name, snapshot)
        part = kept.with_name(f"{_PART}{os.urandom(4).hex()}")
        kept.rename(part)
        shutil.rmtree(part)

    def _snapshot(self, name: str, snapshot: str) -> Path:
        kept = self._root / name / _SNAPSHOTS / _checked(snapshot)
        if not kept.is_dir():
            raise NotFound(f"no such snapshot of volume {name}: {snapshot}", reference=snapshot)
        return kept


def clone_folder(source: Path, target: Path) -> bool:
    """Make `target`, equal to `source`; whether they share blocks. Blocks. Raises: OSError."""
    target.mkdir(mode=0o700, exist_ok=True)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    source_fd = os.open(source, flags)
    try:
        target_fd = os.open(target, flags)
        try:
            clone = Clone(source_fd, target_fd)
            clone.run()
            return clone.reflinked
        finally:
            os.close(target_fd)
    finally:
        os.close(source_fd)


def _checked(snapshot: str) -> str:
    if not _NAME.match(snapshot) or len(snapshot) > 200:
        raise InvalidArgument(
            f'"{snapshot}" includes invalid characters for a snapshot name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed'
        )
    return snapshot
