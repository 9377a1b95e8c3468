"""Progress between the work and a client that may be slow. Used by pull, push and import."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine

from budu.api.errors import language_of
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import StreamResponse
from budu.api.views.pull import error_line
from budu.base.errors import BuduError
from budu.distribution.progress import ProgressEvent, ProgressSink, PullEvent, PullSummary


class ProgressQueue:
    """Progress on its way to the client. A step that only moved on replaces its last report, so
    that the queue is bounded by layers times steps however slow the client is."""

    def __init__(self) -> None:
        self._events: deque[ProgressEvent] = deque()
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, event: ProgressEvent) -> None:
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

    async def take(self) -> list[ProgressEvent]:
        """All reports that wait, at least one; none at the end."""
        while not self._events and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        taken = list(self._events)
        self._events.clear()
        return taken


def _same_step(old: ProgressEvent, new: ProgressEvent) -> bool:
    if isinstance(old, PullSummary) or isinstance(new, PullSummary):
        return type(old) is type(new)
    if not (isinstance(old, PullEvent) and isinstance(new, PullEvent)):
        return False
    return bool(new.total) and (old.id, old.status) == (new.id, new.status)


async def told(
    request: Request,
    work: Callable[[ProgressSink], Coroutine[None, None, None]],
    *,
    render: Callable[[ProgressEvent], bytes],
    name: str,
) -> Reply:
    """Runs `work` and streams what it reports; its task ends with the client.

    A failure before the first report is raised, so it gets the real status; after it the status
    200 is out, and the failure is the stream's last line.
    """
    lines = ProgressQueue()
    task = asyncio.create_task(work(lines.put), name=name)
    task.add_done_callback(lambda _: lines.end())
    stream: StreamResponse | None = None
    try:
        while events := await lines.take():
            stream = stream or request.stream()
            await stream.write(b"".join(map(render, events)))
        try:
            await task
        except BuduError as error:
            if stream is None:
                raise
            await stream.write(error_line(error, language_of(request)))
        return stream or request.stream()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
