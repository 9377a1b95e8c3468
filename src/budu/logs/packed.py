"""Rotated log files at rest: gzip in blocks, so that any place is one block away.

A packed file is a valid gzip file (`zcat` reads it). Each member holds up to 1 MiB of the plain
file and tells its two lengths in its header, so opening one reads only headers:

    1f 8b 08 04 0000 0000 00 ff   gzip, deflate, with an extra field
    0c 00  'B' 'D'  08 00         extra field of 12 bytes: ours, 8 bytes
    4 bytes, 4 bytes              length of the whole member, plain length; little endian
    deflate data, crc32, plain length

The engine packs, never the shim. Neighbours: `logs.files`. Source: RFC 1952.
"""

from __future__ import annotations

import os
import struct
import zlib

from isal import igzip_lib

from budu.base.errors import DataLoss

SUFFIX = ".gz"
"""What a packed file's name ends with."""
BLOCK_BYTES = 1 << 20
"""Plain bytes of one member."""
_HEADER = struct.Struct("<4sIBBH2sHII")
_START = (b"\x1f\x8b\x08\x04", 0, 0, 255, 12, b"BD", 8)
_TRAILER = struct.Struct("<II")
_LEVEL = 1


def pack_file(path: str) -> None:
    """Write `path` + `.gz`, then remove `path`. Blocking.

    When the writer removed `path` meanwhile, nothing is left of either. Raises: OSError.
    """
    draft = f"{path}{SUFFIX}.part"
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            while plain := os.read(source, BLOCK_BYTES):
                _write(target, pack_block(plain))
        finally:
            os.close(target)
        os.rename(draft, path + SUFFIX)
    except OSError:
        _unlink(draft)
        raise
    finally:
        os.close(source)
    if not _unlink(path):
        _unlink(path + SUFFIX)


def pack_block(plain: bytes) -> bytes:
    """One member."""
    body = igzip_lib.compress(plain, _LEVEL, igzip_lib.COMP_DEFLATE)
    size = _HEADER.size + len(body) + _TRAILER.size
    trailer = _TRAILER.pack(zlib.crc32(plain), len(plain))
    return _HEADER.pack(*_START, size, len(plain)) + body + trailer


class PackedFile:
    """Reads a packed file as if it were plain. Does not own its descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._blocks: list[tuple[int, int, int]] = []
        self._cached = (-1, b"")
        self.size = 0
        """Plain bytes."""
        at = 0
        while header := os.pread(fd, _HEADER.size, at):
            packed, plain = _lengths(header)
            self._blocks.append((self.size, at, packed))
            self.size += plain
            at += packed

    def read(self, size: int, offset: int) -> bytes:
        """Up to `size` plain bytes from `offset` on; fewer at the end only."""
        parts: list[bytes] = []
        while size > 0 and offset < self.size:
            number = min(offset // BLOCK_BYTES, len(self._blocks) - 1)
            start = self._blocks[number][0]
            piece = self._block(number)[offset - start : offset - start + size]
            parts.append(piece)
            size -= len(piece)
            offset += len(piece)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if self._cached[0] != number:
            _, at, packed = self._blocks[number]
            self._cached = (number, unpack_block(os.pread(self._fd, packed, at)))
        return self._cached[1]


def unpack_block(member: bytes) -> bytes:
    """The plain bytes of one member. Raises: DataLoss when they are not what was packed."""
    crc, size = _TRAILER.unpack_from(member, len(member) - _TRAILER.size)
    try:
        plain = igzip_lib.decompress(
            member[_HEADER.size : -_TRAILER.size], igzip_lib.DECOMP_DEFLATE
        )
    except igzip_lib.IsalError:  # type: ignore[misc]  # isal types it as a plain name
        plain = b""
    if len(plain) != size or zlib.crc32(plain) != crc:
        raise DataLoss("a packed log file is damaged")
    return plain


def _lengths(header: bytes) -> tuple[int, int]:
    fields = _HEADER.unpack(header) if len(header) == _HEADER.size else ()
    if fields[:7] != _START or not 0 < fields[8] <= BLOCK_BYTES:
        raise DataLoss("a packed log file is damaged")
    return fields[7], fields[8]


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
