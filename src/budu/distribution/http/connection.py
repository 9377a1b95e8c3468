"""One connection to a server: a request, its answer, the next request …

The body of a request is sent while its answer is waited for, because a server may refuse early.
Bytes of an answer wait for their reader up to a limit; then the socket is not read further.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

from budu.distribution.http.answer import AnswerHead, AnswerParser
from budu.distribution.http.failures import ExchangeFailed, cut_off, silent

_HELD_BYTES = 1 << 20


class Connection(asyncio.Protocol):
    """Made by `dial`; ended by `close`, by the server, or by an exchange that fails."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        """The open socket, with TLS where there is such."""
        self.is_closed = False
        """Whether it is of no more use."""
        self.was_used = False
        """Whether an exchange has ended well on it."""
        self._loop = asyncio.get_running_loop()
        self._parser: AnswerParser | None = None
        self._head: asyncio.Future[AnswerHead] | None = None
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._failure: ExchangeFailed | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._is_slow = False
        self._is_paused = False

    @property
    def is_reusable(self) -> bool:
        """Whether the last answer was read to its end and another request may follow."""
        parser = self._parser
        is_over = parser is None or (parser.is_done and parser.keeps_alive)
        return is_over and not self._pieces and not self.is_closed

    # what callers do

    async def exchange(
        self, method: str, head: bytes, *, body: AsyncIterator[bytes] | None, idle_s: float
    ) -> AnswerHead:
        """Send a request; `body` has its bytes already framed. The head of the answer.

        Raises: ExchangeFailed; what `body` raises.
        """
        self._failure, self._pieces, self._held = None, deque(), 0
        self._head = self._loop.create_future()
        self._head.add_done_callback(_retrieve)
        self._parser = AnswerParser(method, on_head=self._head.set_result, on_body=self._keep)
        if self.is_closed:
            raise cut_off(within_body=False)
        self.transport.write(head)
        try:
            if body is not None:
                await self._send(body, idle_s)
            async with asyncio.timeout(idle_s):
                answer = await asyncio.shield(self._head)
        except TimeoutError:
            self.close()
            raise silent() from None
        except BaseException:
            self.close()
            raise
        self.was_used = True
        return answer

    async def read(self, idle_s: float) -> bytes:
        """The next bytes of the answer; `b""` at its end. One reader only.

        Raises: ExchangeFailed when it breaks off, after the bytes before.
        """
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self._parser is None or self._parser.is_done:
                return b""
            await self._wait(idle_s)
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._is_paused and self._held <= _HELD_BYTES // 2 and not self.is_closed:
            self._is_paused = False
            self.transport.resume_reading()
        return piece

    def close(self) -> None:
        """End it at once. Idempotent."""
        self.is_closed = True
        self.transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._parser is None:
            self.close()  # nobody asked
            return
        try:
            self._parser.feed(data)
        except ExchangeFailed as failure:
            self._fail(failure)
            self.close()
        if self._held > _HELD_BYTES and not (self._is_paused or self.is_closed):
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The server sends no more."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._end(exc)
        self.resume_writing()

    def pause_writing(self) -> None:
        """The server takes less than is sent."""
        self._is_slow = True

    def resume_writing(self) -> None:
        """It caught up, or is gone."""
        self._is_slow = False
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    # inside

    async def _send(self, body: AsyncIterator[bytes], idle_s: float) -> None:
        """Send the body, or as much of it as the server wants before it answers."""
        assert self._head is not None
        sending = asyncio.ensure_future(self._send_all(body, idle_s))
        try:
            await asyncio.wait((sending, self._head), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
            elif self._parser is not None:
                self._parser.keeps_alive = False
        finally:
            if not sending.done():
                sending.cancel()
                await asyncio.wait((sending,))

    async def _send_all(self, body: AsyncIterator[bytes], idle_s: float) -> None:
        async for piece in body:
            if self.is_closed:
                return  # the answer tells why
            self.transport.write(piece)
            while self._is_slow and not self.is_closed:
                self._writer = self._loop.create_future()
                async with asyncio.timeout(idle_s):
                    await self._writer

    async def _wait(self, idle_s: float) -> None:
        self._reader = self._loop.create_future()
        try:
            async with asyncio.timeout(idle_s):
                await self._reader
        except TimeoutError:
            self.close()
            raise silent() from None
        finally:
            self._reader = None

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._held += len(piece)

    def _end(self, error: Exception | None) -> None:
        self.is_closed = True
        if self._parser is None:
            return
        self._parser.feed_eof()
        if not self._parser.is_done:
            self._fail(cut_off(error, within_body=self._parser.has_head))
        self._wake()

    def _fail(self, failure: ExchangeFailed) -> None:
        self._failure = self._failure or failure
        if self._head is not None and not self._head.done():
            self._head.set_exception(self._failure)
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _retrieve(head: asyncio.Future[AnswerHead]) -> None:
    """A failure that nobody waits for any more is no news."""
    if not head.cancelled():
        head.exception()
