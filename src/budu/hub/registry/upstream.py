"""Copies of another registry, made when somebody pulls.

A tag is believed for a while, then the upstream is asked what it names (by HEAD, which no limit
counts); manifests and blobs never change, so they are asked for once. Requests for the same thing
share one fetch. When the upstream is down or has had enough of us, what is stored is still served.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import aiohttp
import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import BuduError, NotFound, Unavailable
from budu.hub.blobs.contract import BlobStore
from budu.hub.database import Database
from budu.hub.registry import blob_rows, manifest_rows, platforms
from budu.hub.registry.contract import Repository, Upstream
from budu.hub.registry.documents import MAX_BYTES, Document, media_type_of, read_manifest
from budu.hub.registry.fetches import Fetch
from budu.hub.registry.hashing import CountedHash
from budu.hub.registry.manifest_rows import Pushed, Stored
from budu.hub.registry.manifest_store import ManifestStore
from budu.hub.registry.platforms import read_platform
from budu.hub.registry.touching import touched
from budu.hub.registry.upstream_client import UpstreamClient
from budu.hub.schema import repositories, tags, upstream_tags
from budu.hub.upsert import insert_into
from budu.spec.digest import Digest

log = logging.getLogger(__name__)
_BACK_OFF_S = 30.0
"""How long an upstream that failed is left alone about a tag."""


class Upstreams:
    """What this process is fetching."""

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        manifests: ManifestStore,
        *,
        folder: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`folder` is for blobs that come; None: the system's temporary one."""
        self._database = database
        self._store = store
        self._manifests = manifests
        self._folder = folder
        self._now = now
        self._client = UpstreamClient()
        self._asking: dict[tuple[str, str], asyncio.Task[Stored]] = {}
        self._fetches: dict[tuple[str, Digest], Fetch] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Break off what is being fetched."""
        tasks = [*self._tasks, *self._asking.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._client.close()

    async def existing(self, repository: Repository) -> Repository:
        """The repository with its row, which is made when it has none."""
        if repository.id:
            return repository
        number = await self._database.write(lambda c: _made(c, repository, self._now()))
        return replace(repository, id=number)

    # Manifests

    async def manifest(self, repository: Repository, reference: str) -> Stored:
        """By tag or digest. Raises: ManifestUnknown; Unavailable when there is no copy either."""
        stored = await self._manifests.find(repository.id, reference)
        checked_at = await self._database.read(lambda c: _checked_at(c, repository.id, reference))
        upstream = _upstream(repository)
        is_fresh = ":" in reference or checked_at > self._now() - upstream.fresh_s
        if stored is not None and is_fresh:
            return stored
        return await self._shared(
            repository.name, reference, lambda: self._asked(repository, reference, stored)
        )

    async def _shared(
        self, name: str, reference: str, ask: Callable[[], Coroutine[None, None, Stored]]
    ) -> Stored:
        key = (name, reference)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.ensure_future(ask())
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _asked(self, repository: Repository, reference: str, stored: Stored | None) -> Stored:
        try:
            return await self._renewed(repository, reference, stored)
        except NotFound:
            if stored is not None and ":" not in reference:
                await self._database.write(lambda c: _drop_tag(c, repository.id, reference))
            raise manifest_rows.unknown(reference) from None
        except Unavailable as error:
            if stored is None:
                raise
            log.warning("an upstream failed, its copy is served: %s", error)
            await self._checked(repository, reference, back_off=True)
            return stored

    async def _renewed(
        self, repository: Repository, reference: str, stored: Stored | None
    ) -> Stored:
        upstream, name = _upstream(repository), upstream_name(repository)
        path = f"manifests/{reference}"
        if stored is not None:
            async with self._client.asked(upstream, "HEAD", name, path) as answer:
                if answer.headers.get("Docker-Content-Digest") == stored.digest:
                    await self._checked(repository, reference)
                    return stored
        async with self._client.asked(upstream, "GET", name, path) as answer:
            body = await _limited(answer)
            media_type = media_type_of(answer.headers.get("Content-Type", ""))
        digest = Digest.of(body)
        if ":" in reference and reference != digest:
            raise Unavailable(f"the upstream sent another manifest than {reference}")
        document = read_manifest(media_type, body)
        repository = await self.existing(repository)
        tag = None if ":" in reference else reference
        await self._keep(repository, digest, body, document, tag)
        return Stored(digest, document.media_type, body)

    async def _keep(
        self,
        repository: Repository,
        digest: Digest,
        body: bytes,
        document: Document,
        tag: str | None,
    ) -> None:
        pushed = Pushed(repository.id, digest, body, document, tag, self._now())
        if document.config is not None:  # another repository may have it already
            size = await self._store.size(document.config)
            platform = await read_platform(self._store, document.config, size) if size else ""
            pushed = pushed._replace(platform=platform)

        def change(connection: Connection) -> None:
            manifest_rows.keep(connection, pushed)
            if tag is not None:
                _check_tag(connection, repository.id, tag, pushed.now)

        await self._database.write(change)

    async def _checked(self, repository: Repository, tag: str, *, back_off: bool = False) -> None:
        now, fresh_s = self._now(), _upstream(repository).fresh_s
        at = now - max(0.0, fresh_s - _BACK_OFF_S) if back_off else now
        await self._database.write(lambda c: _check_tag(c, repository.id, tag, at))

    # Blobs

    async def size(self, repository: Repository, digest: Digest) -> int | None:
        """Of a blob that the upstream has; None when it does not say. Raises: NotFound."""
        path = f"blobs/{digest}"
        name = upstream_name(repository)
        async with self._client.asked(_upstream(repository), "HEAD", name, path) as answer:
            return answer.content_length

    async def take_stored(self, repository: Repository, digest: Digest) -> bool:
        """Show a blob that is stored for another repository, when a copied manifest names it."""
        size = await self._store.size(digest)
        if size is None:
            return False
        now = self._now()
        if not await self._database.write(lambda c: _take(c, repository.id, digest, now)):
            return False
        await self._tell_platform(repository, digest, size)
        return True

    async def fetch(self, repository: Repository, digest: Digest) -> Fetch:
        """The blob on its way, held for the caller; who asks first sets it off.

        Raises: NotFound, Unavailable.
        """
        key = (repository.name, digest)
        fetch = self._fetches.get(key)
        if fetch is None:
            fetch = self._fetches[key] = Fetch(digest, self._folder)
            task = asyncio.create_task(self._fetched(repository, fetch), name=f"fetch {digest}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        fetch.hold()
        try:
            await fetch.started.wait()
            fetch.check()
        except BaseException:
            fetch.release()
            raise
        return fetch

    async def _fetched(self, repository: Repository, fetch: Fetch) -> None:
        """Receive and store. What goes wrong is the readers' to answer."""
        path = f"blobs/{fetch.digest}"
        name = upstream_name(repository)
        fetch.hold()
        try:
            async with self._client.asked(_upstream(repository), "GET", name, path) as answer:
                await fetch.receive(answer)
            await self._stored(await self.existing(repository), fetch)
        except BuduError as error:
            log.info("a fetch failed: %s", error)
            fetch.fail(error)
        finally:
            fetch.fail(Unavailable("the fetch was broken off"))
            self._fetches.pop((repository.name, fetch.digest), None)
            fetch.release()

    async def _stored(self, repository: Repository, fetch: Fetch) -> None:
        digest = fetch.digest
        await touched(self._database, digest, fetch.received, self._now)
        upload = await self._store.begin()
        await self._store.append(upload, 0, fetch.read(0, None), CountedHash())
        await self._store.commit(upload, digest)
        now = self._now()
        await self._database.write(lambda c: blob_rows.link(c, repository.id, digest, now))
        await self._tell_platform(repository, digest, fetch.received)

    async def _tell_platform(self, repository: Repository, digest: Digest, size: int) -> None:
        """What came may be the config that a copied manifest waits for."""
        waits = await self._database.read(lambda c: platforms.waits_for(c, repository.id, digest))
        platform = await read_platform(self._store, digest, size) if waits else ""
        if platform:
            await self._database.write(lambda c: platforms.tell(c, repository.id, digest, platform))

    # Tags

    async def tags(self, repository: Repository, query: str) -> tuple[bytes, str]:
        """A page of the upstream's list and its Link. Raises: NotFound, Unavailable."""
        path = f"tags/list?{query}" if query else "tags/list"
        name = upstream_name(repository)
        async with self._client.asked(_upstream(repository), "GET", name, path) as answer:
            return await _limited(answer), answer.headers.get("Link", "")


def upstream_name(repository: Repository) -> str:
    """What the upstream calls it: the name without our account."""
    return repository.name.partition("/")[2]


def _upstream(repository: Repository) -> Upstream:
    assert repository.upstream is not None  # callers looked
    return repository.upstream


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > MAX_BYTES:
            raise Unavailable(f"the upstream sent more than {MAX_BYTES} bytes")
    return bytes(body)


def _checked_at(connection: Connection, repository: int, tag: str) -> float:
    query = sa.select(upstream_tags.c.checked_at).where(
        upstream_tags.c.repository_id == repository, upstream_tags.c.name == tag
    )
    return connection.execute(query).scalar() or 0.0


def _check_tag(connection: Connection, repository: int, tag: str, at: float) -> None:
    insert = insert_into(connection, upstream_tags).values(
        repository_id=repository, name=tag, checked_at=at
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["repository_id", "name"], set_={"checked_at": at}
        )
    )


def _drop_tag(connection: Connection, repository: int, tag: str) -> None:
    for table in (tags, upstream_tags):
        where = (table.c.repository_id == repository, table.c.name == tag)
        connection.execute(sa.delete(table).where(*where))


def _made(connection: Connection, repository: Repository, now: float) -> int:
    insert = insert_into(connection, repositories).values(
        account_id=repository.account_id,
        name=repository.name,
        categories=[],
        synonyms=[],
        created_at=now,
        updated_at=now,
    )
    connection.execute(insert.on_conflict_do_nothing())
    query = sa.select(repositories.c.id).where(repositories.c.name == repository.name)
    return int(connection.execute(query).scalar_one())


def _take(connection: Connection, repository: int, digest: Digest, now: float) -> bool:
    if not blob_rows.is_named(connection, repository, digest):
        return False
    if not blob_rows.renew(connection, digest, now):
        return False
    blob_rows.link(connection, repository, digest, now)
    return True
