"""What a build tells its client: line by line, or, when it is quiet, only at the end."""

from __future__ import annotations

from collections import deque

from budu.api.errors import language_of
from budu.api.http.request import Request
from budu.api.http.response import StreamResponse
from budu.api.views.builds import build_line, failure_line, text_line
from budu.base.errors import BuduError
from budu.distribution.progress import PullEvent
from budu.engine.contract.builds import BuildEvent

_KEPT_BYTES = 16 << 20


class BuildTeller:
    """The lines of one build on their way. A slow client slows the build: nothing is stored up."""

    def __init__(self, request: Request, *, is_quiet: bool) -> None:
        self._request = request
        self._kept = KeptLines() if is_quiet else None
        self._stream: StreamResponse | None = None

    @property
    def has_told(self) -> bool:
        """Whether a failure can no longer become an HTTP status."""
        return self._stream is not None or bool(self._kept)

    async def tell(self, event: BuildEvent) -> None:
        """See `BuildSink`. Raises: ClientGone."""
        if self._kept is None:
            await self._write(build_line(event))
        elif not (isinstance(event, PullEvent) and event.total):
            # of a bar only the end is worth keeping, and that has a line of its own
            self._kept.add(build_line(event))

    async def succeed(self, image_id: str) -> StreamResponse:
        """Ends the answer; a quiet build says what it made."""
        if self._kept is not None:
            await self._write(text_line(f"{image_id}\n"))
        return self._answer()

    async def fail(self, error: BuduError) -> StreamResponse:
        """Ends the answer with the reason; a quiet build says first what it did not say before."""
        for line in self._kept.take() if self._kept is not None else ():
            await self._write(line)
        await self._write(failure_line(error, language_of(self._request)))
        return self._answer()

    def _answer(self) -> StreamResponse:
        self._stream = self._stream or self._request.stream()
        return self._stream

    async def _write(self, line: bytes) -> None:
        await self._answer().write(line)


class KeptLines:
    """Lines that are told only if the build fails: all of them, or the last `limit` bytes."""

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._limit = limit
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._left_out = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: bytes) -> None:
        """One more line."""
        self._lines.append(line)
        self._size += len(line)
        while self._size > self._limit and len(self._lines) > 1:
            gone = len(self._lines.popleft())
            self._size -= gone
            self._left_out += gone

    def take(self) -> list[bytes]:
        """The lines, preceded by one that says how much is missing."""
        missing = f"[the first {self._left_out} bytes of the output are left out]\n"
        return [*((text_line(missing),) if self._left_out else ()), *self._lines]
