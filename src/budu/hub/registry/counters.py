"""Pulls, gathered in the process and written once a second.

A pull is a GET of a manifest. An index and the image it leads to are one pull: what an index of the
repository names is not counted, but its last use is noted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import BuduError
from budu.hub.database import Database
from budu.hub.schema import manifest_references, manifests, pulls, repositories, tags
from budu.hub.upsert import insert_into
from budu.spec.digest import Digest

log = logging.getLogger(__name__)
INTERVAL_S = 1.0
"""Between two writes."""
_MOST = 100_000
"""Different manifests that are remembered while the database is away."""


class _Pulled(NamedTuple):
    repository: int
    digest: Digest


class Counters:
    """What this process has counted and not written yet."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], float] = time.time,
        told: Callable[[Connection, int, Digest], None] = lambda *_: None,
    ) -> None:
        """`told` is called once a second for each manifest that was pulled, in the transaction that
        writes."""
        self._database = database
        self._now = now
        self._told = told
        self._pulled: Counter[_Pulled] = Counter()

    def pulled(self, repository: int, digest: Digest) -> None:
        """A manifest was read."""
        if len(self._pulled) < _MOST:
            self._pulled[_Pulled(repository, digest)] += 1

    async def run(self) -> None:
        """Write every second until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(INTERVAL_S)
                await self._flushed_or_kept()
        finally:
            await asyncio.shield(self._flushed_or_kept())

    async def _flushed_or_kept(self) -> None:
        try:
            await self.flush()
        except BuduError as error:
            log.warning("pulls could not be written, they are kept: %s", error)

    async def flush(self) -> None:
        """Write now. When that fails the counts are kept. Raises: Unavailable."""
        if not self._pulled:
            return
        pulled, self._pulled = self._pulled, Counter()
        try:
            await self._database.write(lambda c: self._write(c, pulled))
        except BaseException:
            self._pulled.update(pulled)
            raise

    def _write(self, connection: Connection, pulled: Counter[_Pulled]) -> None:
        now = self._now()
        totals: Counter[int] = Counter()
        for (repository, digest), count in sorted(pulled.items()):
            _used(connection, repository, digest, now)
            if not _is_child(connection, repository, digest):
                totals[repository] += count
                self._told(connection, repository, digest)
        day = time.strftime("%Y-%m-%d", time.gmtime(now))
        for repository, count in sorted(totals.items()):
            _add(connection, repository, day, count)


def _used(connection: Connection, repository: int, digest: Digest, now: float) -> None:
    for table in (manifests, tags):
        where = (table.c.repository_id == repository, table.c.digest == str(digest))
        connection.execute(sa.update(table).where(*where).values(pulled_at=now))


def _is_child(connection: Connection, repository: int, digest: Digest) -> bool:
    query = sa.select(sa.literal(1)).where(
        manifest_references.c.repository_id == repository,
        manifest_references.c.digest == str(digest),
        manifest_references.c.kind == "manifest",
    )
    return connection.execute(query.limit(1)).first() is not None


def _add(connection: Connection, repository: int, day: str, count: int) -> None:
    change = sa.update(repositories).where(repositories.c.id == repository)
    more = change.values(pulls=repositories.c.pulls + count)
    if connection.execute(more).rowcount == 0:  # deleted meanwhile
        return
    insert = insert_into(connection, pulls).values(repository_id=repository, day=day, count=count)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["repository_id", "day"], set_={"count": pulls.c.count + count}
        )
    )
