"""Work that a dead server can hold up for minutes, away from the threads that everybody shares.

Those are few: mounts of a handful of volumes would hold up all else that the engine does, and its
end, which waits for them. These threads end with the process, in whatever they are.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def apart(work: Callable[[], T]) -> T:
    """The result of `work`, from a thread of its own. It goes on when the caller is cancelled."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # the edge of this thread: the caller gets it
            outcome.set_exception(error)

    threading.Thread(target=run, name="volume", daemon=True).start()
    return await asyncio.wrap_future(outcome)
