"""Manifests as they come: what they are, and what they name. Pure; bytes are never rewritten.

Source: OCI image-spec 1.1, manifest and index; Docker image manifest version 2, schema 2; OCI
distribution-spec 1.1, "Pushing Manifests with Subject".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from budu.base.errors import InvalidArgument
from budu.hub.registry.errors import ManifestInvalid
from budu.spec.digest import Digest
from budu.spec.image import CONFIG_TYPES, INDEX_TYPES, MANIFEST_TYPES, ImageConfig
from budu.spec.platform import Platform

MAX_BYTES = 4 << 20
"""What a manifest may have."""
MAX_CONFIG_BYTES = 4 << 20
"""Of a config that is looked into."""
_OLD = "application/vnd.docker.distribution.manifest.v1"
_TYPE_LENGTH = 255
_FOREIGN = re.compile("foreign|nondistributable")


class _Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a manifest says of something else; null is taken for missing."""

    media_type: str | None = None
    digest: str
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    urls: tuple[str, ...] | None = None
    platform: Platform | None = None


class _Any(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What any manifest may have; every field may be missing or null."""

    schema_version: int | None = None
    media_type: str | None = None
    artifact_type: str | None = None
    config: _Descriptor | None = None
    layers: tuple[_Descriptor, ...] | None = None
    blobs: tuple[_Descriptor, ...] | None = None
    manifests: tuple[_Descriptor, ...] | None = None
    subject: _Descriptor | None = None
    annotations: dict[str, str] | None = None


@dataclass(frozen=True)
class Document:
    """A manifest that was understood as far as the registry needs it."""

    media_type: str
    artifact_type: str
    blobs: frozenset[Digest]
    """What it names and the repository must have: config and layers."""
    manifests: frozenset[Digest]
    subject: Digest | None
    annotations: dict[str, str] = field(default_factory=dict)
    image_bytes: int = 0
    config: Digest | None = None
    """Set when it is an image's config, which tells the platform."""


def media_type_of(header: str) -> str:
    """A Content-Type without its parameters."""
    return header.partition(";")[0].strip().lower()


def read_manifest(media_type: str, body: bytes) -> Document:
    """Understand a manifest. Raises: ManifestInvalid."""
    try:
        document = msgspec.json.decode(body, type=_Any)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ManifestInvalid(f"manifest invalid: {error}") from None
    media_type = _media_type(media_type, document)
    try:
        return _read(media_type, document)
    except InvalidArgument as error:
        raise ManifestInvalid(f"manifest invalid: {error.message}") from None


def _media_type(claimed: str, document: _Any) -> str:
    own = document.media_type or ""
    found = claimed or own
    if own and own != found:
        raise ManifestInvalid(f"manifest invalid: it is {own!r} inside, sent as {found!r}")
    if not found or len(found) > _TYPE_LENGTH:
        raise ManifestInvalid("manifest invalid: no media type")
    if found.startswith(_OLD):
        raise ManifestInvalid("manifest invalid: schema 1 is not supported")
    known = found in INDEX_TYPES or found in MANIFEST_TYPES
    if known and document.schema_version != 2:
        raise ManifestInvalid(f"unrecognized manifest schema version {document.schema_version}")
    return found


def _read(media_type: str, document: _Any) -> Document:
    config = document.config
    if media_type in MANIFEST_TYPES and (config is None or document.manifests is not None):
        raise ManifestInvalid("manifest invalid: an image has a config and no manifests")
    if media_type in INDEX_TYPES and (document.layers is not None or config is not None):
        raise ManifestInvalid("manifest invalid: an index has neither config nor layers")
    layers = (*(document.layers or ()), *(document.blobs or ()))
    named = (*((config,) if config else ()), *(layer for layer in layers if not _is_foreign(layer)))
    is_image = config is not None and config.media_type in CONFIG_TYPES
    return Document(
        media_type=media_type,
        artifact_type=document.artifact_type or ((config.media_type or "") if config else ""),
        blobs=_digests(named),
        manifests=_digests(document.manifests or ()),
        subject=Digest(document.subject.digest) if document.subject else None,
        annotations=document.annotations or {},
        image_bytes=sum(d.size for d in ((config, *layers) if config else layers)),
        config=Digest(config.digest) if config and is_image else None,
    )


def _digests(descriptors: Iterable[_Descriptor]) -> frozenset[Digest]:
    return frozenset(Digest(descriptor.digest) for descriptor in descriptors)


def _is_foreign(layer: _Descriptor) -> bool:
    """Whether the bytes are elsewhere, where `urls` say: Windows' base layers."""
    return bool(layer.urls) and bool(_FOREIGN.search(layer.media_type or ""))


def platform_of(config: bytes) -> str:
    """`linux/arm64/v8` from an image's config; empty when it does not say."""
    try:
        image = msgspec.json.decode(config, type=ImageConfig)
    except msgspec.DecodeError:
        return ""
    return str(image.platform)[:100] if image.os and image.architecture else ""


def child_for_old_clients(body: bytes, *, os: str, architecture: str) -> Digest | None:
    """The image of an index that a client gets which understands no indexes."""
    index = msgspec.json.decode(body, type=_Any)
    for child in index.manifests or ():
        platform = child.platform
        if platform and (platform.os, platform.architecture) == (os, architecture):
            return Digest(child.digest)
    return None
