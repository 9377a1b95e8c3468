"""What cosign signs and stores, made with openssl: keys of every kind, payloads, bundles."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

_ALGORITHMS = {
    "P-256": ("EC", "ec_paramgen_curve:P-256"),
    "P-384": ("EC", "ec_paramgen_curve:P-384"),
    "P-521": ("EC", "ec_paramgen_curve:P-521"),
    "RSA": ("RSA", "rsa_keygen_bits:3072"),
    "RSA-1024": ("RSA", "rsa_keygen_bits:1024"),
    "ED25519": ("ED25519", ""),
    "P-224": ("EC", "ec_paramgen_curve:P-224"),
    "X25519": ("X25519", ""),
}
HASHES = {"P-256": "sha256", "P-384": "sha384", "P-521": "sha512", "RSA": "sha256"}
"""What cosign 3 hashes with for each kind of key."""


class KeyPair:
    """A new pair below `root`, of one of the kinds above."""

    def __init__(self, root: Path, kind: str) -> None:
        self.kind = kind
        self.private = root / f"{kind}.pem"
        self._root = root
        algorithm, option = _ALGORITHMS[kind]
        options = ["-pkeyopt", option] if option else []
        _openssl("genpkey", "-algorithm", algorithm, *options, "-out", str(self.private))
        self.public = _openssl("pkey", "-in", str(self.private), "-pubout").decode()

    def sign(self, message: bytes, *, hashed: str = "") -> bytes:
        """A signature over the message, hashed as cosign does or as `hashed` says."""
        (self._root / "message").write_bytes(message)
        place = str(self._root / "message")
        if self.kind == "ED25519":
            key = ("-inkey", str(self.private))
            return _openssl("pkeyutl", "-sign", "-rawin", *key, "-in", place)
        return _openssl("dgst", f"-{hashed or HASHES[self.kind]}", "-sign", self.private, place)


def _openssl(*words: str | Path) -> bytes:
    return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


def simple_payload(
    name: str, digest: str, *, kind: str = "cosign container image signature"
) -> bytes:
    """What cosign signs, before its third version."""
    critical = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": digest},
        "type": kind,
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def bundle_of(
    pair: KeyPair,
    digest: str,
    *,
    about: str = "",
    predicate: str = "https://sigstore.dev/cosign/sign/v1",
    statement: str = "https://in-toto.io/Statement/v1",
    payload_type: str = "application/vnd.in-toto+json",
    spoilt: bool = False,
) -> bytes:
    """A bundle as `cosign sign --key` of the third version makes it."""
    subject = {"digest": {"sha256": (about or digest).partition(":")[2]}, "annotations": {}}
    document = {"_type": statement, "subject": [subject], "predicateType": predicate}
    payload = json.dumps({**document, "predicate": {}}).encode()
    head = f"DSSEv1 {len(payload_type)} {payload_type} {len(payload)} ".encode()
    signature = pair.sign(head + payload + (b" " if spoilt else b""))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
    }
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "aGludA=="}, "tlogEntries": []},
            "dsseEnvelope": envelope,
        }
    ).encode()
