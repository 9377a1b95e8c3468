"""Public keys in PEM, of every kind that cosign signs with, checked by the `cryptography` library.

The library is loaded with the first key: an engine without a policy does without it.
Source: cosign's signature specification; sigstore, algorithm registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_HASHES = {
    "secp256r1": ("SHA256",),
    "secp384r1": ("SHA384", "SHA256"),
    "secp521r1": ("SHA512", "SHA256"),
}
"""What each curve is signed with: cosign took SHA-256 for all of them before."""
_LEAST_RSA_BITS, _MOST_RSA_BITS = 2048, 16384


class PublicKey(Protocol):
    """What a signature is checked with."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is the key owner's over `message`."""


def read_public_key(pem: str) -> PublicKey:
    """The key in a PEM text. Raises: ValueError that says what is wrong with it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if not pem.lstrip().startswith("-----BEGIN PUBLIC KEY-----"):
        raise ValueError("not a PEM public key")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"not a PEM public key: {error}") from None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _HASHES:
        return _EllipticKey(key, tuple(getattr(hashes, name)() for name in _HASHES[key.curve.name]))
    if isinstance(key, rsa.RSAPublicKey):
        if not _LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
            raise ValueError(f"RSA keys have {_LEAST_RSA_BITS} to {_MOST_RSA_BITS} bits")
        return _RsaKey(key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _Ed25519Key(key)
    raise ValueError("a key of an unknown kind: RSA, Ed25519, P-256, P-384 and P-521 are known")


class _EllipticKey(msgspec.Struct, frozen=True):
    key: EllipticCurvePublicKey
    hashes: tuple[HashAlgorithm, ...]

    def verify(self, message: bytes, signature: bytes) -> bool:
        """See `PublicKey.verify`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

        for algorithm in self.hashes:
            try:
                self.key.verify(signature, message, ECDSA(algorithm))
            except InvalidSignature:
                continue
            return True
        return False


class _RsaKey(msgspec.Struct, frozen=True):
    key: RSAPublicKey

    def verify(self, message: bytes, signature: bytes) -> bool:
        """See `PublicKey.verify`. With PKCS #1 v1.5 and SHA-256, whatever the key's size."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            self.key.verify(signature, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


class _Ed25519Key(msgspec.Struct, frozen=True):
    key: Ed25519PublicKey

    def verify(self, message: bytes, signature: bytes) -> bool:
        """See `PublicKey.verify`."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True
