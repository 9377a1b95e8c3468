"""Bytes between the event loop and a thread that makes or uses them, with back-pressure.

    MadeInThread       a thread writes, the loop iterates          (an archive on its way out)
    used_in_thread     the loop feeds, a thread iterates           (an archive on its way in)

File work blocks, so it runs in a thread of its own, never in the loop and never in a shared pool
that a slow disk or a hostile file system could fill up. At most `MAX_BYTES` are under way. When
either side goes away the other one is told: a writer by `ReaderGone`, a reader by the error.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_BYTES = 4 << 20
"""Bytes under way before the faster side waits."""

_GATHER_BYTES = 128 << 10
"""Small pieces are joined up to this size: waking the loop costs more than copying them."""
_END_WAIT_S = 10.0

Write = Callable[[bytes], None]


class ReaderGone(Exception):
    """Nobody wants the bytes any more; ends the work of a thread that writes."""


class ThreadResult(Generic[T]):
    """A thread of its own for one piece of work; the loop may await its end."""

    def __init__(self, name: str, work: Callable[[], T]) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[T] = self._loop.create_future()
        self._future.add_done_callback(_look_at)
        self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], T]) -> None:
        """The edge of the thread: whatever goes wrong belongs to whoever awaits."""
        try:
            result = work()
        except BaseException as error:
            self._tell(self._fail, error)
        else:
            self._tell(self._succeed, result)

    def _tell(self, call: Callable[..., None], what: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(call, what)

    def _succeed(self, result: T) -> None:
        if not self._future.done():
            self._future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self._future.done():
            self._future.set_exception(error)

    @property
    def is_done(self) -> bool:
        """Whether the loop has heard of the end."""
        return self._future.done()

    async def wait(self) -> T:
        """The work's result. Cancelling the wait leaves the work alone."""
        return await asyncio.shield(self._future)

    def abandon(self, dispose: Callable[[T], object]) -> None:
        """Nobody waits any more: a result that still comes is disposed of."""

        def look(future: asyncio.Future[T]) -> None:
            if not future.cancelled() and future.exception() is None:
                dispose(future.result())

        self._future.add_done_callback(look)

    async def settle(self) -> None:
        """Wait until the thread has ended, but not for ever: it may be stuck in the kernel."""
        await asyncio.wait([self._future], timeout=_END_WAIT_S)


def _look_at(future: asyncio.Future[T]) -> None:
    """Marks an exception as seen: whoever wanted it may be gone."""
    if not future.cancelled():
        future.exception()


class _Pipe:
    """Chunks under way, shared by the loop and one thread. All fields belong to `changed`."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.chunks: deque[bytes] = deque()
        self.held = 0
        self.is_ended = False
        self.failure: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None

    def wake_loop(self) -> None:
        """Lets the loop look again. With `changed` held."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(_resolve, waiter)

    def loop_waiter(self) -> asyncio.Future[None]:
        """What the loop awaits until `wake_loop`. With `changed` held."""
        self._waiter = self._loop.create_future()
        return self._waiter


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class MadeInThread:
    """The bytes that `work` writes in a thread, in pieces; an asynchronous iterator.

    What `work` raises is raised here behind the last piece. `aclose` ends the work early: its next
    write raises `ReaderGone`.
    """

    def __init__(self, name: str, work: Callable[[Write], None]) -> None:
        self._pipe = _Pipe()
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._thread = ThreadResult(name, lambda: self._run(work))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        pipe = self._pipe
        while True:
            with pipe.changed:
                if pipe.chunks:
                    chunk = pipe.chunks.popleft()
                    pipe.held -= len(chunk)
                    pipe.changed.notify_all()
                    return chunk
                if pipe.is_ended:
                    break
                waiter = pipe.loop_waiter()
            await waiter
        await self._thread.wait()
        raise StopAsyncIteration

    async def ready(self) -> None:
        """Waits for the first piece. Raises: what `work` raised before it wrote any."""
        pipe = self._pipe
        while True:
            with pipe.changed:
                if pipe.chunks:
                    return
                if pipe.is_ended:
                    break
                waiter = pipe.loop_waiter()
            await waiter
        await self._thread.wait()

    async def aclose(self) -> None:
        """Ends the work and waits for its end; idempotent."""
        with self._pipe.changed:
            self._pipe.failure = ReaderGone()
            self._pipe.chunks.clear()
            self._pipe.changed.notify_all()
        await self._thread.settle()

    def _run(self, work: Callable[[Write], None]) -> None:
        try:
            work(self._gather)
            self._put()
        finally:
            with self._pipe.changed:
                self._pipe.is_ended = True
                self._pipe.wake_loop()

    def _gather(self, piece: bytes) -> None:
        self._gathered.append(piece)
        self._gathered_bytes += len(piece)
        if self._gathered_bytes >= _GATHER_BYTES:
            self._put()

    def _put(self) -> None:
        chunk = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
        self._gathered, self._gathered_bytes = [], 0
        pipe = self._pipe
        with pipe.changed:
            while pipe.held >= MAX_BYTES and pipe.failure is None:
                pipe.changed.wait()
            if pipe.failure is not None:
                raise pipe.failure
            if chunk:
                pipe.chunks.append(chunk)
                pipe.held += len(chunk)
                pipe.wake_loop()


async def used_in_thread(
    name: str, body: AsyncIterator[bytes], work: Callable[[Iterator[bytes]], T]
) -> T:
    """What `work` returns, a thread that iterates over the bytes of `body`.

    `work` need not read to the end: the rest of `body` is not read then, either. What breaks
    `body` off, cancellation included, is raised to `work`, and here when the thread has ended.
    """
    pipe = _Pipe()
    thread = ThreadResult(name, lambda: _use(pipe, work))
    try:
        async for chunk in body:
            if not await _feed(pipe, chunk):
                break
    except BaseException as error:
        _finish(pipe, error)
        await asyncio.shield(asyncio.ensure_future(thread.settle()))
        raise
    _finish(pipe, None)
    return await thread.wait()


async def _feed(pipe: _Pipe, chunk: bytes) -> bool:
    """Passes a chunk on when there is room; False when nobody reads any more."""
    while True:
        with pipe.changed:
            if pipe.is_ended:
                return False
            if pipe.held < MAX_BYTES:
                pipe.chunks.append(chunk)
                pipe.held += len(chunk)
                pipe.changed.notify_all()
                return True
            waiter = pipe.loop_waiter()
        await waiter


def _finish(pipe: _Pipe, failure: BaseException | None) -> None:
    with pipe.changed:
        pipe.failure = failure
        pipe.is_ended = True
        pipe.changed.notify_all()


def _use(pipe: _Pipe, work: Callable[[Iterator[bytes]], T]) -> T:
    try:
        return work(_chunks(pipe))
    finally:
        with pipe.changed:
            pipe.is_ended = True
            pipe.wake_loop()


def _chunks(pipe: _Pipe) -> Iterator[bytes]:
    while True:
        with pipe.changed:
            while not (pipe.chunks or pipe.is_ended):
                pipe.changed.wait()
            if pipe.failure is not None:
                raise ReaderGone from pipe.failure
            if not pipe.chunks:
                return
            chunk = pipe.chunks.popleft()
            pipe.held -= len(chunk)
            pipe.wake_loop()
        yield chunk
