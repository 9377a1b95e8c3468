"""Streams unpack whatever their packing, and every damage ends in an error that says so."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from budu.archive.compression import Compression, ExpansionLimits, decompress, detect
from budu.base.errors import DataLoss, ResourceExhausted

TEXT = b"the quick brown fox " * 5000 + os.urandom(3000)
PACKERS = {
    Compression.NONE: bytes,
    Compression.GZIP: gzip.compress,
    Compression.ZSTD: lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
    Compression.BZIP2: bz2.compress,
    Compression.XZ: lzma.compress,
}
PACKED = [kind for kind in PACKERS if kind is not Compression.NONE]


def unpack(data: bytes, *, size: int = 1000, **options) -> bytes:
    chunks = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(decompress(chunks, **options))


@pytest.mark.parametrize("kind", PACKERS)
def test_round_trip(kind):
    packed = PACKERS[kind](TEXT)
    assert detect(packed) is kind
    assert unpack(packed) == TEXT


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_chunk_boundaries_do_not_matter(kind, size):
    packed = PACKERS[kind](TEXT[:5000])
    assert unpack(packed, size=size) == TEXT[:5000]


@pytest.mark.parametrize("kind", PACKED)
def test_several_members_are_one_stream(kind):
    pack = PACKERS[kind]
    assert unpack(pack(b"one") + pack(b"") + pack(b"two")) == b"onetwo"


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("cut", [1, 5, 60])
def test_truncated_stream_is_data_loss(kind, cut):
    with pytest.raises(DataLoss, match="unexpected EOF"):
        unpack(PACKERS[kind](TEXT)[:-cut])


@pytest.mark.parametrize("kind", PACKED)
def test_trailing_garbage_is_data_loss(kind):
    with pytest.raises(DataLoss, match="invalid"):
        unpack(PACKERS[kind](TEXT) + b"no packing begins like this " * 4)


@pytest.mark.parametrize("kind", PACKED)
def test_flipped_bit_is_data_loss(kind):
    packed = bytearray(PACKERS[kind](TEXT))
    packed[len(packed) // 2] ^= 4
    with pytest.raises(DataLoss):
        unpack(bytes(packed))


def test_wrong_gzip_checksum_is_data_loss():
    packed = gzip.compress(TEXT)
    with pytest.raises(DataLoss, match="gzip: invalid checksum or data"):
        unpack(packed[:-8] + bytes(4) + packed[-4:])


def test_plain_bytes_under_a_gzip_media_type_are_data_loss():
    with pytest.raises(DataLoss, match="gzip: invalid header"):
        unpack(b"x" * 600, media_type="application/vnd.oci.image.layer.v1.tar+gzip")


def test_bytes_go_before_media_type():
    packed = gzip.compress(TEXT)
    assert unpack(packed, media_type="application/vnd.oci.image.layer.v1.tar") == TEXT
    zstd_type = "application/vnd.oci.image.layer.v1.tar+zstd"
    assert unpack(packed, media_type=zstd_type) == TEXT


def test_empty_stream_is_empty():
    assert unpack(b"", media_type="application/vnd.oci.image.layer.v1.tar") == b""


@pytest.mark.parametrize("kind", PACKED)
def test_expansion_stops_at_ratio(kind):
    limits = ExpansionLimits(max_ratio=20, ratio_floor_bytes=1 << 20)
    with pytest.raises(ResourceExhausted, match="more than 20 times its size"):
        unpack(PACKERS[kind](bytes(64 << 20)), limits=limits)


def test_ratio_is_not_looked_at_below_the_floor():
    limits = ExpansionLimits(max_ratio=2, ratio_floor_bytes=1 << 20)
    assert unpack(gzip.compress(bytes(1 << 20)), limits=limits) == bytes(1 << 20)


def test_expansion_stops_at_total():
    limits = ExpansionLimits(max_bytes=1000)
    with pytest.raises(ResourceExhausted, match="more than 1000 bytes"):
        unpack(bytes(1001), limits=limits)
    assert unpack(bytes(1000), limits=limits) == bytes(1000)


def test_bomb_is_unpacked_in_small_pieces():
    pieces = decompress([gzip.compress(bytes(32 << 20))])
    assert max(len(piece) for piece in pieces) <= 1 << 20


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 40))
def test_any_split_of_any_gzip_members(parts, size):
    packed = b"".join(gzip.compress(part) for part in parts)
    assert unpack(packed, size=size) == b"".join(parts)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x50\x2a\x4d\x18rest", Compression.ZSTD),
        (b"\x1f\x8b", Compression.GZIP),
        (b"etc/passwd", Compression.NONE),
        (b"", Compression.NONE),
    ],
)
def test_detect_knows_magic(head, kind):
    assert detect(head) is kind
