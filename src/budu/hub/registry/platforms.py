"""What an image's config says of where it runs, for the manifests that name the config.

A push brings the config first, so its manifest gets the platform with its row. A copy of an
upstream's manifest comes before its config; it gets the platform when somebody pulls that.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import NotFound
from budu.hub.blobs.contract import BlobStore
from budu.hub.registry.documents import MAX_CONFIG_BYTES, platform_of
from budu.hub.schema import manifest_references, manifests
from budu.spec.digest import Digest


async def read_platform(blobs: BlobStore, config: Digest, size_bytes: int) -> str:
    """`linux/arm64/v8`; empty when the blob is no config, or does not say."""
    if size_bytes > MAX_CONFIG_BYTES:
        return ""
    try:
        return platform_of(b"".join([piece async for piece in blobs.read(config)]))
    except NotFound:
        return ""


def waits_for(connection: Connection, repository: int, config: Digest) -> bool:
    """Whether a manifest without a platform names the blob."""
    query = sa.select(manifests.c.digest).where(*_waiting(repository, config))
    return connection.execute(query.limit(1)).first() is not None


def tell(connection: Connection, repository: int, config: Digest, platform: str) -> None:
    """Give the platform to the manifests that name the config and have none."""
    change = sa.update(manifests).where(*_waiting(repository, config))
    connection.execute(change.values(platform=platform))


def _waiting(repository: int, config: Digest) -> tuple[sa.ColumnElement[bool], ...]:
    naming = sa.select(manifest_references.c.manifest).where(
        manifest_references.c.repository_id == repository,
        manifest_references.c.digest == str(config),
        manifest_references.c.kind == "blob",
    )
    return (
        manifests.c.repository_id == repository,
        manifests.c.platform == "",
        manifests.c.digest.in_(naming),
    )
