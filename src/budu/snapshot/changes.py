"""What a container changed: its upper directory compared with the layers below it.

The comparison is Docker's: mode, owner, device number and capabilities, and for all but directories
size and time of change. A directory in which something changed counts as modified; of a directory
that is gone only its own name is told; a directory that was replaced is compared file by file.
Files and directories that the engine puts into every container are no changes while they are as it
made them.
Source: moby `daemon/initlayer/setup_unix.go` (the names), pkg/archive `changes*.go` (the rules).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from enum import IntEnum

import msgspec

from budu.archive.walk import Found, handle_path, walk
from budu.snapshot.stack import (
    Stacked,
    StackedDirectory,
    capability,
    find,
    is_opaque,
    is_whiteout,
    names,
    stack,
)

_GIVEN_DIRECTORIES = frozenset((b"dev", b"dev/pts", b"dev/shm", b"etc", b"proc", b"sys"))
_GIVEN_FILES = frozenset(
    (
        b".dockerenv",
        b"dev/console",
        b"etc/hostname",
        b"etc/hosts",
        b"etc/mtab",
        b"etc/resolv.conf",
    )
)
_BILLION = 1_000_000_000


class ChangeKind(IntEnum):
    """Docker's numbers for kinds of changes."""

    MODIFIED = 0
    ADDED = 1
    DELETED = 2


class Change(msgspec.Struct, frozen=True):
    """One path, without the leading slash, and what happened to it."""

    path: bytes
    kind: ChangeKind


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What is in an upper directory."""

    changes: tuple[Change, ...]
    """Sorted by path."""
    idle: frozenset[bytes]
    """Paths in the upper directory that need not be in a layer made of it: what the engine itself
    put there, and directories that are as below and hold nothing else."""
    is_empty: bool
    """Whether a layer made of it would change nothing."""


class _Level:
    """A directory of the upper one, with what it stands on."""

    __slots__ = ("base", "is_needed", "is_told", "path", "replaces")

    def __init__(
        self,
        path: bytes,
        base: StackedDirectory | None,
        *,
        is_told: bool = False,
        is_needed: bool = False,
        replaces: bool = False,
    ) -> None:
        self.path = path
        self.base = base
        self.is_told = is_told
        self.is_needed = is_needed
        self.replaces = replaces
        """Whether nothing of the base shows through it."""


def survey(upper_fd: int, lowers: Sequence[int]) -> Survey:
    """Compare `upper_fd` with layers given lowest first; all descriptors stay the caller's.

    Safe while the container runs; what changes meanwhile may be seen either way. Blocks.
    """
    return _Comparison(upper_fd, lowers).run()


class _Comparison:
    """One comparison."""

    def __init__(self, upper_fd: int, lowers: Sequence[int]) -> None:
        self._upper_fd = upper_fd
        self._is_root_changed = _is_root_changed(upper_fd, lowers)
        self._levels = [_Level(b"", stack(lowers), is_told=True, is_needed=self._is_root_changed)]
        self._root = self._levels[0]
        self._changes: list[Change] = []
        self._idle: set[bytes] = set()

    def run(self) -> Survey:
        for found in walk(self._upper_fd):
            self._leave_until(found.path.rpartition(b"/")[0])
            self._visit(found)
        self._leave_until(b"")
        return Survey(
            changes=tuple(sorted(self._changes, key=lambda change: change.path)),
            idle=frozenset(self._idle),
            is_empty=not self._root.is_needed,
        )

    def _leave_until(self, path: bytes) -> None:
        while self._levels[-1].path != path:
            level = self._levels.pop()
            if not level.is_needed:
                self._idle.add(level.path)

    def _visit(self, found: Found) -> None:
        base = self._levels[-1].base
        below = find(base, found.path.rpartition(b"/")[2]) if base else None
        if below is None and _is_given(found):
            self._visit_given(found)
        elif is_whiteout(found.fd, found.status):
            self._visit_whiteout(found, below)
        elif stat.S_ISDIR(found.status.st_mode):
            self._visit_directory(found, below)
        else:
            self._tell(found.path, _compare(found, below))
            self._need()

    def _visit_given(self, found: Found) -> None:
        if stat.S_ISDIR(found.status.st_mode):
            self._levels.append(_Level(found.path, None))
        else:
            self._idle.add(found.path)

    def _visit_whiteout(self, found: Found, below: Stacked | None) -> None:
        if below is None:
            self._idle.add(found.path)
            return
        self._tell(found.path, ChangeKind.DELETED)
        self._need()

    def _visit_directory(self, found: Found, below: Stacked | None) -> None:
        kind = _compare(found, below)
        self._tell(found.path, kind)
        base = below.directory if below else None
        replaces = base is not None and (self._levels[-1].replaces or is_opaque(found.fd))
        self._levels.append(_Level(found.path, base, is_told=kind is not None, replaces=replaces))
        if base is not None and replaces:
            self._tell_missing(found, base)
        if kind is not None or replaces:
            self._need()

    def _tell_missing(self, found: Found, base: StackedDirectory) -> None:
        kept = set(map(os.fsencode, os.listdir(handle_path(found.fd))))
        for name in names(base):
            if name not in kept:
                self._tell(found.path + b"/" + name, ChangeKind.DELETED)

    def _tell(self, path: bytes, kind: ChangeKind | None) -> None:
        """Note a change, and that all directories above it have changed."""
        if kind is None:
            return
        for level in reversed(self._levels):
            if level.is_told:
                break
            level.is_told = True
            self._changes.append(Change(level.path, ChangeKind.MODIFIED))
        self._changes.append(Change(path, kind))

    def _need(self) -> None:
        for level in reversed(self._levels):
            if level.is_needed and level is not self._root:
                break
            level.is_needed = True


def _compare(found: Found, below: Stacked | None) -> ChangeKind | None:
    if below is None:
        return ChangeKind.ADDED
    if _differs(below.status, found.status):
        return ChangeKind.MODIFIED
    is_file = stat.S_ISREG(found.status.st_mode)
    if is_file and capability(found.fd) != below.capability:
        return ChangeKind.MODIFIED
    return None


def _differs(old: os.stat_result, new: os.stat_result) -> bool:
    facts = ("st_mode", "st_uid", "st_gid", "st_rdev")
    if any(getattr(old, fact) != getattr(new, fact) for fact in facts):
        return True
    if stat.S_ISDIR(new.st_mode):
        return False
    return old.st_size != new.st_size or not _is_same_time(old.st_mtime_ns, new.st_mtime_ns)


def _is_same_time(one_ns: int, other_ns: int) -> bool:
    """Archives without fractions of seconds compare by seconds."""
    if one_ns % _BILLION and other_ns % _BILLION:
        return one_ns == other_ns
    return one_ns // _BILLION == other_ns // _BILLION


def _is_given(found: Found) -> bool:
    """Whether it is what the engine puts into every container, still empty."""
    mode = found.status.st_mode
    if stat.S_ISDIR(mode):
        return found.path in _GIVEN_DIRECTORIES
    is_untouched = stat.S_ISLNK(mode) or (stat.S_ISREG(mode) and not found.status.st_size)
    return is_untouched and found.path in _GIVEN_FILES


def _is_root_changed(upper_fd: int, lowers: Sequence[int]) -> bool:
    if not lowers:
        return False
    return _differs(os.fstat(lowers[-1]), os.fstat(upper_fd))
