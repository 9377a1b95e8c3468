"""The contract of COPY and ADD: files of one tree become a layer over another.

`copy_digest` names what would be copied, so that the cache can tell whether it changed;
`write_copies` writes the layer. Both do the same work, one into a hash and without times. They read
the sources through descriptors below a root, because contexts, images and archives are hostile.
The same sources, plan and target give the same bytes. Blocking.

    sources        names and wildcards below a root        modes       --chmod
    target         what is where, links followed           unpacking   archives of ADD
    layer          members, checked against the target

Source: Dockerfile reference, "COPY" and "ADD"; tonistiigi/fsutil copy.go; moby 28.3
builder/dockerfile/copy.go (sentences).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence

import msgspec

from budu.archive.ignore import Ignore, clean
from budu.archive.tar import TarEntry, TarKind
from budu.archive.walk import HANDLE, walk
from budu.archive.wildcards import has_wildcards
from budu.archive.write import PackOptions, Sink, TreeWriter
from budu.base.errors import BuduError, InvalidArgument
from budu.build.layer import FOLDER_MODE, CopiedLayer
from budu.build.modes import folder_mode, parse_mode
from budu.build.sources import find_sources, open_source
from budu.build.target import Kind, Target
from budu.build.unpacking import is_archive, unpack
from budu.linux.paths import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2, read_file
from budu.linux.waiting import is_virtual
from budu.runtime.users import UserNotFound, resolve_user
from budu.snapshot.differences import keeps_xattr

MADE_NS = 315_532_800_000_000_000
"""The time of what has none of its own: 1980-01-01, before which no zip archive can date."""

_NO_LINKS = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
_PIVOT = "/./"
_DOCUMENT_MODE = 0o644


class CopyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One COPY or ADD, with everything looked up."""

    instruction: str = "COPY"
    """COPY or ADD: the word that errors begin with."""
    sources: tuple[str, ...]
    """Paths below the source root, with Go's wildcards."""
    is_context: bool = True
    """Whether the source root is the build's context: errors say so."""
    files: tuple[tuple[str, bytes], ...] = ()
    """Files that have no source: name and content (here-documents)."""
    target: str
    """Absolute; with a slash at the end it is a folder."""
    owner: tuple[int, int] | None = None
    """uid and gid; None: root for what comes from the context, else as it is there."""
    mode: str = ""
    """Octal digits or symbols as of chmod; empty: as it is."""
    excludes: tuple[str, ...] = ()
    parents: bool = False
    unpacks: bool = False
    """Unpack archives into the target instead of copying them."""
    keeps_owners: bool = False
    """Whether the sources keep their owners where `owner` is None: those of stages and images."""
    mtime_ns: int = MADE_NS
    """Time of `files`, and of folders that are made on the way."""
    latest_ns: int | None = None
    """What no time of a copied file may be later than; None when they are as they come."""


class NotOneSource(InvalidArgument):
    """Several sources cannot become one file."""


class CopyPart(msgspec.Struct, frozen=True, kw_only=True):
    """One of several trees that one instruction copies from. `source_root` stays the caller's."""

    source_root: int
    plan: CopyPlan


def copy_digest(source_root: int, plan: CopyPlan) -> str:
    """Names what would be copied and to where, but for times: `sha256:…`.

    Raises: NotFound for a source that is not there, InvalidArgument, OSError.
    """
    digest = hashlib.sha256(b"unpack\0" if plan.unpacks else b"")
    parts = (CopyPart(source_root=source_root, plan=plan),)
    _copy(
        _layer(parts, Target(None), digest.update, mtime_ns=0), digest.update, parts, is_digest=True
    )
    return f"sha256:{digest.hexdigest()}"


def write_copies(parts: Sequence[CopyPart], target_root: int | None, write: Sink) -> bool:
    """Write one layer of all parts, in order, as a plain tar; whether there is anything in it.

    Their targets are the same, and the first one's owner and time are those of new folders.

    `target_root` is the tree that the layer will stand on, None for an empty one: links in it lead
    to what is below it, and folders that it has keep their mode and owner. Raises: as
    `copy_digest`; InvalidArgument when a folder would take a file's place, or the other way round;
    what `write` raises.
    """
    first = parts[0].plan
    mtime_ns = min(first.mtime_ns, first.mtime_ns if first.latest_ns is None else first.latest_ns)
    layer = _layer(parts, Target(target_root), write, mtime_ns=mtime_ns)
    _copy(layer, write, parts, is_digest=False)
    layer.end()
    return not layer.is_empty


def resolve_owner(target_root: int | None, text: str) -> tuple[int, int]:
    """uid and gid of `user[:group]` by /etc/passwd and /etc/group of the target.

    Without a group a name has the one of /etc/passwd, a number the same number. Raises:
    InvalidArgument with Docker's sentence. Source: Dockerfile reference, "COPY --chown --chmod".
    """
    user, _, group = text.partition(":")
    is_number = user.isascii() and user.isdigit()
    try:
        if ":" in group:
            raise InvalidArgument(f"invalid chown string format: {text}")
        uid, gid = _look_up(target_root, user, f"can't find uid for user {user}: no such user")
        if group or is_number:
            wanted = group or user
            problem = f"can't find gid for group {wanted}: no such group"
            gid = _look_up(target_root, f"0:{wanted}", problem)[1]
    except InvalidArgument as error:
        raise error.after("unable to convert uid/gid chown string to host mapping: ") from error
    return uid, gid


def _look_up(root: int | None, user: str, problem: str) -> tuple[int, int]:
    """uid and gid as a process of the user would have them."""
    passwd, groups = (
        None if root is None else read_file(root, name) for name in ("/etc/passwd", "/etc/group")
    )
    try:
        found = resolve_user(user, passwd=passwd, group=groups)
    except UserNotFound as error:
        name = user.removeprefix("0:")
        raise InvalidArgument(f"{problem}: {name}", reference=name) from error
    return found.uid, found.gid


def _layer(parts: Sequence[CopyPart], target: Target, write: Sink, *, mtime_ns: int) -> CopiedLayer:
    first = parts[0].plan
    is_simple = len(parts) == 1 and len(first.sources) + len(first.files) == 1
    return CopiedLayer(
        target,
        write,
        owner=first.owner or (0, 0),
        mode=folder_mode(first.mode) or FOLDER_MODE,
        mtime_ns=mtime_ns,
        latest_ns=first.latest_ns,
        remembers=first.unpacks or not is_simple or any(map(has_wildcards, first.sources)),
    )


def _copy(layer: CopiedLayer, write: Sink, parts: Sequence[CopyPart], *, is_digest: bool) -> None:
    word = parts[0].plan.instruction
    many = sum(len(part.plan.sources) + len(part.plan.files) for part in parts) > 1
    if many and not _is_folder(parts[0].plan.target) and not parts[0].plan.parents:
        raise _not_one(word)
    try:
        for part in parts:
            _Copy(layer, write, part, is_digest=is_digest).run()
    except NotOneSource:
        raise
    except BuduError as error:
        raise error.after(f"{word} failed: ") from error


class _Copy:
    """One part: its sources into the layer."""

    def __init__(self, layer: CopiedLayer, write: Sink, part: CopyPart, *, is_digest: bool) -> None:
        self._layer = layer
        self._write = write
        self._root = part.source_root
        self._plan = part.plan
        self._is_digest = is_digest
        self._excludes = Ignore(part.plan.excludes)
        self._chmod = parse_mode(part.plan.mode) if part.plan.mode else None

    def run(self) -> None:
        """Copy everything. Wildcards that nothing matches are no mistake, as for BuildKit."""
        place = self._layer.target.resolve(os.fsencode(clean(self._plan.target)))
        is_folder = _is_folder(self._plan.target)
        if self._plan.parents:
            for source in self._plan.sources:
                self._copy_parents(source, place)
        else:
            self._copy_all(place, is_folder=is_folder)
        for name, content in self._plan.files:
            self._put_document(name, content, place, is_folder=is_folder)

    # Sources by name

    def _copy_all(self, place: bytes, *, is_folder: bool) -> None:
        for source in self._plan.sources:
            found = find_sources(self._root, source, is_context=self._plan.is_context)
            if has_wildcards(source):
                found = [each for each in found if not self._excludes.ignores(_name(each))]
                is_there = self._layer.target.kind(place) is Kind.FOLDER
                if len(found) > 1 and not (is_folder or is_there or self._is_digest):
                    raise _not_one(self._plan.instruction)
            for each in found:
                self._copy_one(each, source, place, is_folder=is_folder)

    def _copy_one(self, path: str, source: str, place: bytes, *, is_folder: bool) -> None:
        shown = path if has_wildcards(source) else source
        fd = open_source(self._root, shown, is_context=self._plan.is_context)
        try:
            status = os.fstat(fd)
            if stat.S_ISDIR(status.st_mode):
                self._copy_folder(fd, place)
            elif self._plan.unpacks and not self._is_digest and _is_archive(fd, status):
                self._layer.ensure(place)
                unpack(fd, self._layer, place, change=self._change_member)
            else:
                where = self._file_place(_name(path), place, is_folder=is_folder)
                self._layer.add(self._writer(), fd, where)
        finally:
            os.close(fd)

    def _file_place(self, name: str, place: bytes, *, is_folder: bool) -> bytes:
        """Where a file goes: into a folder, or instead of what is there. Its folder is ready."""
        if not is_folder and self._layer.target.kind(place) is not Kind.FOLDER:
            self._layer.ensure(place.rpartition(b"/")[0])
            return place
        self._layer.ensure(place)
        return _join(place, os.fsencode(name))

    def _put_document(self, name: str, content: bytes, place: bytes, *, is_folder: bool) -> None:
        where = self._file_place(_name(name), place, is_folder=is_folder)
        entry = TarEntry(
            path=where,
            kind=TarKind.FILE,
            mode=_DOCUMENT_MODE,
            size=len(content),
            mtime_ns=self._plan.mtime_ns,
        )
        self._layer.put(self._change(entry), (content,))

    # Folders

    def _copy_folder(self, fd: int, place: bytes) -> None:
        """What is in a folder. The one that takes it in is a new one where the target has none."""
        writer = self._writer()
        self._layer.ensure(place)
        prunes = self._prunes if self._excludes else None
        for found in walk(fd, enter=_enters, prunes=prunes):
            if self._excludes and self._excludes.ignores(os.fsdecode(found.path)):
                continue
            self._ensure_between(writer, fd, place, found.path)
            self._layer.add(writer, found.fd, _join(place, found.path))

    def _copy_parents(self, source: str, place: bytes) -> None:
        """What matches below the pivot, with the folders that it is in."""
        before, pivot, after = source.partition(_PIVOT)
        above, pattern = (before, after) if pivot else ("/", source)
        wanted = Ignore((clean("/" + pattern)[1:],))
        if not has_wildcards(source):
            os.close(open_source(self._root, source, is_context=self._plan.is_context))
        for each in find_sources(self._root, above, is_context=self._plan.is_context):
            fd = open_source(self._root, each, is_context=self._plan.is_context)
            try:
                if stat.S_ISDIR(os.fstat(fd).st_mode):
                    self._copy_matching(fd, wanted, place)
            finally:
                os.close(fd)

    def _copy_matching(self, fd: int, wanted: Ignore, place: bytes) -> None:
        writer = self._writer()

        def prunes(folder: bytes) -> bool:
            path = os.fsdecode(folder)
            is_reached = wanted.ignores(path) or wanted.may_match_below(path)
            return not is_reached or self._excludes.prunes(path)

        for found in walk(fd, enter=_enters, prunes=prunes):
            path = os.fsdecode(found.path)
            if not wanted.ignores(path) or self._excludes.ignores(path):
                continue
            self._layer.ensure(place)
            self._ensure_between(writer, fd, place, found.path)
            self._layer.add(writer, found.fd, _join(place, found.path))

    def _ensure_between(self, writer: TreeWriter, fd: int, place: bytes, path: bytes) -> None:
        """Folders between the top and an entry that were not wanted for themselves."""
        missing = []
        folder = path.rpartition(b"/")[0]
        while folder and not self._layer.has(_join(place, folder)):
            missing.append(folder)
            folder = folder.rpartition(b"/")[0]
        for each in reversed(missing):
            where = _join(place, each)
            if self._layer.target.kind(where) is not None:
                self._layer.ensure(where)
                continue
            between = openat2(fd, os.fsdecode(each), HANDLE, resolve=_NO_LINKS)
            try:
                self._layer.add(writer, between, where)
            finally:
                os.close(between)

    def _prunes(self, folder: bytes) -> bool:
        return self._excludes.prunes(os.fsdecode(folder))

    # Members

    def _writer(self) -> TreeWriter:
        """Each source has its own: hard links are those within it."""
        return TreeWriter(self._write, PackOptions(keeps_xattr=keeps_xattr, changes=self._change))

    def _change(self, entry: TarEntry) -> TarEntry:
        """A member with the owner and mode that the plan gives it."""
        keeps = self._plan.keeps_owners
        default = (entry.uid, entry.gid) if keeps else (0, 0)
        uid, gid = default if self._plan.owner is None else self._plan.owner
        mode = entry.mode
        if self._chmod is not None and entry.kind is not TarKind.SYMLINK:
            mode = self._chmod(mode, entry.kind is TarKind.DIRECTORY)
        mtime_ns = 0 if self._is_digest else self._bounded(entry.mtime_ns)
        return msgspec.structs.replace(entry, uid=uid, gid=gid, mode=mode, mtime_ns=mtime_ns)

    def _change_member(self, entry: TarEntry) -> TarEntry:
        """A member of an archive: only its owner may be another one."""
        uid, gid = self._plan.owner or (entry.uid, entry.gid)
        mtime_ns = self._bounded(entry.mtime_ns)
        return msgspec.structs.replace(entry, uid=uid, gid=gid, mtime_ns=mtime_ns)

    def _bounded(self, mtime_ns: int) -> int:
        latest_ns = self._plan.latest_ns
        return mtime_ns if latest_ns is None else min(mtime_ns, latest_ns)


def _is_archive(fd: int, status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and is_archive(fd)


def _enters(fd: int, _: os.stat_result) -> bool:
    """Whatever is mounted below is copied, but for windows into the kernel."""
    return not is_virtual(fd)


def _is_folder(target: str) -> bool:
    return target.endswith(("/", "/."))


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def _not_one(word: str) -> NotOneSource:
    return NotOneSource(
        f"When using {word} with more than one source file, the destination must be a directory "
        "and end with a /"
    )
