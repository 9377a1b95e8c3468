"""Keeps connections open for the next request of the same way."""

from __future__ import annotations

import asyncio

from budu.distribution.http.connection import Connection
from budu.distribution.http.dial import Way, dial

_MOST = 64
_KEPT_S = 15.0


class Pool:
    """At most so many connections at work at a time; those that rest are closed after a while."""

    def __init__(self, connect_s: float) -> None:
        """`connect_s` is how long each step of opening a connection may take."""
        self._connect_s = connect_s
        self._slots = asyncio.Semaphore(_MOST)
        self._resting: dict[Way, list[tuple[Connection, asyncio.TimerHandle]]] = {}
        self._working: set[Connection] = set()

    async def take(self, way: Way) -> Connection:
        """A connection for one exchange; give it back. Raises: ExchangeFailed."""
        await self._slots.acquire()
        try:
            connection = self._take_resting(way) or await dial(way, self._connect_s)
        except BaseException:
            self._slots.release()
            raise
        self._working.add(connection)
        return connection

    def give_back(self, way: Way, connection: Connection) -> None:
        """End of an exchange: the connection is kept if it can be. Idempotent."""
        if connection not in self._working:
            return
        self._working.remove(connection)
        self._slots.release()
        if not connection.is_reusable:
            connection.close()
            return
        timer = asyncio.get_running_loop().call_later(_KEPT_S, self._drop, way, connection)
        self._resting.setdefault(way, []).append((connection, timer))

    def close(self) -> None:
        """Close every connection."""
        for way, resting in tuple(self._resting.items()):
            for connection, _ in tuple(resting):
                self._drop(way, connection)
        for connection in self._working:
            connection.close()

    def _take_resting(self, way: Way) -> Connection | None:
        resting = self._resting.get(way, [])
        while resting:
            connection, timer = resting.pop()
            timer.cancel()
            if connection.is_reusable:
                return connection
        self._resting.pop(way, None)
        return None

    def _drop(self, way: Way, connection: Connection) -> None:
        """Close one that rests."""
        resting = self._resting.get(way, [])
        for entry in resting:
            if entry[0] is connection:
                entry[1].cancel()
                resting.remove(entry)
                connection.close()
                break
        if not resting:
            self._resting.pop(way, None)
