"""Streaming reader of tar archives: ustar, GNU and PAX.

Yields one `TarEntry` per member with everything that says what the member is; never touches the
file system. Names are raw: `archive.paths` makes them safe. Global PAX headers are skipped, as
Go's reader, and so Docker, does. Source: POSIX.1-2017 pax; GNU tar manual, "Tar Internals"; where
readers differ, Go's archive/tar.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum
from struct import Struct
from typing import Protocol

import msgspec

from budu.archive.tar_fields import (
    BLOCK,
    SparseMap,
    bound_time_ns,
    check_sparse,
    has_valid_checksum,
    invalid,
    parse_decimal,
    parse_gnu_map,
    parse_map_text,
    parse_number,
    parse_pax,
    parse_time_ns,
    truncated,
)

PIECE_BYTES = 1 << 20
"""Content is handed out in pieces of at most this size."""

_MAX_EXTENSION_BYTES = 1 << 20
_MAX_ID = (1 << 32) - 2
_XATTR_PREFIX = b"SCHILY.xattr."
_ZEROS = bytes(BLOCK)
_HEADER = Struct("100s8s8s8s12s12s8xB100s8s32x32x8s8s155s12s")
_USTAR_MAGIC = b"ustar\x0000"


class TarKind(Enum):
    """What a member is; the value is its type flag."""

    FILE = b"0"
    HARD_LINK = b"1"
    SYMLINK = b"2"
    CHAR_DEVICE = b"3"
    BLOCK_DEVICE = b"4"
    DIRECTORY = b"5"
    FIFO = b"6"


_KINDS = {kind.value[0]: kind for kind in TarKind} | {
    0: TarKind.FILE,
    ord("7"): TarKind.FILE,
    ord("S"): TarKind.FILE,
}
_LINKS = (TarKind.HARD_LINK, TarKind.SYMLINK)
_EXTENSIONS = frozenset(b"xgLK")
_GNU_SPARSE = ord("S")


class TarEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One member.

    `path` and `link` are the archive's own bytes. `mode` holds the twelve permission bits.
    `size` is what the file will have; `stored_size` bytes of it stand at `offset` of the archive:
    all of it, unless `sparse` tells where in the file they belong.
    """

    path: bytes
    kind: TarKind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    size: int = 0
    stored_size: int = 0
    offset: int = 0
    link: bytes = b""
    major: int = 0
    minor: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    sparse: SparseMap | None = None


class TarSource(Protocol):
    """Where the archive's bytes come from."""

    def read_at(self, offset: int, size: int) -> bytes:
        """`size` bytes at `offset`; fewer only at the end. Waits for bytes still to come.

        Offsets never decrease. Raises: DataLoss when the archive ends before `offset`.
        """


class FileSource:
    """A complete archive in a file; the descriptor stays the caller's."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """See `TarSource.read_at`."""
        if offset > self._size:
            raise truncated()
        return os.pread(self._fd, size, offset)


class Readable(Protocol):
    """What a `StreamSource` reads from: any binary file will do."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""


class StreamSource:
    """An archive that comes from a binary stream, once."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._position = 0

    def read_at(self, offset: int, size: int) -> bytes:
        """See `TarSource.read_at`."""
        while self._position < offset:
            if not self._take(min(offset - self._position, PIECE_BYTES)):
                raise truncated()
        return self._take(size)

    def _take(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._stream.read(size)):
            parts.append(part)
            size -= len(part)
            self._position += len(part)
        return b"".join(parts)


class TarReader:
    """Walks the members of one archive, in order, once.

    Raises: InvalidArgument for headers that break the format; DataLoss when the archive ends
    inside a member. Archives without the final zero blocks are accepted; `unpadded` ones may end
    with the content of the last member, without what fills its block.
    """

    def __init__(self, source: TarSource, *, unpadded: bool = False) -> None:
        self._source = source
        self._unpadded = unpadded
        self._padding = 0
        self._next = 0

    def __iter__(self) -> Iterator[TarEntry]:
        while (entry := self._read_entry()) is not None:
            yield entry

    def content(self, entry: TarEntry) -> Iterator[tuple[int, bytes]]:
        """The stored content of the member just read: (offset in the file, piece)."""
        position = entry.offset
        stretches = ((0, entry.size),) if entry.sparse is None else entry.sparse
        for start, length in stretches:
            stop = start + length
            while start < stop:
                piece = self._source.read_at(position, min(stop - start, PIECE_BYTES))
                if not piece:
                    raise truncated()
                yield start, piece
                start += len(piece)
                position += len(piece)

    def _read_entry(self) -> TarEntry | None:
        extra: _Extra | None = None
        while (header := self._read_header()) is not None:
            flag = header[156]
            if flag in _EXTENSIONS:
                extra = extra or _Extra()
                self._read_extension(header, extra)
                continue
            entry = self._make_entry(header, extra)
            end = entry.offset + entry.stored_size
            self._padding = -end % BLOCK
            self._next = end + self._padding
            return entry
        return None

    def _read_header(self) -> bytes | None:
        padding, self._padding = self._padding, 0
        if self._unpadded and padding:
            filled = self._source.read_at(self._next - padding, padding)
            if len(filled) < padding:
                return None
        header = self._source.read_at(self._next, BLOCK)
        if len(header) < BLOCK:
            if header:
                raise truncated()
            return None
        self._next += BLOCK
        if header[0] == 0 and header == _ZEROS:
            following = self._source.read_at(self._next, BLOCK)
            if following.strip(b"\0"):
                raise invalid("data after the first zero block")
            return None
        if not has_valid_checksum(header):
            raise invalid("checksum")
        return header

    def _read_extension(self, header: bytes, extra: _Extra) -> None:
        size = parse_number(header[124:136])
        if not 0 <= size <= _MAX_EXTENSION_BYTES:
            raise invalid("header field too long")
        data = self._source.read_at(self._next, size)
        if len(data) < size:
            raise truncated()
        self._next += size + -size % BLOCK
        match header[156:157]:
            case b"x":
                extra.pax = parse_pax(data)
            case b"L":
                extra.path = data.partition(b"\0")[0]
            case b"K":
                extra.link = data.partition(b"\0")[0]

    def _make_entry(self, header: bytes, extra: _Extra | None) -> TarEntry:
        name, mode, uid, gid, size, mtime, flag, link, magic, major, minor, prefix, tail = (
            _HEADER.unpack(header)
        )
        path = name.partition(b"\0")[0]
        if prefix[0] and magic == _USTAR_MAGIC:
            usable = prefix[:131] if tail.endswith(b"tar\0") else prefix
            if head := usable.partition(b"\0")[0]:
                path = head + b"/" + path
        kind = _KINDS.get(flag)
        if kind is None:
            raise invalid(f"unhandled tar header type {flag}")
        if flag == 0 and path.endswith(b"/"):
            kind = TarKind.DIRECTORY
        is_device = kind is TarKind.CHAR_DEVICE or kind is TarKind.BLOCK_DEVICE
        stored = parse_number(size)
        entry = TarEntry(
            path=path,
            kind=kind,
            mode=parse_number(mode) & 0o7777,
            uid=parse_number(uid),
            gid=parse_number(gid),
            mtime_ns=bound_time_ns(parse_number(mtime) * 1_000_000_000),
            size=stored,
            stored_size=stored,
            offset=self._next,
            link=link.partition(b"\0")[0] if kind in _LINKS else b"",
            major=parse_number(major) if is_device else 0,
            minor=parse_number(minor) if is_device else 0,
        )
        if extra is not None:
            entry = _without_nul(extra.apply(entry))
        if flag == _GNU_SPARSE:
            entry = self._with_gnu_map(entry, header)
        elif extra is not None and extra.is_sparse:
            entry = self._with_pax_map(entry, extra.pax)
        return _checked(entry)

    def _with_gnu_map(self, entry: TarEntry, header: bytes) -> TarEntry:
        """Old GNU form: four stretches in the header, more in blocks that follow it."""
        stretches = parse_gnu_map(header, 386, 4)
        is_extended, at = header[482], entry.offset
        while is_extended:
            block = self._source.read_at(at, BLOCK)
            if len(block) < BLOCK:
                raise truncated()
            stretches += parse_gnu_map(block, 0, 21)
            is_extended, at = block[504], at + BLOCK
            if at - entry.offset > _MAX_EXTENSION_BYTES:
                raise invalid("header field too long")
        size = parse_number(header[483:495])
        sparse = check_sparse(stretches, size=size, stored=entry.stored_size)
        return msgspec.structs.replace(entry, offset=at, size=size, sparse=sparse)

    def _with_pax_map(self, entry: TarEntry, pax: dict[bytes, bytes]) -> TarEntry:
        """PAX forms 0.0 and 0.1 (map in a record) and 1.0 (map before the data)."""
        at, stored = entry.offset, entry.stored_size
        if b"GNU.sparse.map" in pax:
            text = pax[b"GNU.sparse.map"]
            numbers = text.split(b",") if text else []
        else:
            numbers, at = self._read_map_lines(at)
            stored -= at - entry.offset
        size = parse_decimal(pax.get(b"GNU.sparse.realsize", pax.get(b"GNU.sparse.size", b"")))
        sparse = check_sparse(parse_map_text(numbers), size=size, stored=stored)
        path = pax.get(b"GNU.sparse.name", entry.path)
        return _without_nul(
            msgspec.structs.replace(
                entry, path=path, offset=at, stored_size=stored, size=size, sparse=sparse
            )
        )

    def _read_map_lines(self, at: int) -> tuple[list[bytes], int]:
        """Decimal lines, the first of them the number of pairs, padded to a block."""
        text, wanted = b"", 1
        while text.count(b"\n") < wanted:
            block = self._source.read_at(at, BLOCK)
            if len(block) < BLOCK:
                raise truncated()
            text += block
            at += BLOCK
            if wanted == 1 and b"\n" in text:
                wanted += 2 * parse_decimal(text.partition(b"\n")[0])
            if len(text) > _MAX_EXTENSION_BYTES:
                raise invalid("header field too long")
        return text.split(b"\n")[1:wanted], at


class _Extra:
    """What extension headers said about the member that follows them."""

    __slots__ = ("link", "path", "pax")

    def __init__(self) -> None:
        self.pax: dict[bytes, bytes] = {}
        self.path = b""
        self.link = b""

    @property
    def is_sparse(self) -> bool:
        """Whether the PAX records tell of a file with holes."""
        return b"GNU.sparse.map" in self.pax or (
            self.pax.get(b"GNU.sparse.major"),
            self.pax.get(b"GNU.sparse.minor"),
        ) == (b"1", b"0")

    def apply(self, entry: TarEntry) -> TarEntry:
        """The entry as the records correct it; PAX goes before GNU's long names."""
        pax = self.pax
        stored = parse_decimal(pax[b"size"]) if b"size" in pax else entry.stored_size
        return msgspec.structs.replace(
            entry,
            path=pax.get(b"path") or self.path or entry.path,
            link=pax.get(b"linkpath") or self.link or entry.link,
            size=stored,
            stored_size=stored,
            uid=parse_decimal(pax[b"uid"]) if b"uid" in pax else entry.uid,
            gid=parse_decimal(pax[b"gid"]) if b"gid" in pax else entry.gid,
            mtime_ns=parse_time_ns(pax[b"mtime"]) if b"mtime" in pax else entry.mtime_ns,
            xattrs=tuple(
                (key[len(_XATTR_PREFIX) :], value)
                for key, value in pax.items()
                if key.startswith(_XATTR_PREFIX)
            ),
        )


def _checked(entry: TarEntry) -> TarEntry:
    """The entry, its numbers within bounds; only files have content."""
    if entry.stored_size < 0 or entry.size < 0:
        raise invalid("negative size")
    if not (0 <= entry.uid <= _MAX_ID and 0 <= entry.gid <= _MAX_ID):
        raise invalid("owner out of range")
    if not (0 <= entry.major < 1 << 12 and 0 <= entry.minor < 1 << 20):
        raise invalid("device number out of range")
    if entry.kind is not TarKind.FILE and entry.stored_size:
        return msgspec.structs.replace(entry, size=0, stored_size=0)
    return entry


def _without_nul(entry: TarEntry) -> TarEntry:
    """The entry, unless its records smuggle in a byte that no name can have."""
    if b"\0" in entry.path + entry.link or any(b"\0" in name for name, _ in entry.xattrs):
        raise invalid("NUL in a name")
    return entry
