"""ECDSA over P-256, P-384 and P-521.

Source: FIPS 186-5, 6.4.2; SP 800-186, 3.2.1; RFC 5480, 2.1.1 (curves); RFC 3279, 2.2.3 (signature).
"""

from __future__ import annotations

import hashlib

import msgspec

from budu.distribution.keys.der import read_numbers

Point = tuple[int, int]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """y² = x³ - 3x + b over the integers modulo p."""

    p: int
    b: int
    n: int
    """How many points there are."""
    base: Point
    hashes: tuple[str, ...]
    """What cosign hashes with before it signs: today, and before version 3."""

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.p.bit_length() + 7) // 8

    def has(self, point: Point) -> bool:
        """Whether the point is one of the curve's."""
        x, y = point
        return x < self.p and y < self.p and (y * y - (x * x * x - 3 * x + self.b)) % self.p == 0


P256 = Curve(
    p=2**256 - 2**224 + 2**192 + 2**96 - 1,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    base=(
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    hashes=("sha256",),
)
P384 = Curve(
    p=2**384 - 2**128 - 2**96 + 2**32 - 1,
    b=int(
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a"
        "c656398d8a2ed19d2a85c8edd3ec2aef",
        16,
    ),
    n=int("f" * 48 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
    base=(
        int(
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
            "5502f25dbf55296c3a545e3872760ab7",
            16,
        ),
        int(
            "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0"
            "0a60b1ce1d7e819d7a431d7c90ea0e5f",
            16,
        ),
    ),
    hashes=("sha384", "sha256"),
)
P521 = Curve(
    p=2**521 - 1,
    b=int(
        "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109"
        "e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
        16,
    ),
    n=int(
        "1" + "f" * 64 + "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        16,
    ),
    base=(
        int(
            "c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3d"
            "baa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
            16,
        ),
        int(
            "11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e66"
            "2c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
            16,
        ),
    ),
    hashes=("sha512", "sha256"),
)


class EcdsaKey(msgspec.Struct, frozen=True):
    """A point of a curve; see `PublicKey`."""

    curve: Curve
    point: Point

    def verify(self, message: bytes, signature: bytes) -> bool:
        """See `PublicKey.verify`."""
        try:
            r, s = read_numbers(signature)
        except ValueError:
            return False
        if not (0 < r < self.curve.n and 0 < s < self.curve.n):
            return False
        return any(
            self._fits(hashlib.new(name, message).digest(), r, s) for name in self.curve.hashes
        )

    def _fits(self, hashed: bytes, r: int, s: int) -> bool:
        curve = self.curve
        bits = curve.n.bit_length()
        number = int.from_bytes(hashed) >> max(0, 8 * len(hashed) - bits)
        inverse = pow(s, -1, curve.n)
        first, second = number * inverse % curve.n, r * inverse % curve.n
        point = _sum_of_products(curve, first, second, self.point)
        return point is not None and point[0] % curve.n == r


def read_point(curve: Curve, content: bytes) -> EcdsaKey:
    """A key from an uncompressed point. Raises: ValueError when it is not on the curve.

    Source: SEC 1, 2.3.4.
    """
    size = curve.size
    if len(content) != 1 + 2 * size or content[0] != 4:
        raise ValueError("not an uncompressed point")
    point = int.from_bytes(content[1 : 1 + size]), int.from_bytes(content[1 + size :])
    if not curve.has(point):
        raise ValueError("not a point of the curve")
    return EcdsaKey(curve, point)


_Jacobian = tuple[int, int, int]
"""x = X/Z², y = Y/Z³; Z is 0 for the point at infinity. They spare an inverse a step."""
_INFINITY: _Jacobian = (1, 1, 0)


def _sum_of_products(curve: Curve, first: int, second: int, point: Point) -> Point | None:
    """first * base + second * point; None for the point at infinity."""
    base: _Jacobian = (*curve.base, 1)
    other: _Jacobian = (*point, 1)
    both = _add(curve, base, other)
    found = _INFINITY
    for bit in reversed(range(curve.n.bit_length())):
        found = _double(curve, found)
        match first >> bit & 1, second >> bit & 1:
            case 1, 1:
                found = _add(curve, found, both)
            case 1, 0:
                found = _add(curve, found, base)
            case 0, 1:
                found = _add(curve, found, other)
    x, y, z = found
    if z == 0:
        return None
    inverse = pow(z, -1, curve.p)
    return x * inverse**2 % curve.p, y * inverse**3 % curve.p


def _double(curve: Curve, point: _Jacobian) -> _Jacobian:
    x, y, z = point
    p, squared = curve.p, y * y % curve.p
    slope = 3 * (x - z * z) * (x + z * z) % p
    middle = 4 * x * squared % p
    doubled = (slope * slope - 2 * middle) % p
    return doubled, (slope * (middle - doubled) - 8 * squared * squared) % p, 2 * y * z % p


def _add(curve: Curve, one: _Jacobian, other: _Jacobian) -> _Jacobian:
    (x1, y1, z1), (x2, y2, z2) = one, other
    if z1 == 0 or z2 == 0:
        return other if z1 == 0 else one
    p, square1, square2 = curve.p, z1 * z1 % curve.p, z2 * z2 % curve.p
    u1, s1 = x1 * square2 % p, y1 * square2 * z2 % p
    width, height = (x2 * square1 - u1) % p, (y2 * square1 * z1 - s1) % p
    if width == 0:
        return _double(curve, one) if height == 0 else _INFINITY
    cubed, middle = width**3 % p, u1 * width * width % p
    x = (height * height - cubed - 2 * middle) % p
    return x, (height * (middle - x) - s1 * cubed) % p, width * z1 * z2 % p
