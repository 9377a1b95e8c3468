"""Uploads in the database, and the lease of who appends to one.

Requests of any process may append to an upload, one at a time: a request takes the lease, renews it
while bytes come, and gives it back with what it knows of the bytes. A killed process gives nothing
back; its lease runs out. `sha256` is of all bytes that the store has, or unknown: a hash that was
recorded beside another size than the store tells is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.hub.schema import uploads
from budu.spec.digest import EMPTY_SHA256

_EMPTY = EMPTY_SHA256.removeprefix("sha256:")
LEASE_S = 10.0
"""How long a request that went silent keeps others from the upload."""


@dataclass(frozen=True)
class UploadRow:
    """What is known of an upload."""

    size_bytes: int
    sha256: str | None
    writer: str | None
    touched_at: float


def add(connection: Connection, upload: str, repository: int, now: float) -> None:
    """A new upload, empty."""
    row = {"id": upload, "repository_id": repository, "size_bytes": 0, "sha256": _EMPTY}
    connection.execute(sa.insert(uploads).values(**row, started_at=now, touched_at=now))


def find(connection: Connection, upload: str, repository: int) -> UploadRow | None:
    """The upload, when it is this repository's."""
    columns = (uploads.c.size_bytes, uploads.c.sha256, uploads.c.writer, uploads.c.touched_at)
    query = sa.select(*columns).where(uploads.c.id == upload, uploads.c.repository_id == repository)
    row = connection.execute(query).first()
    return UploadRow(*row) if row else None


def lease(connection: Connection, upload: str, writer: str, now: float) -> bool:
    """Become the one who appends, or stay it."""
    free = sa.or_(
        uploads.c.writer.is_(None),
        uploads.c.writer == writer,
        uploads.c.touched_at < now - LEASE_S,
    )
    change = sa.update(uploads).where(uploads.c.id == upload, free)
    return connection.execute(change.values(writer=writer, touched_at=now)).rowcount == 1


def release(
    connection: Connection, upload: str, writer: str, size: int, sha256: str | None, now: float
) -> bool:
    """Give the lease back with what is known; False when it was lost meanwhile."""
    change = sa.update(uploads).where(uploads.c.id == upload, uploads.c.writer == writer)
    values = {"writer": None, "size_bytes": size, "sha256": sha256, "touched_at": now}
    return connection.execute(change.values(**values)).rowcount == 1


def remove(connection: Connection, upload: str) -> None:
    """It is done or thrown away."""
    connection.execute(sa.delete(uploads).where(uploads.c.id == upload))
