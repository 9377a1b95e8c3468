"""Public keys of every kind that cosign signs with, with signatures made by openssl."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.support.cosign import HASHES, KeyPair

from budu.distribution.public_keys import PublicKey, read_public_key

MESSAGE = b"hello cosign"
KINDS = ("P-256", "P-384", "P-521", "RSA", "ED25519")


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return KeyPair(tmp_path_factory.mktemp("keys"), request.param)


@pytest.fixture(scope="module")
def key(pair: KeyPair) -> PublicKey:
    return read_public_key(pair.public)


@pytest.fixture(scope="module")
def signed(pair: KeyPair) -> bytes:
    return pair.sign(MESSAGE)


def test_openssls_signature_is_verified(pair: KeyPair, key: PublicKey, signed: bytes) -> None:
    assert key.verify(MESSAGE, signed)
    assert not key.verify(MESSAGE + b"!", signed)
    assert not key.verify(MESSAGE, pair.sign(b"something else"))


def test_signature_of_another_key_is_refused(pair: KeyPair, signed: bytes, tmp_path: Path) -> None:
    other = KeyPair(tmp_path, pair.kind)
    assert not read_public_key(other.public).verify(MESSAGE, signed)


@pytest.mark.parametrize("part", range(10))
def test_changed_signature_is_refused(key: PublicKey, signed: bytes, part: int) -> None:
    changed = bytearray(signed)
    changed[len(signed) * part // 10] ^= 1
    assert not key.verify(MESSAGE, bytes(changed))


def test_malformed_signature_is_refused(key: PublicKey, signed: bytes) -> None:
    long = (signed[:-1], signed + b"0", b"\0" + signed, signed * 2)
    for each in (b"", b"0", bytes(64), bytes(71), b"\xff" * 64, b"\xff" * len(signed), *long):
        assert not key.verify(MESSAGE, each)


@pytest.mark.parametrize("kind", ["P-384", "P-521"])
def test_larger_curves_were_signed_with_sha256_before(tmp_path: Path, kind: str) -> None:
    pair = KeyPair(tmp_path, kind)
    key = read_public_key(pair.public)
    assert key.verify(MESSAGE, pair.sign(MESSAGE, hashed="sha256"))
    assert not key.verify(MESSAGE, pair.sign(MESSAGE, hashed="sha1"))


def test_rsa_with_another_hash_is_refused(tmp_path: Path) -> None:
    pair = KeyPair(tmp_path, "RSA")
    assert HASHES["RSA"] == "sha256"
    assert not read_public_key(pair.public).verify(MESSAGE, pair.sign(MESSAGE, hashed="sha1"))


@pytest.mark.parametrize(
    ("kind", "why"),
    [("RSA-1024", "2048"), ("P-224", "unknown kind"), ("X25519", "unknown kind")],
)
def test_key_that_does_not_do_is_refused(tmp_path: Path, kind: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_public_key(KeyPair(tmp_path, kind).public)


@pytest.mark.parametrize("pem", ["", "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----"])
def test_text_that_is_no_key_is_refused(pem: str) -> None:
    with pytest.raises(ValueError, match="not a PEM public key"):
        read_public_key(pem)


@given(some.binary(max_size=80))
def test_any_bytes_are_a_key_or_refused(body: bytes) -> None:
    text = base64.b64encode(body).decode()
    with pytest.raises(ValueError):
        read_public_key(f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----")
