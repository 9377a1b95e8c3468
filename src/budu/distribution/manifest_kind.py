"""Which kind of manifest a registry's answer is. Pure.

Source: OCI image-spec 1.1, "Image Manifest" and "Image Index"; Docker's schema 1 is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from budu.base.errors import InvalidArgument
from budu.distribution.errors import schema1_error
from budu.spec.digest import Digest
from budu.spec.image import INDEX_TYPES, MANIFEST_TYPES, Descriptor
from budu.spec.reference import Reference

if TYPE_CHECKING:
    from budu.distribution.transport import Response

SCHEMA1_TYPES = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)


class _Probe(msgspec.Struct, rename="camel"):
    """The fields that tell the kinds of manifest apart."""

    schema_version: int = 0
    media_type: str = ""
    manifests: object = None
    config: object = None


def manifest_type(body: bytes, stated: str, *, reference: Reference) -> str:
    """The media type of a manifest document: what it says itself, else what the registry says.

    Raises: InvalidArgument for schema 1 and for a document that is neither manifest nor index.
    """
    try:
        probe = msgspec.json.decode(body, type=_Probe)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"invalid manifest for {reference.familiar}: {error}") from None
    if probe.schema_version == 1 or stated in SCHEMA1_TYPES:
        raise schema1_error(reference)
    kinds = INDEX_TYPES if probe.manifests is not None else MANIFEST_TYPES
    if probe.manifests is None and probe.config is None:
        raise InvalidArgument(
            f"invalid manifest for {reference.familiar}: neither an image nor an index",
            reference=reference.familiar,
        )
    return next((name for name in (probe.media_type, stated) if name in kinds), kinds[0])


def described(response: Response) -> Descriptor | None:
    """The descriptor that the headers of a HEAD answer make, where they are complete."""
    digest, length = response.header("Docker-Content-Digest"), response.header("Content-Length")
    media_type = response.header("Content-Type").partition(";")[0].strip()
    if response.status != 200 or not length.isdigit():
        return None
    if media_type not in {*INDEX_TYPES, *MANIFEST_TYPES, *SCHEMA1_TYPES}:
        return None
    try:
        return Descriptor(media_type=media_type, digest=str(Digest(digest)), size=int(length))
    except InvalidArgument:
        return None
