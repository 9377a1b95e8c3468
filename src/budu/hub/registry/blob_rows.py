"""Blobs in the database: which repository shows which, and what the sweep may not take.

Life of a row: `touch` makes or renews it before bytes are stored, `link` shows the blob in a
repository. The sweep first condemns a row that nothing needs (it is not shown from then on and
can't be touched), then removes the bytes, then the row; a push of the same blob waits for that.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from budu.hub.schema import blob_links, blobs, manifest_references
from budu.hub.upsert import insert_into
from budu.spec.digest import Digest

_SHOWN = (
    sa.select(blobs.c.size_bytes, blobs.c.used_at)
    .join(blob_links, blob_links.c.digest == blobs.c.digest)
    .where(
        blob_links.c.repository_id == bindparam("repository"),
        blob_links.c.digest == bindparam("digest"),
        blobs.c.condemned_at.is_(None),
    )
)


def shown(connection: Connection, repository: int, digest: Digest) -> tuple[int, float] | None:
    """Size and last use of a blob that the repository shows."""
    row = connection.execute(_SHOWN, {"repository": repository, "digest": str(digest)}).first()
    return (row[0], row[1]) if row else None


def touch(connection: Connection, digest: Digest, size: int, now: float) -> bool:
    """Make the row, or keep the sweep from it for another while. False: it is condemned."""
    insert = insert_into(connection, blobs).values(
        digest=str(digest), size_bytes=size, used_at=now, condemned_at=None
    )
    renewed = insert.on_conflict_do_update(
        index_elements=["digest"],
        set_={"used_at": now},
        where=blobs.c.condemned_at.is_(None),
    )
    return connection.execute(renewed.returning(blobs.c.digest)).first() is not None


def renew(connection: Connection, digest: Digest, now: float) -> bool:
    """Touch a row that must be there already."""
    change = sa.update(blobs).where(blobs.c.digest == str(digest), blobs.c.condemned_at.is_(None))
    return connection.execute(change.values(used_at=now)).rowcount == 1


def renew_shown(
    connection: Connection, repository: int, digests: Collection[Digest], now: float
) -> set[Digest]:
    """Touch those that the repository shows; the ones that it does not.

    The row first: once it is ours the sweep is done with it, and the next statement sees whether
    the link is still there.
    """
    missing = set(digests)
    for digest in sorted(digests):
        if renew(connection, digest, now) and is_linked(connection, repository, digest):
            missing.discard(digest)
    return missing


def is_linked(connection: Connection, repository: int, digest: Digest) -> bool:
    """Whether the repository shows it."""
    query = sa.select(blob_links.c.digest).where(
        blob_links.c.repository_id == repository, blob_links.c.digest == str(digest)
    )
    return connection.execute(query).first() is not None


def link(connection: Connection, repository: int, digest: Digest, now: float) -> None:
    """Show the blob in the repository."""
    insert = insert_into(connection, blob_links).values(
        repository_id=repository, digest=str(digest), linked_at=now
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["repository_id", "digest"], set_={"linked_at": now}
        )
    )


def unlink(connection: Connection, repository: int, digest: Digest) -> bool:
    """Show it no longer; whether it was shown."""
    gone = sa.delete(blob_links).where(
        blob_links.c.repository_id == repository, blob_links.c.digest == str(digest)
    )
    return connection.execute(gone).rowcount == 1


def is_named(connection: Connection, repository: int, digest: Digest) -> bool:
    """Whether a manifest of the repository names it."""
    query = sa.select(sa.literal(1)).where(
        manifest_references.c.repository_id == repository,
        manifest_references.c.digest == str(digest),
    )
    return connection.execute(query.limit(1)).first() is not None
