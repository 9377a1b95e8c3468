"""Decompression of streams: gzip, zstd, bzip2, xz and plain, with limits on expansion.

Everything works on iterators of chunks, so that a caller decides where the bytes come from (a file,
a queue filled by a download) and memory stays bounded whatever the input claims. The decoders
release the interpreter lock while they work. Packing is done by `archive.write` and its users.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Protocol

import msgspec
import zstandard
from isal import igzip_lib

from budu.base.errors import DataLoss, Hint, ResourceExhausted

PIECE_BYTES = 512 << 10
"""Decoders hand out at most about this much at a time."""

_ZSTD_INPUT_BYTES = 4096
"""A zstd block of four bytes may stand for 128 KiB: this bounds one call's output to 128 MiB."""

_MEMBER_INPUT_BYTES = 128 << 10
"""Each member's end copies what follows it in the input: this bounds the cost of tiny members."""

_MAGIC_BYTES = 6
_MEMBER_TRAILER_MISSING = "unexpected EOF"


class Compression(StrEnum):
    """How a stream is packed. Values are the suffixes of OCI media types where they have one."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"


class ExpansionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stream may grow before it is taken for a bomb.

    `max_bytes`: unpacked bytes, always. `max_ratio`: unpacked by packed bytes, looked at only
    once more than `ratio_floor_bytes` came out, because small things may well be all zeros.
    """

    max_bytes: int = 512 << 30
    max_ratio: int = 200
    ratio_floor_bytes: int = 1 << 30


def detect(head: bytes) -> Compression:
    """The packing that a stream's first bytes announce (six are enough)."""
    if head.startswith(b"\x1f\x8b"):
        return Compression.GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5):
        return Compression.ZSTD
    if head.startswith(b"BZh"):
        return Compression.BZIP2
    if head.startswith(b"\xfd7zXZ\x00"):
        return Compression.XZ
    return Compression.NONE


def of_media_type(media_type: str) -> Compression | None:
    """The packing that a layer's media type promises, None when it says nothing of it."""
    if media_type.endswith(("+gzip", ".tar.gzip")):
        return Compression.GZIP
    if media_type.endswith(("+zstd", ".tar.zstd")):
        return Compression.ZSTD
    if media_type.endswith(".tar"):
        return Compression.NONE
    return None


def decompress(
    chunks: Iterable[bytes],
    *,
    media_type: str = "",
    limits: ExpansionLimits | None = None,
) -> Iterator[bytes]:
    """The unpacked stream, in pieces. What the bytes say goes before what `media_type` says.

    Raises: DataLoss when the stream is truncated, damaged or followed by something else;
    ResourceExhausted when it grows beyond `limits`.
    """
    meter = _Meter(limits or ExpansionLimits())
    counted = meter.count_input(chunks)
    head, rest = _peek(counted)
    found = detect(head)
    promised = of_media_type(media_type)
    if found is Compression.NONE and promised not in (None, Compression.NONE) and head:
        raise DataLoss(f"{promised}: invalid header", hint=Hint("archive.not-compressed"))
    return meter.count_output(_DECODERS[found](rest))


def check_expansion(limits: ExpansionLimits, *, packed: int, unpacked: int) -> None:
    """Raises: ResourceExhausted when so many bytes cannot be meant by so few."""
    if unpacked > limits.max_bytes:
        raise ResourceExhausted(
            f"archive expands to more than {limits.max_bytes} bytes",
            hint=Hint("archive.too-large", limit=limits.max_bytes),
        )
    allowed = limits.max_ratio * max(packed, 1)
    if unpacked > limits.ratio_floor_bytes and unpacked > allowed:
        raise ResourceExhausted(
            f"archive expands to more than {limits.max_ratio} times its size",
            hint=Hint("archive.bomb", packed=packed, unpacked=unpacked),
        )


class _Meter:
    """Counts what goes in and what comes out, and stops a bomb."""

    def __init__(self, limits: ExpansionLimits) -> None:
        self._limits = limits
        self._packed = 0
        self._unpacked = 0

    def count_input(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._packed += len(chunk)
            if len(chunk):
                yield chunk

    def count_output(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._unpacked += len(piece)
            check_expansion(self._limits, packed=self._packed, unpacked=self._unpacked)
            if piece:
                yield piece


def _peek(
    chunks: Iterator[bytes],
) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a stream, and the whole stream again."""
    held: list[bytes] = []
    head = b""
    for chunk in chunks:
        held.append(chunk)
        head += chunk[:_MAGIC_BYTES]
        if len(head) >= _MAGIC_BYTES:
            break
    return head[:_MAGIC_BYTES], chain(held, chunks)


class _Decoder(Protocol):
    """One member of a stream, as `bz2`, `lzma` and `igzip_lib` offer it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _decode_members(
    chunks: Iterator[bytes],
    *,
    name: str,
    make: Callable[[], _Decoder],
    errors: tuple[type[Exception], ...],
) -> Iterator[bytes]:
    """Members one after another until the stream ends exactly where a member ends."""
    decoder = make()
    fresh = True
    for data in _slices(chunks, _MEMBER_INPUT_BYTES):
        while data or not decoder.needs_input:
            if decoder.eof:
                decoder, fresh = make(), True
            try:
                piece = decoder.decompress(data, PIECE_BYTES)
            except errors as error:
                problem = "header" if fresh else "checksum or data"
                raise DataLoss(f"{name}: invalid {problem}") from error
            fresh = fresh and not piece
            if piece:
                yield piece
            data = decoder.unused_data if decoder.eof else b""
            if decoder.eof and not data:
                break
    if not decoder.eof:
        raise DataLoss(_MEMBER_TRAILER_MISSING)


def _decode_gzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    return _decode_members(
        chunks,
        name="gzip",
        make=lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
        errors=(igzip_lib.IsalError,),  # type: ignore[arg-type]  # the stub calls it an instance
    )


def _decode_bzip2(chunks: Iterator[bytes]) -> Iterator[bytes]:
    return _decode_members(
        chunks, name="bzip2", make=bz2.BZ2Decompressor, errors=(OSError, ValueError)
    )


def _decode_xz(chunks: Iterator[bytes]) -> Iterator[bytes]:
    return _decode_members(chunks, name="xz", make=lzma.LZMADecompressor, errors=(lzma.LZMAError,))


def _decode_zstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Frames one after another; the input is sliced because the decoder cannot bound its output."""
    context = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    decoder = context.decompressobj()
    out: list[bytes] = []
    held = 0
    for data in _slices(chunks, _ZSTD_INPUT_BYTES):
        while data:
            if decoder.eof:
                decoder = context.decompressobj()
            try:
                piece = decoder.decompress(data)
            except zstandard.ZstdError as error:
                raise DataLoss(f"zstd: invalid data: {error}") from error
            out.append(piece)
            held += len(piece)
            data = decoder.unused_data if decoder.eof else b""
        if held >= PIECE_BYTES // 2:
            yield b"".join(out)
            out, held = [], 0
    yield b"".join(out)
    if not decoder.eof:
        raise DataLoss(_MEMBER_TRAILER_MISSING)


def _slices(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), size):
            yield chunk[start : start + size]


def _decode_nothing(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from chunks


_DECODERS: dict[Compression, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    Compression.NONE: _decode_nothing,
    Compression.GZIP: _decode_gzip,
    Compression.ZSTD: _decode_zstd,
    Compression.BZIP2: _decode_bzip2,
    Compression.XZ: _decode_xz,
}
