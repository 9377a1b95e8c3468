"""The documents of an image archive: an OCI image layout and Docker's archive in one. Pure.

    blobs/sha256/<hex>   configs, layers, manifests, indexes, byte for byte
    index.json           what the archive holds, by OCI's rules; names are annotations
    manifest.json        the same by Docker's rules
    oci-layout           the layout's version
    repositories         Docker's oldest list of names

Source: OCI image-spec 1.1, image-layout; Docker image spec 1.2, "Combined Image JSON"; moby 28.3,
daemon/containerd/image_exporter.go (the annotations).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from budu.base.errors import InvalidArgument
from budu.spec.digest import Digest
from budu.spec.image import MEDIA_OCI_INDEX, Descriptor, Index
from budu.spec.reference import Reference, parse_reference

CONTAINERD_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


class ArchivedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image of an archive as it is written."""

    names: tuple[Reference, ...]
    """Its tags."""
    root: Descriptor
    """What the names stand for: an index or a manifest."""
    contents: tuple[tuple[str, tuple[str, ...]], ...]
    """Config and layers, as digests, of each image below the root; the first one has the names."""


class DockerEntry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An entry of manifest.json."""

    config: str = ""
    repo_tags: tuple[str, ...] | None = None
    layers: tuple[str, ...] | None = None


def blob_path(digest: str) -> str:
    """Where a blob is in the archive."""
    return f"blobs/sha256/{Digest(digest).hex}"


def archive_documents(images: Sequence[ArchivedImage]) -> dict[str, bytes]:
    """The files beside the blobs, in the order of writing."""
    return {
        "index.json": _index(images),
        "manifest.json": msgspec.json.encode([row for each in images for row in _rows(each)]),
        "oci-layout": LAYOUT,
        "repositories": msgspec.json.encode(_repositories(images)),
    }


def _index(images: Sequence[ArchivedImage]) -> bytes:
    document = msgspec.to_builtins(
        Index(
            schema_version=2,
            media_type=MEDIA_OCI_INDEX,
            manifests=tuple(row for each in images for row in _descriptors(each)),
        )
    )
    return msgspec.json.encode({"manifests": [], **document})


def _descriptors(image: ArchivedImage) -> list[Descriptor]:
    if not image.names:
        return [image.root]
    return [
        msgspec.structs.replace(
            image.root, annotations={CONTAINERD_NAME: str(name), REF_NAME: name.tag or ""}
        )
        for name in image.names
    ]


def _rows(image: ArchivedImage) -> list[DockerEntry]:
    names = tuple(name.familiar for name in image.names) or None
    return [
        DockerEntry(
            config=blob_path(config),
            repo_tags=names if at == 0 else None,
            layers=tuple(map(blob_path, layers)),
        )
        for at, (config, layers) in enumerate(image.contents)
    ]


def _repositories(images: Sequence[ArchivedImage]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for image in images:
        layers = image.contents[0][1] if image.contents else ()
        for name in image.names if layers else ():
            found.setdefault(name.familiar_name, {})[name.tag or ""] = Digest(layers[-1]).hex
    return found


def name_of(annotations: dict[str, str]) -> Reference | None:
    """The tag that an entry of index.json carries, None when it carries none.

    containerd and Docker write the whole name; skopeo writes it into `ref.name`, where Docker has
    the tag alone.
    """
    text = annotations.get(CONTAINERD_NAME, "")
    if not text:
        text = annotations.get(REF_NAME, "")
        if ":" not in text and "/" not in text:
            return None
    try:
        reference = parse_reference(text).with_default_tag()
    except InvalidArgument:
        return None
    return reference if reference.tag else None
