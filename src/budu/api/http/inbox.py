"""Received bytes waiting for one reader: the body of a request, or a hijacked stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from budu.api.http.limits import ClientGone, HttpFault


class Inbox:
    """A queue of pieces with an end. The connection watches `size` and pauses the socket."""

    __slots__ = ("_ended", "_failure", "_on_taken", "_pieces", "_waiter", "size")

    def __init__(self, on_taken: Callable[[], None]) -> None:
        self.size = 0
        """Bytes held."""
        self._on_taken = on_taken
        self._pieces: deque[bytes] = deque()
        self._ended = False
        self._failure: HttpFault | ClientGone | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether no more bytes will come (those held are still to be read)."""
        return self._ended

    @property
    def drained(self) -> bool:
        """Whether the end came and every byte was read."""
        return self._ended and not self._pieces

    def feed(self, piece: bytes) -> None:
        """More bytes arrived."""
        self._pieces.append(piece)
        self.size += len(piece)
        self._wake()

    def feed_eof(self) -> None:
        """The last byte arrived."""
        self._ended = True
        self._wake()

    def fail(self, failure: HttpFault | ClientGone) -> None:
        """No more bytes will come, and those before are not the whole."""
        if not self._ended:
            self._failure = failure
            self.feed_eof()

    async def read(self) -> bytes:
        """What is there, waiting for something; `b""` at the end. One reader only.

        Raises: HttpFault or ClientGone, after the bytes before it, when the end is not the true
        one.
        """
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return b""
            await self._wait()
        piece = self._pieces.popleft() if len(self._pieces) == 1 else self._take_all()
        self.size -= len(piece)
        self._on_taken()
        return piece

    def _take_all(self) -> bytes:
        piece = b"".join(self._pieces)
        self._pieces.clear()
        return piece

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
