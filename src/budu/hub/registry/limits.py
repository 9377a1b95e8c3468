"""How many pulls somebody has in a while, told in Docker Hub's headers. Off unless configured.

    RateLimit-Limit: 100;w=21600
    RateLimit-Remaining: 76;w=21600
    Docker-RateLimit-Source: 192.0.2.1

Windows are fixed: they begin with the first pull. A process counts for itself and once a second
adds its counts to the database, where it learns of those of the others; so together they may let
through what comes within a second more than the limit.

Source: docs.docker.com, "Docker Hub pull usage and limits"; IETF draft RateLimit header fields.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import BuduError
from budu.hub.access import Actor
from budu.hub.database import Database
from budu.hub.registry.errors import TooManyRequests
from budu.hub.schema import pull_windows
from budu.hub.upsert import insert_into

log = logging.getLogger(__name__)
INTERVAL_S = 1.0
_ENOUGH = 100_000
"""Sources that are remembered at once; the oldest windows go first."""


@dataclass(frozen=True)
class Limits:
    """Pulls in a window; None: as many as they like."""

    anonymous: int | None = None
    """Of one address."""
    signed_in: int | None = None
    """Of one user; a hub's admin has no limit."""
    window_s: int = 21600


@dataclass
class _Window:
    ends_at: float
    counted: int = 0
    """By all processes, as far as this one knows."""
    fresh: int = 0
    """By this one, not written yet."""


class PullLimits:
    """The windows of everybody who pulled lately."""

    def __init__(
        self,
        database: Database,
        limits: Limits | None = None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self.limits = limits or Limits()
        self._now = now
        self._windows: dict[str, _Window] = {}

    def spend(self, actor: Actor, address: str) -> dict[str, str]:
        """Count a pull; the headers to answer with. Raises: TooManyRequests."""
        limit = self._limit(actor)
        if limit is None:
            return {}
        window = self._window(_source(actor, address))
        if window.counted + window.fresh >= limit:
            wait_s = max(1, math.ceil(window.ends_at - self._now()))
            raise TooManyRequests(
                "You have reached your pull rate limit. Sign in or wait to pull more.",
                retry_after_s=wait_s,
            )
        window.fresh += 1
        return self._headers(actor, address, limit)

    def tell(self, actor: Actor, address: str) -> dict[str, str]:
        """The headers, without counting: what HEAD is answered with."""
        limit = self._limit(actor)
        return {} if limit is None else self._headers(actor, address, limit)

    def _limit(self, actor: Actor) -> int | None:
        if actor.is_admin:
            return None
        return self.limits.anonymous if actor.user_id is None else self.limits.signed_in

    def _headers(self, actor: Actor, address: str, limit: int) -> dict[str, str]:
        window = self._window(_source(actor, address))
        left = max(0, limit - window.counted - window.fresh)
        return {
            "RateLimit-Limit": f"{limit};w={self.limits.window_s}",
            "RateLimit-Remaining": f"{left};w={self.limits.window_s}",
            "Docker-RateLimit-Source": actor.name or address,
        }

    def _window(self, source: str) -> _Window:
        now = self._now()
        window = self._windows.get(source)
        if window is None or window.ends_at <= now:
            self._make_room()
            window = self._windows[source] = _Window(now + self.limits.window_s)
        return window

    def _make_room(self) -> None:
        while len(self._windows) >= _ENOUGH:
            del self._windows[next(iter(self._windows))]

    async def run(self) -> None:
        """Exchange with the other processes every second until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.exchange()
            except BuduError as error:
                log.warning("pull limits could not be written: %s", error)

    async def exchange(self) -> None:
        """Write what was counted, learn what others counted. Raises: Unavailable."""
        now = self._now()
        fresh = {source: w.fresh for source, w in self._windows.items() if w.fresh}
        if not fresh:
            return
        ends = {source: self._windows[source].ends_at for source in fresh}
        totals = await self._database.write(lambda c: _exchange(c, fresh, ends, now))
        for source, (counted, ends_at) in totals.items():
            window = self._windows.get(source)
            if window is not None:
                window.counted, window.ends_at = counted, ends_at
                window.fresh -= fresh[source]


def _source(actor: Actor, address: str) -> str:
    return f"address:{address}" if actor.user_id is None else f"user:{actor.user_id}"


def _exchange(
    connection: Connection, fresh: dict[str, int], ends: dict[str, float], now: float
) -> dict[str, tuple[int, float]]:
    connection.execute(sa.delete(pull_windows).where(pull_windows.c.ends_at <= now))
    totals = {}
    for source, count in sorted(fresh.items()):
        insert = insert_into(connection, pull_windows).values(
            source=source, count=count, ends_at=ends[source]
        )
        more = insert.on_conflict_do_update(
            index_elements=["source"], set_={"count": pull_windows.c.count + count}
        )
        row = connection.execute(more.returning(pull_windows.c.count, pull_windows.c.ends_at)).one()
        totals[source] = (int(row[0]), float(row[1]))
    return totals
