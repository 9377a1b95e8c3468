"""The little of DER that public keys and signatures are written in.

Source: ITU-T X.690, 8 and 10.1 (definite lengths, as short as they can be).
"""

from __future__ import annotations

INTEGER, BIT_STRING, OBJECT, SEQUENCE = 0x02, 0x03, 0x06, 0x30


def read_value(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the value at the beginning, which must be of this tag, and what follows it.

    Raises: ValueError.
    """
    if len(der) < 2 or der[0] != tag:
        raise ValueError("malformed DER")
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
        if not 3 <= start <= 6 or length < 0x80 or length >> 8 * (start - 3) == 0:
            raise ValueError("malformed DER")
    if len(der) < start + length:
        raise ValueError("malformed DER")
    return der[start : start + length], der[start + length :]


def read_whole(der: bytes, tag: int) -> bytes:
    """The content of a value that nothing follows. Raises: ValueError."""
    content, rest = read_value(der, tag)
    if rest:
        raise ValueError("malformed DER")
    return content


def read_numbers(der: bytes) -> tuple[int, int]:
    """A SEQUENCE of two INTEGERs: an RSA key, an ECDSA signature. Raises: ValueError."""
    one, rest = read_value(read_whole(der, SEQUENCE), INTEGER)
    other = read_whole(rest, INTEGER)
    return _number(one), _number(other)


def _number(content: bytes) -> int:
    is_padded = len(content) > 1 and content[0] == 0 and content[1] < 0x80
    if not content or is_padded:
        raise ValueError("malformed DER")
    return int.from_bytes(content, signed=True)
