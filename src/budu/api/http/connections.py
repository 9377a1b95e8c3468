"""What the connections of one server share: the handler, the limits, and who is at work.

Neighbours: `protocol` is one connection; `api.server` makes them and ends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec

from budu.api.http.hijack import HijackedStream
from budu.api.http.limits import Limits
from budu.api.http.request import Request
from budu.api.http.response import Response, StreamResponse

Reply = Response | StreamResponse | HijackedStream
Handler = Callable[[Request], Response | Coroutine[Any, Any, Reply]]
"""Answers a request: at once, or with a coroutine, which then gets a task of its own."""


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What all connections of a server share."""

    handler: Handler
    """Answers every request. What it raises cuts the connection and is logged."""
    headers: bytes = b""
    """Rendered header lines that every answer carries."""
    limits: Limits = Limits()
    """Bounds of size and time."""


class OpenConnection(Protocol):
    """A connection as its server sees it. See `protocol.HttpConnection`."""

    def shut_down(self) -> None:
        """Ends at once when idle or streaming, else after the answer at hand."""

    def check(self, now: float) -> None:
        """Looks at the deadlines; `now` is the loop's time."""

    def abort(self) -> None:
        """Cuts the connection."""


class Connections:
    """The connections of one server, and the tasks of all, also of those whose client left."""

    def __init__(self) -> None:
        self.open: set[OpenConnection] = set()
        """Connections whose socket is open."""
        self._tasks: set[asyncio.Task[None]] = set()

    def keep(self, task: asyncio.Task[None]) -> None:
        """Takes the task of a connection until it has ended."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, seconds: float) -> None:
        """Waits until every handler has ended, at most so long."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=seconds)

    def cancel(self) -> None:
        """Cancels every handler and cuts every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        for connection in tuple(self.open):
            connection.abort()
