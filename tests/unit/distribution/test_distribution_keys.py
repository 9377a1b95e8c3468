"""Public keys of every kind that cosign signs with, against openssl and the RFC's vectors."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.support.cosign import HASHES, KeyPair

from budu.distribution.keys import ed25519
from budu.distribution.keys.der import SEQUENCE, read_numbers, read_value
from budu.distribution.keys.ecdsa import P256, P384, P521, Curve
from budu.distribution.keys.pem import PublicKey, read_public_key

MESSAGE = b"hello cosign"
KINDS = ("P-256", "P-384", "P-521", "RSA", "ED25519")

# RFC 8032, 7.1 (TEST 3) and 7.3 (TEST abc).
PURE_KEY = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
PURE = (
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)
HASHED_KEY = "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"
HASHED = (
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)


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
    ("key", "message", "signature"),
    [(PURE_KEY, b"\xaf\x82", PURE), (HASHED_KEY, b"abc", HASHED)],
)
def test_vectors_of_ed25519(key: str, message: bytes, signature: str) -> None:
    made = ed25519.read_key(bytes.fromhex(key))
    assert made.verify(message, bytes.fromhex(signature))
    assert not made.verify(message + b"!", bytes.fromhex(signature))


def test_ed25519_of_a_factor_that_is_too_large_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    signature = bytes.fromhex(PURE)
    factor = int.from_bytes(signature[32:], "little") + order
    made = ed25519.read_key(bytes.fromhex(PURE_KEY))
    assert not made.verify(b"\xaf\x82", signature[:32] + factor.to_bytes(32, "little"))


@pytest.mark.parametrize("curve", [P256, P384, P521])
def test_base_points_are_on_their_curves(curve: Curve) -> None:
    assert curve.has(curve.base)
    assert not curve.has((curve.base[0], curve.base[1] + 1))


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


def test_numbers_of_der() -> None:
    assert read_numbers(bytes.fromhex("3006020101020102")) == (1, 2)


@pytest.mark.parametrize(
    "der",
    [
        *("308106020101020102", "300602010102010200", "30080202000102020002"),
        *("3080020101020102", "30020200", "300602010102"),
    ],
)
def test_der_has_one_form(der: str) -> None:
    with pytest.raises(ValueError, match="malformed DER"):
        read_numbers(bytes.fromhex(der))


def test_long_lengths_of_der() -> None:
    content = b"x" * 200
    assert read_value(b"\x30\x81\xc8" + content + b"rest", SEQUENCE) == (content, b"rest")
