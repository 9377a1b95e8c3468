"""Ed25519, of the message itself and of its hash (Ed25519ph): cosign makes both.

Source: RFC 8032, 5.1 and 7.3; RFC 8410 (keys).
"""

from __future__ import annotations

import hashlib

import msgspec

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_PREHASHED = b"SigEd25519 no Ed25519 collisions\x01\x00"
"""dom2(1, ""), which stands before what Ed25519ph hashes."""

Point = tuple[int, int, int, int]
"""Extended coordinates: x = X/Z, y = Y/Z, xy = T/Z."""


class Ed25519Key(msgspec.Struct, frozen=True):
    """A point and how it is written; see `PublicKey`."""

    encoded: bytes

    def verify(self, message: bytes, signature: bytes) -> bool:
        """See `PublicKey.verify`."""
        if len(signature) != 64:
            return False
        factor = int.from_bytes(signature[32:], "little")
        key, commitment = _read_point(self.encoded), _read_point(signature[:32])
        if key is None or commitment is None or factor >= _L:
            return False
        left = _times(_BASE, factor)
        head = signature[:32] + self.encoded
        hashed = (head + message, _PREHASHED + head + hashlib.sha512(message).digest())
        return any(_same(left, _add(commitment, _times(key, _challenge(each)))) for each in hashed)


def read_key(content: bytes) -> Ed25519Key:
    """A key from its 32 bytes. Raises: ValueError when they are no point."""
    if len(content) != 32 or _read_point(content) is None:
        raise ValueError("not a point of the curve")
    return Ed25519Key(content)


def _challenge(hashed: bytes) -> int:
    return int.from_bytes(hashlib.sha512(hashed).digest(), "little") % _L


def _read_point(encoded: bytes) -> Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(point: Point, factor: int) -> Point:
    found: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            found = _add(found, point)
        point = _add(point, point)
        factor >>= 1
    return found


def _same(one: Point, other: Point) -> bool:
    return (
        (one[0] * other[2] - other[0] * one[2]) % _P == 0
        and (one[1] * other[2] - other[1] * one[2]) % _P == 0
    )  # fmt: skip


def _base() -> Point:
    point = _read_point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    assert point is not None
    return point


_BASE = _base()
