"""Garbage: what no repository needs is removed while pushes and pulls go on.

A blob is needed while a manifest names it, or was used within the grace: a push stores blobs first
and names them later. What is not needed is condemned in one transaction that looks again under the
row's lock; from then on nobody is shown it and a push of the same bytes waits until they are gone
(`blob_rows`). Who reads it reads on. A sweep that is killed leaves condemned rows, the next one
finishes them. Any number of processes may sweep at once.

Removed are also uploads that nobody touched for long, bytes that the database knows nothing of,
and, when the rules want it, manifests without a tag.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import BuduError, Conflict, DeadlineExceeded
from budu.hub.blobs.contract import BlobStore, StoredBlob
from budu.hub.database import Database
from budu.hub.registry import manifest_rows
from budu.hub.registry.errors import ManifestUnknown
from budu.hub.schema import blob_links, blobs, manifest_references, manifests, tags, uploads
from budu.hub.upsert import insert_into
from budu.spec.digest import Digest

log = logging.getLogger(__name__)
_AT_ONCE = 500
_DONE_WITHIN_S = 30.0
"""A condemned blob's bytes are removed within this, or by the next sweep."""
_LEFT_AFTER_S = 60.0
"""A condemned row this old is one that a killed sweep left."""
T = TypeVar("T")


@dataclass(frozen=True)
class SweepRules:
    """What is garbage."""

    grace_s: float = 3600.0
    """Blobs used within it stay. A push must name a blob that soon after storing it."""
    upload_age_s: float = 24 * 3600.0
    """Uploads that nobody touched for so long are abandoned."""
    untagged_age_s: float | None = None
    """Manifests without a tag, neither pushed nor pulled for so long, go; None: they stay.

    What an index names, and what says that it is about a manifest that is there, stays.
    """


@dataclass
class Swept:
    """What a sweep removed."""

    blobs: int = 0
    bytes: int = 0
    links: int = 0
    uploads: int = 0
    manifests: int = 0


class Sweep:
    """The sweep of one hub."""

    def __init__(
        self, database: Database, store: BlobStore, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._store = store
        self._now = now

    async def run(self, rules: SweepRules, *, every_s: float) -> None:
        """Sweep again and again until cancelled. A failure is logged, the next turn comes."""
        while True:
            await asyncio.sleep(every_s)
            try:
                log.info("swept: %s", await self.sweep(rules))
            except BuduError as error:
                log.warning("the sweep broke off: %s", error)

    async def sweep(self, rules: SweepRules) -> Swept:
        """Once through everything. Raises: Unavailable when the database or store is away."""
        swept = Swept()
        await self._finish_left_ones(swept)
        await self._sweep_uploads(self._now() - rules.upload_age_s, swept)
        if rules.untagged_age_s is not None:
            await self._sweep_untagged(self._now() - rules.untagged_age_s, swept)
        cutoff = self._now() - rules.grace_s
        await self._sweep_links(cutoff, swept)
        await self._sweep_blobs(cutoff, swept)
        await self._sweep_strangers(cutoff, swept)
        return swept

    # Blobs

    async def _finish_left_ones(self, swept: Swept) -> None:
        before = self._now() - _LEFT_AFTER_S
        for digest, size in await self._database.read(lambda c: _left(c, before)):
            if await self._claimed(digest, before):
                await self._remove(digest, size, swept)

    async def _claimed(self, digest: Digest, before: float) -> bool:
        now = self._now()
        return await self._database.write(lambda c: _claim(c, digest, before, now))

    async def _sweep_blobs(self, cutoff: float, swept: Swept) -> None:
        async for digest, size in self._paged(lambda c, after: _unneeded(c, cutoff, after)):
            if await self._condemned(digest, cutoff):
                await self._remove(digest, size, swept)

    async def _condemned(self, digest: Digest, cutoff: float) -> bool:
        now = self._now()
        return await self._database.write(lambda c: _condemn(c, digest, cutoff, now))

    async def _remove(self, digest: Digest, size: int, swept: Swept) -> None:
        """The bytes of a condemned blob, then its row."""
        try:
            async with asyncio.timeout(_DONE_WITHIN_S):
                await self._store.delete(digest)
        except TimeoutError:
            raise DeadlineExceeded(f"the blob store did not remove {digest} in time") from None
        await self._database.write(lambda c: _forget(c, digest))
        swept.blobs += 1
        swept.bytes += size

    async def _sweep_links(self, cutoff: float, swept: Swept) -> None:
        async for digest, _ in self._paged(lambda c, after: _loose(c, cutoff, after)):
            swept.links += await self._unlinked(digest, cutoff)

    async def _unlinked(self, digest: Digest, cutoff: float) -> int:
        return await self._database.write(lambda c: _unlink_loose(c, digest, cutoff))

    async def _sweep_strangers(self, cutoff: float, swept: Swept) -> None:
        """Bytes that have no row: a push was killed before it was told, or a database restored."""
        some: list[StoredBlob] = []
        async for blob in self._store.list():
            if blob.stored_at < cutoff:
                some.append(blob)
            if len(some) >= _AT_ONCE:
                await self._remove_strangers(some, swept)
                some = []
        await self._remove_strangers(some, swept)

    async def _remove_strangers(self, found: list[StoredBlob], swept: Swept) -> None:
        known = await self._database.read(lambda c: _known(c, [b.digest for b in found]))
        for blob in found:
            if blob.digest not in known and await self._taken_in(blob):
                await self._remove(blob.digest, blob.size_bytes, swept)

    async def _taken_in(self, blob: StoredBlob) -> bool:
        now = self._now()
        return await self._database.write(lambda c: _condemn_stranger(c, blob, now))

    async def _paged(
        self, query: Callable[[Connection, str], list[tuple[Digest, int]]]
    ) -> AsyncIterator[tuple[Digest, int]]:
        after = ""
        while found := await self._database.read(_bound(query, after)):
            for entry in found:
                yield entry
            after = found[-1][0]

    # Uploads

    async def _sweep_uploads(self, cutoff: float, swept: Swept) -> None:
        for upload in await self._database.write(lambda c: _abandoned(c, cutoff)):
            await self._store.abort(upload)
            swept.uploads += 1
        async for upload, touched_at in self._store.list_uploads():
            if touched_at < cutoff and not await self._is_upload(upload):
                await self._store.abort(upload)
                swept.uploads += 1

    async def _is_upload(self, upload: str) -> bool:
        query = sa.select(uploads.c.id).where(uploads.c.id == upload)
        return await self._database.read(lambda c: c.execute(query).first() is not None)

    # Manifests

    async def _sweep_untagged(self, cutoff: float, swept: Swept) -> None:
        while found := await self._database.read(lambda c: _untagged(c, cutoff, limit=_AT_ONCE)):
            removed = 0
            for repository, digest in found:
                removed += await self._untagged_removed(repository, digest, cutoff)
            swept.manifests += removed
            if not removed:
                return

    async def _untagged_removed(self, repository: int, digest: Digest, cutoff: float) -> bool:
        return await self._database.write(lambda c: _remove_untagged(c, repository, digest, cutoff))


def _bound(query: Callable[[Connection, str], T], after: str) -> Callable[[Connection], T]:
    return lambda connection: query(connection, after)


def _named_anywhere() -> sa.Exists:
    return sa.exists().where(manifest_references.c.digest == blobs.c.digest)


def _unneeded(connection: Connection, cutoff: float, after: str) -> list[tuple[Digest, int]]:
    query = sa.select(blobs.c.digest, blobs.c.size_bytes).where(
        blobs.c.digest > after,
        blobs.c.used_at < cutoff,
        blobs.c.condemned_at.is_(None),
        ~_named_anywhere(),
    )
    rows = connection.execute(query.order_by(blobs.c.digest).limit(_AT_ONCE))
    return [(Digest(digest), size) for digest, size in rows]


def _locked(connection: Connection, digest: Digest, cutoff: float) -> bool:
    """Whether the blob is still old, once nobody else changes it. A statement of its own: the ones
    after it see what others committed before."""
    query = sa.select(blobs.c.digest).where(
        blobs.c.digest == str(digest), blobs.c.used_at < cutoff, blobs.c.condemned_at.is_(None)
    )
    return connection.execute(query.with_for_update()).first() is not None


def _condemn(connection: Connection, digest: Digest, cutoff: float, now: float) -> bool:
    if not _locked(connection, digest, cutoff):
        return False
    named = sa.select(sa.literal(1)).where(manifest_references.c.digest == str(digest))
    if connection.execute(named.limit(1)).first() is not None:
        return False
    connection.execute(sa.delete(blob_links).where(blob_links.c.digest == str(digest)))
    change = sa.update(blobs).where(blobs.c.digest == str(digest)).values(condemned_at=now)
    return connection.execute(change).rowcount == 1


def _condemn_stranger(connection: Connection, blob: StoredBlob, now: float) -> bool:
    insert = insert_into(connection, blobs).values(
        digest=str(blob.digest), size_bytes=blob.size_bytes, used_at=0.0, condemned_at=now
    )
    fresh = insert.on_conflict_do_nothing().returning(blobs.c.digest)
    return connection.execute(fresh).first() is not None


def _forget(connection: Connection, digest: Digest) -> None:
    condemned = (blobs.c.digest == str(digest), blobs.c.condemned_at.is_not(None))
    connection.execute(sa.delete(blobs).where(*condemned))


def _left(connection: Connection, before: float) -> list[tuple[Digest, int]]:
    query = sa.select(blobs.c.digest, blobs.c.size_bytes).where(blobs.c.condemned_at < before)
    return [(Digest(digest), size) for digest, size in connection.execute(query)]


def _claim(connection: Connection, digest: Digest, before: float, now: float) -> bool:
    change = sa.update(blobs).where(blobs.c.digest == str(digest), blobs.c.condemned_at < before)
    return connection.execute(change.values(condemned_at=now)).rowcount == 1


def _known(connection: Connection, digests: list[Digest]) -> set[str]:
    query = sa.select(blobs.c.digest).where(blobs.c.digest.in_([str(d) for d in digests]))
    return set(connection.execute(query).scalars())


def _named_there() -> sa.Exists:
    return sa.exists().where(
        manifest_references.c.repository_id == blob_links.c.repository_id,
        manifest_references.c.digest == blob_links.c.digest,
    )


def _loose(connection: Connection, cutoff: float, after: str) -> list[tuple[Digest, int]]:
    """Blobs that a repository shows without naming them."""
    query = (
        sa.select(blob_links.c.digest).distinct().join(blobs, blobs.c.digest == blob_links.c.digest)
    )
    query = query.where(
        blob_links.c.digest > after,
        blob_links.c.linked_at < cutoff,
        blobs.c.used_at < cutoff,
        ~_named_there(),
    )
    rows = connection.execute(query.order_by(blob_links.c.digest).limit(_AT_ONCE)).scalars()
    return [(Digest(digest), 0) for digest in rows]


def _unlink_loose(connection: Connection, digest: Digest, cutoff: float) -> int:
    if not _locked(connection, digest, cutoff):
        return 0
    gone = sa.delete(blob_links).where(
        blob_links.c.digest == str(digest), blob_links.c.linked_at < cutoff, ~_named_there()
    )
    return connection.execute(gone).rowcount


def _abandoned(connection: Connection, cutoff: float) -> list[str]:
    gone = sa.delete(uploads).where(uploads.c.touched_at < cutoff)
    return list(connection.execute(gone.returning(uploads.c.id)).scalars())


def _is_untagged(cutoff: float) -> tuple[sa.ColumnElement[bool], ...]:
    subject = manifests.alias()
    there = manifests.c.repository_id
    digest = manifests.c.digest
    return (
        manifests.c.pushed_at < cutoff,
        sa.or_(manifests.c.pulled_at.is_(None), manifests.c.pulled_at < cutoff),
        ~sa.exists().where(tags.c.repository_id == there, tags.c.digest == digest),
        ~sa.exists().where(
            manifest_references.c.repository_id == there, manifest_references.c.digest == digest
        ),
        ~sa.exists().where(
            subject.c.repository_id == there, subject.c.digest == manifests.c.subject
        ),
    )


def _untagged(connection: Connection, cutoff: float, *, limit: int) -> list[tuple[int, Digest]]:
    query = sa.select(manifests.c.repository_id, manifests.c.digest).where(*_is_untagged(cutoff))
    return [(row[0], Digest(row[1])) for row in connection.execute(query.limit(limit))]


def _remove_untagged(
    connection: Connection, repository: int, digest: Digest, cutoff: float
) -> bool:
    """Looks again under the row's lock: it may have been tagged or named meanwhile."""
    mine = (manifests.c.repository_id == repository, manifests.c.digest == str(digest))
    connection.execute(sa.select(manifests.c.digest).where(*mine).with_for_update()).first()
    query = sa.select(manifests.c.digest).where(*mine, *_is_untagged(cutoff))
    if connection.execute(query).first() is None:
        return False
    try:
        manifest_rows.remove(connection, repository, digest)
    except (Conflict, ManifestUnknown):
        return False
    return True
