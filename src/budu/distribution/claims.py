"""What somebody has signed about an image, as cosign stores it in a registry. Nothing is believed
here: `signatures` does that, with a key.

Three places: cosign's first one is a tag beside the image (`sha256-….sig`), whose layers are
payloads with the signature in an annotation; the same manifest can refer to the image; and since
version 3 a sigstore bundle refers to it, which holds a signed in-toto statement (DSSE).
Source: sigstore/cosign specs/SIGNATURE_SPEC.md and specs/BUNDLE_SPEC.md; sigstore/protobuf-specs
sigstore_bundle.proto; secure-systems-lab/dsse protocol.md; in-toto attestation spec/v1.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import msgspec

from budu.base.errors import DataLoss, NotFound
from budu.distribution.repository import Repository
from budu.spec.digest import Digest
from budu.spec.image import Descriptor, Manifest

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
SIGNATURE_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""Of manifests that hold signatures and refer to the image."""
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""Of bundles, and of the manifests that refer to the image with one."""
STATEMENT_TYPE = "application/vnd.in-toto+json"
SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
"""Of a statement that says no more than that the image is signed: others tell of it."""
_STATEMENTS = frozenset({"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"})
_PAYLOAD_KIND = "cosign container image signature"
_MOST = 50


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One signature, with what it is over and what that says."""

    message: bytes
    signature: bytes
    digests: frozenset[str]
    """Of the manifests that are spoken of."""
    name: str = ""
    """Under which the image was signed; empty when nothing is said."""


class _Image(msgspec.Struct, rename="kebab"):
    docker_manifest_digest: str = ""


class _Named(msgspec.Struct, rename="kebab"):
    docker_reference: str = ""


class _Critical(msgspec.Struct):
    image: _Image
    identity: _Named = msgspec.field(default_factory=_Named)
    type: str = ""


class _Payload(msgspec.Struct):
    critical: _Critical


class _Signature(msgspec.Struct):
    sig: str = ""


class _Envelope(msgspec.Struct, rename="camel"):
    payload: str = ""
    payload_type: str = ""
    signatures: list[_Signature] = []


class _Bundle(msgspec.Struct, rename="camel"):
    dsse_envelope: _Envelope = msgspec.field(default_factory=_Envelope)


class _Subject(msgspec.Struct):
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, rename="camel"):
    kind: str = msgspec.field(name="_type", default="")
    predicate_type: str = ""
    subject: list[_Subject] = []


async def claims_about(repository: Repository, digest: Digest) -> AsyncIterator[Claim]:
    """Every claim that the registry has about a manifest, those of the tag first.

    What is missing or malformed is passed over. Raises: what the registry raises.
    """
    beside = repository.beside(f"sha256-{digest.hex}.sig")
    with suppress(NotFound):
        async for each in _claims_of(beside, await beside.resolve(), subject=None):
            yield each
    for kind in (SIGNATURE_TYPE, BUNDLE_TYPE):
        found: tuple[Descriptor, ...] = ()
        with suppress(NotFound):
            found = await repository.referrers(digest, artifact_type=kind)
        for descriptor in found[:_MOST]:
            async for each in _claims_of(repository, descriptor, subject=digest):
                yield each


async def _claims_of(
    repository: Repository, descriptor: Descriptor, *, subject: Digest | None
) -> AsyncIterator[Claim]:
    try:
        body = await repository.fetch_manifest(descriptor)
        manifest = msgspec.json.decode(body, type=Manifest)
    except (NotFound, DataLoss, msgspec.DecodeError):
        return
    if subject and (manifest.subject is None or manifest.subject.digest != subject):
        return
    for layer in manifest.layers[:_MOST]:
        if layer.media_type not in {PAYLOAD_TYPE, BUNDLE_TYPE}:
            continue
        with suppress(NotFound, DataLoss, msgspec.DecodeError, binascii.Error):
            blob = await repository.fetch_blob(layer)
            if layer.media_type == PAYLOAD_TYPE:
                yield read_payload(blob, layer.annotations.get(SIGNATURE, ""))
            else:
                for claim in read_bundle(blob):
                    yield claim


def read_payload(payload: bytes, signature: str) -> Claim:
    """A payload of simple signing and its signature in base64.

    Raises: msgspec.DecodeError, binascii.Error.
    """
    critical = msgspec.json.decode(payload, type=_Payload).critical
    is_ours = critical.type == _PAYLOAD_KIND
    return Claim(
        message=payload,
        signature=base64.b64decode(signature, validate=True),
        digests=frozenset({critical.image.docker_manifest_digest} if is_ours else ()),
        name=critical.identity.docker_reference,
    )


def read_bundle(body: bytes) -> Iterator[Claim]:
    """The signed statements of a bundle. Raises: msgspec.DecodeError, binascii.Error."""
    envelope = msgspec.json.decode(body, type=_Bundle).dsse_envelope
    if envelope.payload_type != STATEMENT_TYPE:
        return
    payload = base64.b64decode(envelope.payload, validate=True)
    statement = msgspec.json.decode(payload, type=_Statement)
    if statement.kind not in _STATEMENTS or statement.predicate_type != SIGN_PREDICATE:
        return
    named = [each.digest.get("sha256") for each in statement.subject]
    digests = frozenset(f"sha256:{digest}" for digest in named if digest)
    for each in envelope.signatures[:_MOST]:
        yield Claim(
            message=pre_authentication_encoding(envelope.payload_type, payload),
            signature=base64.b64decode(each.sig, validate=True),
            digests=digests,
        )


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed of an envelope. Source: dsse protocol.md, "PAE"."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
