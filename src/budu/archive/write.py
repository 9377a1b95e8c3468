"""Packs directory trees into a tar archive that depends on nothing but the trees.

Works on descriptors only (`archive.walk`), so a tree may be hostile and in use. Members come in
the order of their names; hard links are recognised; fifos and devices are described, never opened;
sockets are left out, as by every tar. Overlay's whiteouts become `.wh.` names when asked.
Source: POSIX.1-2017 pax; OCI image-spec 1.1, layer.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator

import msgspec

from budu.archive import whiteouts
from budu.archive.tar import PIECE_BYTES, TarEntry, TarKind
from budu.archive.tar_fields import SparseMap
from budu.archive.tar_headers import END, padding, render_header
from budu.archive.walk import Enter, Found, handle_path, walk

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: TarKind.FILE,
    stat.S_IFLNK: TarKind.SYMLINK,
    stat.S_IFCHR: TarKind.CHAR_DEVICE,
    stat.S_IFBLK: TarKind.BLOCK_DEVICE,
    stat.S_IFDIR: TarKind.DIRECTORY,
    stat.S_IFIFO: TarKind.FIFO,
}
_OVERLAY_OPAQUE = (whiteouts.TRUSTED + b"opaque", whiteouts.USER + b"opaque")
_NO_XATTRS = (errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES)

Sink = Callable[[bytes], object]
"""Takes the archive's bytes in order; may block, and ends the writing by raising."""


class PackOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a tree becomes an archive.

    `overlay`: the tree is overlay's upper directory; devices 0:0 and opaque directories become
    whiteouts. `sparse`: holes are left out in GNU's PAX form, which Docker's archives never have.
    `keeps_xattr`: which extended attributes go along; overlay's own never do. `enter`: see
    `archive.walk.Enter`; without it every directory is entered. `skips`: which paths are left out;
    what is below a directory that is left out is asked for by itself. `changes`: what a member
    becomes whose name, kind and attributes are known, and whose content or target is still to come.
    """

    overlay: bool = False
    sparse: bool = False
    keeps_xattr: Callable[[bytes], bool] | None = None
    enter: Enter | None = None
    skips: Callable[[bytes], bool] | None = None
    changes: Callable[[TarEntry], TarEntry] | None = None


def write_tree(
    dir_fd: int, write: Sink, *, name: bytes = b"", options: PackOptions | None = None
) -> None:
    """Writes what is below `dir_fd` as a whole archive; `dir_fd` may be `O_PATH`.

    With a `name` the directory itself is the first member and stands before all others:
    `TreeWriter.add_tree`. Raises: OSError; what `write` raises.
    """
    writer = TreeWriter(write, options or PackOptions())
    writer.add_tree(dir_fd, name)
    writer.end()


class TreeWriter:
    """One archive, put together from trees and single entries. `end` completes it."""

    def __init__(self, write: Sink, options: PackOptions) -> None:
        self._write = write
        self._options = options
        self._links: dict[tuple[int, int], bytes] = {}

    def add_tree(self, dir_fd: int, name: bytes = b"") -> None:
        """A directory with all that is below it.

        `name` empty: only what is below; `b"."`: `./`, `./a`; `b"/"`: `/`, `/a`; else `name/a`.
        """
        if name:
            self._add(name, dir_fd, os.fstat(dir_fd))
        above = name.rstrip(b"/") + b"/" if name else b""
        for found in walk(dir_fd, enter=self._options.enter):
            self._add_found(above, found)

    def add_entry(self, fd: int, name: bytes) -> None:
        """One file, link, device or fifo, or a directory without what is in it."""
        self._add(name, fd, os.fstat(fd))

    def end(self) -> None:
        """The archive's end."""
        self._write(END)

    def _add_found(self, above: bytes, found: Found) -> None:
        skips, status = self._options.skips, found.status
        if skips is not None and skips(found.path):
            return
        is_whiteout = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
        if self._options.overlay and is_whiteout:
            parent, slash, name = found.path.rpartition(b"/")
            self._add_marker(above + parent + slash + whiteouts.PREFIX + name, status)
        else:
            self._add(above + found.path, found.fd, status)

    def _changed(self, entry: TarEntry) -> TarEntry:
        changes = self._options.changes
        return entry if changes is None else changes(entry)

    def _add_marker(self, path: bytes, status: os.stat_result) -> None:
        entry = msgspec.structs.replace(_entry(path, status, TarKind.FILE), size=0)
        self._write(render_header(self._changed(entry)))

    def _add(self, path: bytes, fd: int, status: os.stat_result) -> None:
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:
            return
        xattrs = _read_xattrs(fd)
        entry = msgspec.structs.replace(
            _entry(path, status, kind), xattrs=tuple(self._kept(xattrs))
        )
        entry = self._changed(entry)
        match kind:
            case TarKind.FILE:
                self._add_file(entry, fd, status)
            case TarKind.DIRECTORY:
                entry = msgspec.structs.replace(entry, path=path.rstrip(b"/") + b"/")
                self._write(render_header(entry))
                if self._options.overlay and _is_opaque(xattrs):
                    self._add_marker(entry.path + whiteouts.OPAQUE, status)
            case TarKind.SYMLINK:
                link = os.readlink(b"", dir_fd=fd)
                self._write(render_header(msgspec.structs.replace(entry, link=link)))
            case _:
                if not self._add_link(entry, status):
                    self._write(render_header(entry))

    def _add_link(self, entry: TarEntry, status: os.stat_result) -> bool:
        """Whether the archive has this inode already and got a hard link to it."""
        if status.st_nlink < 2:
            return False
        first = self._links.setdefault((status.st_dev, status.st_ino), entry.path)
        if first == entry.path:
            return False
        link = msgspec.structs.replace(
            entry, kind=TarKind.HARD_LINK, link=first, size=0, major=0, minor=0
        )
        self._write(render_header(link))
        return True

    def _add_file(self, entry: TarEntry, fd: int, status: os.stat_result) -> None:
        if self._add_link(entry, status):
            return
        if not entry.size:
            self._write(render_header(entry))
            return
        content = os.open(handle_path(fd), _READ)
        try:
            has_holes = status.st_blocks * 512 < entry.size
            if self._options.sparse and has_holes:
                entry = msgspec.structs.replace(entry, sparse=_find_data(content, entry.size))
            self._write(render_header(entry))
            for piece in _read_content(content, entry):
                self._write(piece)
        finally:
            os.close(content)

    def _kept(self, xattrs: dict[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
        keeps = self._options.keeps_xattr
        for name, value in xattrs.items():
            if not whiteouts.is_overlay_attribute(name) and (keeps is None or keeps(name)):
                yield name, value


def _entry(path: bytes, status: os.stat_result, kind: TarKind) -> TarEntry:
    is_device = kind in (TarKind.CHAR_DEVICE, TarKind.BLOCK_DEVICE)
    return TarEntry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime_ns=status.st_mtime_ns,
        size=status.st_size if kind is TarKind.FILE else 0,
        major=os.major(status.st_rdev) if is_device else 0,
        minor=os.minor(status.st_rdev) if is_device else 0,
    )


def _read_content(fd: int, entry: TarEntry) -> Iterator[bytes]:
    """The content that the header announced, padded to a block.

    A file that shrinks meanwhile is filled up with zeros, one that grows is cut: the announced
    size cannot be taken back.
    """
    total = 0
    for start, length in ((0, entry.size),) if entry.sparse is None else entry.sparse:
        total += length
        stop = start + length
        while start < stop and (piece := _read_piece(fd, min(stop - start, PIECE_BYTES), start)):
            yield piece
            start += len(piece)
        while start < stop:
            yield bytes(size := min(stop - start, PIECE_BYTES))
            start += size
    yield padding(total)


def _read_piece(fd: int, size: int, offset: int) -> bytes:
    """Bytes at `offset`; none at the end, and none where some odd file would make us wait."""
    try:
        return os.pread(fd, size, offset)
    except BlockingIOError:
        return b""


def _find_data(fd: int, size: int) -> SparseMap:
    """The stretches of a file that are no holes; one of length 0 marks a hole at the end."""
    stretches = []
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break
        if start >= size:
            break
        at = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        stretches.append((start, at - start))
    if not stretches or sum(stretches[-1]) < size:
        stretches.append((size, 0))
    return tuple(stretches)


def _is_opaque(xattrs: dict[bytes, bytes]) -> bool:
    return any(xattrs.get(name) == b"y" for name in _OVERLAY_OPAQUE)


def _read_xattrs(fd: int) -> dict[bytes, bytes]:
    """All extended attributes, by name; none where the file system has none."""
    path = handle_path(fd)
    found = {}
    try:
        for name in sorted(os.listxattr(path)):
            found[os.fsencode(name)] = os.getxattr(path, name)
    except OSError as error:
        if error.errno not in _NO_XATTRS:
            raise
    return found
