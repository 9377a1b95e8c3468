"""Verification of ECDSA signatures over P-256 with SHA-256, as cosign makes them.

Verification only: there is no secret here, so plain arithmetic does.
Source: FIPS 186-5, 6.4.2 and SP 800-186, 3.2.1.3; RFC 5480 (public keys); RFC 3279, 2.2.3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_A = _P - 3
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""What stands before the two coordinates in a public key's DER."""

Point = tuple[int, int]


def read_public_key(pem: str) -> Point:
    """The point of a PEM public key. Raises: ValueError when it is no key over P-256."""
    lines = [line.strip() for line in pem.strip().splitlines()]
    if len(lines) < 3 or lines[0] != "-----BEGIN PUBLIC KEY-----":
        raise ValueError("not a PEM public key")
    try:
        der = base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error:
        raise ValueError("not a PEM public key") from None
    if not der.startswith(_SPKI) or len(der) != len(_SPKI) + 64:
        raise ValueError("not a key over P-256")
    raw = der[len(_SPKI) :]
    x, y = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    if x >= _P or y >= _P or (y * y - (x * x * x + _A * x + _B)) % _P:
        raise ValueError("not a point of P-256")
    return x, y


def verify(key: Point, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (DER) is the key owner's over `message`."""
    numbers = _read_signature(signature)
    if numbers is None:
        return False
    r, s = numbers
    if not (0 < r < _N and 0 < s < _N):
        return False
    hashed = int.from_bytes(hashlib.sha256(message).digest())
    inverse = pow(s, -1, _N)
    point = _add(_times(_G, hashed * inverse % _N), _times(key, r * inverse % _N))
    return point is not None and point[0] % _N == r


def _read_signature(der: bytes) -> tuple[int, int] | None:
    """SEQUENCE of two INTEGERs, nothing else."""
    if len(der) < 8 or der[0] != 0x30 or der[1] != len(der) - 2:
        return None
    numbers = []
    rest = der[2:]
    while rest:
        if len(rest) < 3 or rest[0] != 2 or rest[1] > len(rest) - 2 or rest[1] == 0:
            return None
        numbers.append(int.from_bytes(rest[2 : 2 + rest[1]], signed=True))
        rest = rest[2 + rest[1] :]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _add(one: Point | None, other: Point | None) -> Point | None:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % _P == 0:
            return None
        slope = (3 * x1 * x1 + _A) * pow(2 * y1, -1, _P) % _P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P) % _P
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _times(point: Point, factor: int) -> Point | None:
    found: Point | None = None
    doubled: Point | None = point
    while factor:
        if factor & 1:
            found = _add(found, doubled)
        doubled = _add(doubled, doubled)
        factor >>= 1
    return found
