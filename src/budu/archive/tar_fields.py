"""The small grammars inside tar: numbers, checksums, PAX records, sparse maps.

Pure functions over bytes. Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended
Header"; GNU tar manual, "Tar Internals".
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from budu.base.errors import DataLoss, InvalidArgument

BLOCK = 512
"""Everything in a tar stands on multiples of this."""

SparseMap = tuple[tuple[int, int], ...]
"""Stretches of data in a file with holes: (offset in the file, length), ascending."""

_ADLER_BASE = 65521
_CHECKSUM = slice(148, 156)
_MAX_TIME_NS = (1 << 63) - 1
_GNU_MAP_ENTRY = 24
_INVALID = "archive/tar: invalid tar header"


def invalid(detail: str) -> InvalidArgument:
    """The error for a header that breaks the format; Docker's sentence and what was found."""
    return InvalidArgument(f"{_INVALID}: {detail}")


def truncated() -> DataLoss:
    """The error for an archive that ends inside an entry."""
    return DataLoss("unexpected EOF")


@lru_cache(maxsize=4096)  # modes, owners and times repeat from member to member
def parse_number(field: bytes) -> int:
    """An octal number padded by spaces or NULs, or GNU's base-256 with the top bit set."""
    if field[0] & 0x80:
        return _parse_base256(field)
    text = field.strip(b" \0").partition(b"\0")[0]
    if not text:
        return 0
    if not text.isdigit():
        raise invalid(f"number {field!r}")
    try:
        return int(text, 8)
    except ValueError as error:
        raise invalid(f"number {field!r}") from error


def _parse_base256(field: bytes) -> int:
    """Two's complement, big endian; the very first bit is only the marker."""
    value = int.from_bytes(field, "big") & ((1 << (len(field) * 8 - 1)) - 1)
    if field[0] & 0x40:
        value -= 1 << (len(field) * 8 - 1)
    return value


def parse_decimal(text: bytes) -> int:
    """A decimal number of a PAX record: digits and nothing else."""
    if not text.isdigit() or len(text) > 20:
        raise invalid(f"number {text[:40]!r}")
    return int(text)


def parse_time_ns(text: bytes) -> int:
    """A PAX time, `seconds[.fraction]`, in nanoseconds; what Docker cannot store becomes 0."""
    whole, _, fraction = text.partition(b".")
    negative = whole.startswith(b"-")
    seconds = parse_decimal(whole[1:] if negative else whole)
    nanoseconds = parse_decimal(fraction[:9].ljust(9, b"0")) if fraction else 0
    return bound_time_ns(-1 if negative else seconds * 1_000_000_000 + nanoseconds)


def bound_time_ns(time_ns: int) -> int:
    """Times before 1970 or beyond 64 bits become 0, as Docker's `boundTime` does."""
    return time_ns if 0 <= time_ns <= _MAX_TIME_NS else 0


def has_valid_checksum(header: bytes) -> bool:
    """Whether a header's bytes, the checksum field counted as spaces, add up to its checksum.

    Adler-32 keeps the plain sum of bytes in its low half, modulo 65521: one call in C where
    `sum()` would walk 512 Python integers. Only a mismatch pays for the exact (signed) sum.
    """
    expected = parse_number(header[_CHECKSUM])
    sum_of_field = sum(header[_CHECKSUM])
    unsigned = (zlib.adler32(header) & 0xFFFF) - 1 - sum_of_field + 8 * 32
    if (expected - unsigned) % _ADLER_BASE == 0:
        return True
    blanked = header[:148] + b" " * 8 + header[156:]
    return expected == sum(byte - 256 if byte > 127 else byte for byte in blanked)


def parse_pax(data: bytes) -> dict[bytes, bytes]:
    """The records `length key=value\\n` of an extended header; a repeated key keeps its last value.

    The repeated `GNU.sparse.offset` and `GNU.sparse.numbytes` of GNU's first PAX form are
    gathered under `GNU.sparse.map`, as its second form has them.
    """
    records: dict[bytes, bytes] = {}
    sparse: list[bytes] = []
    position, end = 0, len(data)
    while position < end:
        key, value, position = _parse_pax_record(data, position)
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            sparse.append(value)
        else:
            records[key] = value
    if sparse:
        records[b"GNU.sparse.map"] = b",".join(sparse)
    return records


def _parse_pax_record(data: bytes, start: int) -> tuple[bytes, bytes, int]:
    space = data.find(b" ", start, start + 21)
    length = parse_decimal(data[start:space]) if space > start else 0
    stop = start + length
    if length < space - start + 4 or stop > len(data) or data[stop - 1] != 0x0A:
        raise invalid("PAX record")
    key, separator, value = data[space + 1 : stop - 1].partition(b"=")
    if not separator or not key:
        raise invalid("PAX record")
    return key, value, stop


def parse_gnu_map(block: bytes, start: int, count: int) -> list[tuple[int, int]]:
    """Up to `count` entries of an old GNU sparse header; an empty one ends the list."""
    found = []
    for at in range(start, start + count * _GNU_MAP_ENTRY, _GNU_MAP_ENTRY):
        if not block[at]:
            break
        offset = parse_number(block[at : at + 12])
        found.append((offset, parse_number(block[at + 12 : at + 24])))
    return found


def parse_map_text(numbers: list[bytes]) -> list[tuple[int, int]]:
    """Pairs of decimal numbers, the form of PAX sparse maps."""
    if len(numbers) % 2:
        raise invalid("sparse map")
    values = [parse_decimal(number) for number in numbers]
    return list(zip(values[::2], values[1::2], strict=True))


def check_sparse(stretches: list[tuple[int, int]], *, size: int, stored: int) -> SparseMap:
    """The map when it ascends without overlap, fits the file and accounts for the stored bytes."""
    position = total = 0
    for offset, length in stretches:
        if offset < position or length < 0 or offset + length > size:
            raise invalid("sparse map")
        position = offset + length
        total += length
    if total != stored:
        raise invalid("sparse map")
    return tuple(stretches)
