"""Progress between the work and a client that may be slow. Used by pull and import."""

from __future__ import annotations

import asyncio
from collections import deque

from budu.distribution.progress import PullEvent, PullSummary


class ProgressQueue:
    """Progress on its way to the client. A step that only moved on replaces its last report, so
    that the queue is bounded by layers times steps however slow the client is."""

    def __init__(self) -> None:
        self._events: deque[PullEvent | PullSummary] = deque()
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, event: PullEvent | PullSummary) -> None:
        """Takes a report."""
        for at in range(len(self._events) - 1, -1, -1):
            if _same_step(self._events[at], event):
                self._events[at] = event
                break
        else:
            self._events.append(event)
        self._wake.set()

    def end(self) -> None:
        """No more reports will come."""
        self._ended = True
        self._wake.set()

    async def take(self) -> list[PullEvent | PullSummary]:
        """All reports that wait, at least one; none at the end."""
        while not self._events and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        taken = list(self._events)
        self._events.clear()
        return taken


def _same_step(old: PullEvent | PullSummary, new: PullEvent | PullSummary) -> bool:
    if isinstance(old, PullSummary) or isinstance(new, PullSummary):
        return type(old) is type(new)
    return bool(new.total) and (old.id, old.status) == (new.id, new.status)
