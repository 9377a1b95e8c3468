"""Work that several callers want and that is done once.

A flight belongs to all who wait for it: it is cancelled when the last of them has gone, not when
the one who began it goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol


class Emit(Protocol):
    """Takes a step of a flight: Docker's status, bytes done and to do."""

    def __call__(self, status: str, current: int = 0, total: int = 0) -> None:
        """Called in the event loop; must not block."""


Work = Callable[[Emit], Coroutine[None, None, None]]


class Flights:
    """The flights under way, by key. For one event loop."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    async def join(self, key: str, work: Work, listener: Emit) -> None:
        """Take part in the flight `key`, starting `work` when there is none.

        Ends and fails as the work does. Cancelling the last one who waits cancels the work, and
        returns when its clean-up is done.
        """
        while (flight := self._flights.get(key)) is not None and flight.is_ending:
            await asyncio.wait([flight.task])
        if flight is None:
            flight = self._start(key, work)
        flight.add(listener)
        try:
            await asyncio.shield(flight.task)
        finally:
            await flight.leave(listener)

    def _start(self, key: str, work: Work) -> _Flight:
        flight = _Flight(work, name=f"fetch {key}")
        self._flights[key] = flight

        def landed(task: asyncio.Task[None]) -> None:
            del self._flights[key]
            if not task.cancelled():
                task.exception()

        flight.task.add_done_callback(landed)
        return flight


class _Flight:
    """One piece of work and those who wait for it."""

    def __init__(self, work: Work, *, name: str) -> None:
        self._listeners: list[Emit] = []
        self._last: tuple[str, int, int] | None = None
        self.is_ending = False
        self.task = asyncio.create_task(work(self._emit), name=name)

    def add(self, listener: Emit) -> None:
        """Tell `listener` what is, and from now on what happens."""
        self._listeners.append(listener)
        if self._last is not None:
            listener(*self._last)

    async def leave(self, listener: Emit) -> None:
        """Forget `listener`; end the work when it was the last."""
        self._listeners.remove(listener)
        if self._listeners or self.task.done():
            return
        self.is_ending = True
        self.task.cancel()
        await finish(asyncio.wait([self.task]))

    def _emit(self, status: str, current: int = 0, total: int = 0) -> None:
        self._last = (status, current, total)
        for listener in tuple(self._listeners):
            listener(status, current, total)


async def finish(work: Awaitable[object]) -> None:
    """Wait for `work` to its end, also when the caller is cancelled meanwhile.

    The cancellation is raised afterwards. For clean-up that is bounded by itself.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    if cancelled is not None:
        raise cancelled
    await task
