"""Background tasks of a service that must not end with one of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

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
