"""The repositories as the search sees them, kept in memory for a second.

A hub has thousands of them at most: reading them all takes as long as one clever query, and the
order of results stays a pure function.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.hub.database import Database
from budu.hub.repositories.facts import JOINED, LISTED
from budu.hub.repositories.search import Entry, Found, Wanted, search
from budu.hub.schema import manifests, repositories

FRESH_S = 1.0
_REMEMBERED = 256
"""Searches that are remembered as long as the repositories."""


class Catalog:
    """All public repositories."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: tuple[Entry, ...] = ()
        self._until = 0.0
        self._found: dict[Wanted, Found] = {}
        self.generation = 0
        """Grows when this process changes something about repositories."""
        self._lock = asyncio.Lock()

    async def public(self) -> tuple[Entry, ...]:
        """Every public repository, at most a second old."""
        async with self._lock:
            if time.monotonic() >= self._until:
                is_public = sa.not_(repositories.c.is_private)
                self._entries = await self._database.read(lambda c: entries(c, is_public))
                self._until = time.monotonic() + FRESH_S
                self._found.clear()
            return self._entries

    async def found(self, wanted: Wanted) -> Found:
        """What fits among the public repositories; the same question is answered once a second."""
        entries = await self.public()
        known = self._found.get(wanted)
        if known is None:
            known = search(entries, wanted)
            if len(self._found) < _REMEMBERED:
                self._found[wanted] = known
        return known

    def forget(self) -> None:
        """Something was changed by this process: read again."""
        self._until = 0.0
        self.generation += 1


def entries(connection: Connection, where: sa.ColumnElement[bool]) -> tuple[Entry, ...]:
    """The repositories that a condition selects."""
    rows = connection.execute(sa.select(*LISTED).select_from(JOINED).where(where)).all()
    platforms = _platforms(connection, [row.id for row in rows])
    return tuple(_entry(row, platforms.get(row.id, set())) for row in rows)


def _platforms(connection: Connection, ids: Collection[int]) -> dict[int, set[str]]:
    """The platforms of each repository's manifests."""
    query = sa.select(manifests.c.repository_id, manifests.c.platform).where(
        manifests.c.platform != ""
    )
    if len(ids) < 500:
        query = query.where(manifests.c.repository_id.in_(ids))
    found: dict[int, set[str]] = defaultdict(set)
    for repository_id, platform in connection.execute(query.distinct()):
        found[repository_id].add(platform)
    return found


def _entry(row: Row[Any], platforms: set[str]) -> Entry:
    parts = [platform.split("/") for platform in platforms]
    return Entry(
        name=row.name,
        publisher=row.publisher,
        summary=row.summary,
        summary_ko=row.summary_ko,
        product=row.product,
        is_official=row.is_official,
        is_verified=row.is_verified,
        is_private=row.is_private,
        stars=row.stars,
        pulls=row.pulls,
        updated_at=row.updated_at,
        pushed_at=row.pushed_at,
        categories=tuple(row.categories or ()),
        synonyms=tuple(row.synonyms or ()),
        architectures=tuple(sorted({part[1] for part in parts if len(part) > 1})),
        systems=tuple(sorted({part[0] for part in parts})),
    )
