"""Public keys in PEM, of every kind that cosign signs with.

Source: RFC 7468, 13; RFC 5280, 4.1.2.7 (SubjectPublicKeyInfo).
"""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

from budu.distribution.keys import ed25519, rsa
from budu.distribution.keys.der import BIT_STRING, OBJECT, SEQUENCE, read_value, read_whole
from budu.distribution.keys.ecdsa import P256, P384, P521, read_point

_EC = bytes.fromhex("2a8648ce3d0201")
_RSA = bytes.fromhex("2a864886f70d010101")
_ED25519 = bytes.fromhex("2b6570")
_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): P256,
    bytes.fromhex("2b81040022"): P384,
    bytes.fromhex("2b81040023"): P521,
}


class PublicKey(Protocol):
    """What a signature is checked with."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is the key owner's over `message`."""


def read_public_key(pem: str) -> PublicKey:
    """The key in a PEM text. Raises: ValueError that says what is wrong with it."""
    lines = [line.strip() for line in pem.strip().splitlines()]
    if len(lines) < 3 or lines[0] != "-----BEGIN PUBLIC KEY-----":
        raise ValueError("not a PEM public key")
    try:
        der = base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error:
        raise ValueError("not a PEM public key") from None
    algorithm, rest = read_value(read_whole(der, SEQUENCE), SEQUENCE)
    kind, parameters = read_value(algorithm, OBJECT)
    content = read_whole(rest, BIT_STRING)[1:]  # after the count of unused bits
    if kind == _RSA:
        return rsa.read_key(content)
    if kind == _ED25519:
        return ed25519.read_key(content)
    curve = _CURVES.get(read_whole(parameters, OBJECT)) if kind == _EC else None
    if curve is None:
        raise ValueError("a key of an unknown kind: RSA, Ed25519, P-256, P-384 and P-521 are known")
    return read_point(curve, content)
