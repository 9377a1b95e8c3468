"""What an image's name stands for, with everything below it: index, manifests, attestations.

    tree = image_tree(record, blobs)     the index (or the one manifest) and a node per manifest

A node is available when its manifest, its config and all its layers are here. Read from the stored
documents each time; they are small, and nothing can disagree with them.
"""

from __future__ import annotations

import msgspec

from budu.base.errors import BuduError, InvalidArgument, NotFound
from budu.distribution.choose import is_attestation
from budu.image.model import ImageRecord
from budu.snapshot.blobs import Blobs
from budu.spec.digest import Digest
from budu.spec.image import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    MEDIA_OCI_INDEX,
    MEDIA_OCI_MANIFEST,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
)
from budu.spec.platform import Platform

IMAGE, ATTESTATION, UNKNOWN = "image", "attestation", "unknown"


class ManifestNode(msgspec.Struct, frozen=True, kw_only=True):
    """One manifest that a name leads to."""

    descriptor: Descriptor
    """As the index lists it."""
    kind: str
    """`image`, `attestation` or `unknown`."""
    manifest: Manifest | None = None
    """None when the document is not here."""
    config: ImageConfig | None = None
    """None when the document is not here, or is no image's."""
    available: bool = False
    """Whether every blob is here."""

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        return Digest(self.descriptor.digest)

    @property
    def platform(self) -> Platform:
        """What the index says, else what the config says."""
        if self.descriptor.platform is not None:
            return self.descriptor.platform
        return self.config.platform if self.config is not None else Platform()

    @property
    def parts(self) -> tuple[Descriptor, ...]:
        """Config and layers."""
        return (self.manifest.config, *self.manifest.layers) if self.manifest is not None else ()


class ImageTree(msgspec.Struct, frozen=True, kw_only=True):
    """A name's target with the manifests below it."""

    root: Descriptor
    """The index, or the manifest where there is no index."""
    is_index: bool
    nodes: tuple[ManifestNode, ...]

    @property
    def images(self) -> tuple[ManifestNode, ...]:
        """The nodes that are images."""
        return tuple(each for each in self.nodes if each.kind == IMAGE)

    @property
    def is_whole(self) -> bool:
        """Whether everything that the root names is here."""
        return all(each.available for each in self.nodes)


def image_tree(image: ImageRecord, blobs: Blobs) -> ImageTree:
    """The tree of an image. Raises: NotFound when even its root document is not here."""
    if image.index_digest:
        body = blobs.content.read_blob(Digest(image.index_digest))
        index = msgspec.json.decode(body, type=Index)
        root = described(body, default=MEDIA_OCI_INDEX)
        nodes = tuple(_node(each, blobs) for each in index.manifests)
        return ImageTree(root=root, is_index=True, nodes=nodes)
    if image.is_step:
        raise NotFound(f"{image.id} is a step of a build: it has no manifest")
    root = described(blobs.content.read_blob(Digest(image.manifest_digest)))
    return ImageTree(root=root, is_index=False, nodes=(_node(root, blobs),))


def described(body: bytes, *, default: str = MEDIA_OCI_MANIFEST) -> Descriptor:
    """The descriptor of a manifest or index document."""
    stated = msgspec.json.decode(body, type=Index).media_type
    known = (*INDEX_TYPES, *MANIFEST_TYPES)
    return Descriptor(
        media_type=stated if stated in known else default,
        digest=str(Digest.of(body)),
        size=len(body),
    )


def _node(descriptor: Descriptor, blobs: Blobs) -> ManifestNode:
    kind = ATTESTATION if is_attestation(descriptor) else IMAGE
    if kind == IMAGE and descriptor.artifact_type:
        kind = UNKNOWN
    try:
        body = blobs.content.read_blob(Digest(descriptor.digest))
        manifest = msgspec.json.decode(body, type=Manifest)
    except (BuduError, msgspec.DecodeError):
        return ManifestNode(descriptor=descriptor, kind=kind)
    if kind == IMAGE and not _is_image(manifest):
        kind = UNKNOWN
    return ManifestNode(
        descriptor=descriptor,
        kind=kind,
        manifest=manifest,
        config=_config(manifest, blobs) if kind == IMAGE else None,
        available=all(is_here(each, blobs) for each in (manifest.config, *manifest.layers)),
    )


def _is_image(manifest: Manifest) -> bool:
    return not (manifest.artifact_type or manifest.artifact)


def _config(manifest: Manifest, blobs: Blobs) -> ImageConfig | None:
    try:
        body = blobs.content.read_blob(Digest(manifest.config.digest))
        return msgspec.json.decode(body, type=ImageConfig)
    except (BuduError, msgspec.DecodeError):
        return None


def is_here(part: Descriptor, blobs: Blobs) -> bool:
    """Whether a blob is here, or belongs to somebody else's server (foreign layers)."""
    if is_foreign(part):
        return True
    try:
        return blobs.has(Digest(part.digest))
    except InvalidArgument:  # of an algorithm by which nothing is kept here
        return False


def is_foreign(part: Descriptor) -> bool:
    """Whether a layer is never distributed by registries but fetched from its `urls`."""
    kind = part.media_type
    return bool(part.urls) and ("foreign" in kind or "nondistributable" in kind)
