"""A tag, opened: the manifests and configs behind it, and what refers to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.blobs.contract import BlobStore
from budu.hub.database import Database
from budu.hub.repositories import documents, tags
from budu.hub.repositories.documents import Config, Manifest
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.repositories.tags import Image, Tag
from budu.hub.repositories.unpacked import UNPACKS_NOT, known
from budu.hub.schema import blob_links, manifests
from budu.hub.schema import tags as tag_table
from budu.spec.digest import Digest

MOST_CONFIG_BYTES = 4 << 20
_SIGNATURE_TYPES = ("cosign", "notary", "signature", "sigstore.bundle")
_SBOM_TYPES = ("spdx", "cyclonedx", "syft", "sbom")
_ATTESTATION_TYPES = ("in-toto", "attestation", "provenance", "dsse")


@dataclass(frozen=True)
class Opened:
    """One platform of a tag with its documents."""

    image: Image
    media_type: str
    artifact_type: str
    manifest: Manifest
    config: Config | None
    referrers: tuple[Row[Any], ...]
    unpacked: Mapping[str, int | None]
    """Sizes of the layers that the hub has; see `unpacked.known`."""

    @property
    def unmeasured(self) -> tuple[Digest, ...]:
        """The layers of an image that nobody has measured yet."""
        return tuple(Digest(digest) for digest, size in self.unpacked.items() if size is None)

    @property
    def unpacked_bytes(self) -> int | None:
        """What an image takes unpacked; None while that is not known of every layer."""
        sizes = [self.unpacked.get(part.digest) for part in self.manifest.layers]
        if not self.config or any(size is None or size == UNPACKS_NOT for size in sizes):
            return None
        return sum(size or 0 for size in sizes)


@dataclass(frozen=True)
class Details:
    """A tag, opened."""

    tag: Tag
    images: tuple[Opened, ...]
    referrers: tuple[Row[Any], ...]
    """What refers to the index itself, where the tag is one."""


async def read(database: Database, blobs: BlobStore, row: RepositoryRow, name: str) -> Details:
    """Open a tag. Raises: NotFound."""
    tag, payloads, referring = await database.read(lambda c: _rows(c, row, name))
    images = []
    for image in tag.images:
        stored = payloads.get(image.digest)
        manifest = documents.read_manifest(stored.payload if stored else b"")
        images.append(
            Opened(
                image=image,
                media_type=stored.media_type if stored else "",
                artifact_type=stored.artifact_type if stored else "",
                manifest=manifest,
                config=await _config(database, blobs, row, manifest),
                referrers=referring.get(image.digest, ()),
                unpacked=await _unpacked(database, row, manifest),
            )
        )
    own = () if any(each.digest == tag.digest for each in tag.images) else referring[tag.digest]
    return Details(tag, tuple(images), own)


def _rows(
    connection: Connection, row: RepositoryRow, name: str
) -> tuple[Tag, dict[str, Row[Any]], dict[str, tuple[Row[Any], ...]]]:
    tag = tags.get(connection, row, name)
    digests = [image.digest for image in tag.images]
    where = (manifests.c.repository_id == row.id, manifests.c.digest.in_(digests))
    stored = connection.execute(sa.select(manifests).where(*where)).all()
    referring = {each: _referring(connection, row, each) for each in {tag.digest, *digests}}
    return tag, {each.digest: each for each in stored}, referring


def _referring(connection: Connection, row: RepositoryRow, digest: str) -> tuple[Row[Any], ...]:
    """Manifests whose subject is a manifest, and cosign's older way: a tag made of the digest."""
    columns = [column for column in manifests.c if column.name != "payload"]
    by_subject = sa.select(*columns).where(
        manifests.c.repository_id == row.id, manifests.c.subject == digest
    )
    stem = digest.replace(":", "-", 1)
    spellings = [f"{stem}.sig", f"{stem}.att", f"{stem}.sbom"]
    joined = sa.join(
        manifests,
        tag_table,
        sa.and_(
            manifests.c.repository_id == tag_table.c.repository_id,
            manifests.c.digest == tag_table.c.digest,
        ),
    )
    by_tag = (
        sa.select(*columns, tag_table.c.name.label("tag"))
        .select_from(joined)
        .where(tag_table.c.repository_id == row.id, tag_table.c.name.in_(spellings))
    )
    return (*connection.execute(by_subject).all(), *connection.execute(by_tag).all())


async def _unpacked(
    database: Database, row: RepositoryRow, manifest: Manifest
) -> Mapping[str, int | None]:
    digests = {part.digest for part in manifest.layers if manifest.config}
    return await database.read(lambda c: known(c, row.id, digests)) if digests else {}


async def _config(
    database: Database, blobs: BlobStore, row: RepositoryRow, manifest: Manifest
) -> Config | None:
    """The manifest's config, if the repository shows it and it is one of an image."""
    part = manifest.config
    if part is None or part.size > MOST_CONFIG_BYTES:
        return None
    try:
        digest = Digest(part.digest)
    except InvalidArgument:
        return None
    if not await database.read(lambda c: _is_shown(c, row, digest)):
        return None
    try:
        pieces = [piece async for piece in blobs.read(digest)]
    except NotFound:
        return None
    return documents.read_config(b"".join(pieces))


def _is_shown(connection: Connection, row: RepositoryRow, digest: str) -> bool:
    query = sa.select(blob_links.c.digest).where(
        blob_links.c.repository_id == row.id, blob_links.c.digest == digest
    )
    return connection.execute(query).first() is not None


_KINDS = (
    ("sbom", _SBOM_TYPES),
    ("attestation", _ATTESTATION_TYPES),
    ("signature", _SIGNATURE_TYPES),
)
_ENDINGS = {".sig": "signature", ".att": "attestation", ".sbom": "sbom"}


def kind_of(artifact_type: str, *, tag: str = "") -> str:
    """`signature`, `attestation`, `sbom` or `other`: by cosign's tag, or the artifact's type."""
    for ending, kind in _ENDINGS.items():
        if tag.endswith(ending):
            return kind
    text = artifact_type.lower()
    return next((kind for kind, words in _KINDS if any(word in text for word in words)), "other")
