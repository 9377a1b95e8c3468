"""Background tasks of a service: those that must not end with one of them, and work in rounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from budu.base.errors import BuduError

log = logging.getLogger(__name__)
T = TypeVar("T")


class SteadyTasks(asyncio.TaskGroup):
    """A task group whose tasks may fail: the failure is logged, the others go on.

    Results are for nobody: a task that failed has None.
    """

    def create_task(  # type: ignore[override]  # coroutines alone, no generators
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """Run a coroutine in the background."""
        return super().create_task(_guarded(coro, name), name=name, context=context)  # type: ignore[arg-type]  # None after a failure


async def _guarded(coro: Coroutine[Any, Any, T], name: str | None) -> T | None:
    try:
        return await coro
    except Exception:  # the edge of every background task
        log.exception("a background task failed task=%s", name)
        return None


class Rounds:
    """Work that is done again and again; a round that fails is logged, and the next one comes.

    Failures are errors of ours and of the system; anything else is a bug, and ends the rounds with
    its traceback in the log.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        pause_s: float,
        waits_first: bool = False,
    ) -> None:
        self._name = name
        self._work = work
        self._pause_s = pause_s
        self._waits_first = waits_first
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with a round or with a pause. Needs a running event loop."""
        self._task = asyncio.create_task(_guarded(self._run(), self._name), name=self._name)

    async def stop(self) -> None:
        """End; the step under way is over when this returns."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        if self._waits_first:
            await asyncio.sleep(self._pause_s)
        while True:
            try:
                await self._work()
            except (BuduError, OSError) as error:
                log.warning("%s: %s", self._name, error)
            await asyncio.sleep(self._pause_s)
