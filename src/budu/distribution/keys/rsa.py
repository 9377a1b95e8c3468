"""RSA with PKCS #1 v1.5 padding and SHA-256, cosign's form for keys of every size.

Source: RFC 8017, 8.2.2 and 9.2; RFC 3279, 2.3.1 (keys).
"""

from __future__ import annotations

import hashlib

import msgspec

from budu.distribution.keys.der import read_numbers

_LEAST_BITS, _MOST_BITS = 2048, 16384
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before the hash, in DER."""


class RsaKey(msgspec.Struct, frozen=True):
    """Modulus and exponent; see `PublicKey`."""

    modulus: int
    exponent: int

    def verify(self, message: bytes, signature: bytes) -> bool:
        """See `PublicKey.verify`."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature)
        if len(signature) != size or number >= self.modulus:
            return False
        tail = _SHA256_INFO + hashlib.sha256(message).digest()
        expected = b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail
        return pow(number, self.exponent, self.modulus).to_bytes(size) == expected


def read_key(content: bytes) -> RsaKey:
    """A key from RSAPublicKey. Raises: ValueError when it is malformed, too short or too long."""
    modulus, exponent = read_numbers(content)
    if not _LEAST_BITS <= modulus.bit_length() <= _MOST_BITS:
        raise ValueError(f"RSA keys have {_LEAST_BITS} to {_MOST_BITS} bits")
    if not 3 <= exponent < 2**31 or exponent % 2 == 0 or modulus < 0:
        raise ValueError("not an RSA key")
    return RsaKey(modulus, exponent)
