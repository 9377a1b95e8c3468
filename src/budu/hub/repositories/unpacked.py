"""What layers take when they are unpacked: measured once, when a tag's page first shows them.

A manifest tells only packed sizes, and no field of a packed stream can be believed about the rest.
So a layer is unpacked into nothing, one at a time and beside everything else; what came out is kept
with the blob. One that can't be unpacked is not tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.archive.compression import decompress
from budu.base.errors import BuduError, DataLoss, NotFound, ResourceExhausted
from budu.hub.blobs.contract import BlobStore
from budu.hub.database import Database
from budu.hub.schema import blob_links, blobs
from budu.spec.digest import Digest

log = logging.getLogger(__name__)
UNPACKS_NOT = -1
"""Stands in the database for a blob that can't be unpacked."""
_MOST_WAITING = 1000


class Unpacking:
    """The layers that this process will measure."""

    def __init__(self, database: Database, store: BlobStore) -> None:
        self._database = database
        self._store = store
        self._waiting: dict[Digest, None] = {}
        self._wake = asyncio.Event()

    def want(self, digests: Collection[Digest]) -> None:
        """Measure these, some time soon."""
        for digest in digests:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.setdefault(digest)
        self._wake.set()

    async def run(self) -> None:
        """Measure what is wanted, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                digest = next(iter(self._waiting))
                try:
                    await self._measured(digest)
                except BuduError as error:  # the database or the store is away: asked again later
                    log.warning("a layer is not measured: %s", error)
                finally:
                    del self._waiting[digest]

    async def _measured(self, digest: Digest) -> None:
        try:
            size = await measure(self._store, digest)
        except (DataLoss, ResourceExhausted):
            size = UNPACKS_NOT
        except NotFound:  # swept meanwhile
            return
        change = sa.update(blobs).where(blobs.c.digest == str(digest)).values(unpacked_bytes=size)
        await self._database.write(lambda c: c.execute(change).rowcount)


async def measure(store: BlobStore, digest: Digest) -> int:
    """The unpacked size of a blob. Raises: DataLoss, ResourceExhausted (a bomb), NotFound."""
    loop = asyncio.get_running_loop()
    pieces = store.read(digest)
    try:
        return await asyncio.to_thread(
            lambda: sum(len(piece) for piece in decompress(_pulled(pieces, loop)))
        )
    finally:
        if isinstance(pieces, AsyncGenerator):  # broken off in the middle: the file is let go now
            await pieces.aclose()


def _pulled(pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """The pieces in another thread than the loop's."""

    async def following() -> bytes:
        return await anext(pieces, b"")

    while piece := asyncio.run_coroutine_threadsafe(following(), loop).result():
        yield piece


def known(
    connection: Connection, repository_id: int, digests: Collection[str]
) -> Mapping[str, int | None]:
    """What is known of blobs that the repository shows: their unpacked size, None where nobody has
    measured it, `UNPACKS_NOT`."""
    joined = sa.join(blobs, blob_links, blobs.c.digest == blob_links.c.digest)
    query = (
        sa.select(blobs.c.digest, blobs.c.unpacked_bytes)
        .select_from(joined)
        .where(blob_links.c.repository_id == repository_id, blobs.c.digest.in_(digests))
    )
    return {row[0]: row[1] for row in connection.execute(query)}
