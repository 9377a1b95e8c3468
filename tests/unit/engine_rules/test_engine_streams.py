"""Bytes between the loop and threads: order, back-pressure, and ends from either side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from budu.engine.streams import MAX_BYTES, MadeInThread, ReaderGone, ThreadResult, used_in_thread

PIECE = bytes(256 << 10)


async def collect(made: MadeInThread) -> bytes:
    return b"".join([piece async for piece in made])


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for each in given:
        yield each


async def test_small_pieces_arrive_together_and_in_order() -> None:
    def work(write: Callable[[bytes], None]) -> None:
        for number in range(1000):
            write(b"%d," % number)

    made = MadeInThread("test", work)
    await made.ready()
    got = [piece async for piece in made]
    assert len(got) == 1
    assert b"".join(got) == b"".join(b"%d," % number for number in range(1000))


async def test_a_failure_comes_behind_what_was_written() -> None:
    def work(write: Callable[[bytes], None]) -> None:
        write(PIECE)
        raise ValueError("broken")

    made = MadeInThread("test", work)
    await made.ready()
    assert await made.__anext__() == PIECE
    with pytest.raises(ValueError, match="broken"):
        await made.__anext__()


async def test_a_failure_before_the_first_byte_is_told_at_once() -> None:
    def work(_: Callable[[bytes], None]) -> None:
        raise FileNotFoundError("nothing")

    made = MadeInThread("test", work)
    with pytest.raises(FileNotFoundError):
        await made.ready()


async def test_a_writer_waits_for_a_slow_reader() -> None:
    written = 0
    full = threading.Event()

    def work(write: Callable[[bytes], None]) -> None:
        nonlocal written
        for _ in range(100):
            write(PIECE)
            written += len(PIECE)
            if written >= MAX_BYTES:
                full.set()

    made = MadeInThread("test", work)
    assert await asyncio.to_thread(full.wait, 20)
    assert written <= MAX_BYTES + len(PIECE)
    assert len(await collect(made)) == 100 * len(PIECE)


async def test_a_writer_hears_that_nobody_reads() -> None:
    heard: list[type[BaseException]] = []

    def work(write: Callable[[bytes], None]) -> None:
        try:
            while True:
                write(PIECE)
        except ReaderGone as error:
            heard.append(type(error))
            raise

    made = MadeInThread("test", work)
    await made.ready()
    await made.aclose()
    await made.aclose()
    assert heard == [ReaderGone]


async def test_a_thread_uses_what_the_loop_feeds() -> None:
    def work(chunks: Iterator[bytes]) -> int:
        return sum(map(len, chunks))

    many = [PIECE] * 64
    assert await used_in_thread("test", pieces(*many), work) == 64 * len(PIECE)


async def test_a_reader_may_stop_early() -> None:
    def work(chunks: Iterator[bytes]) -> bytes:
        return next(chunks)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield PIECE
            await asyncio.sleep(0)

    assert await used_in_thread("test", endless(), work) == PIECE


async def test_what_the_reader_raises_comes_out() -> None:
    def work(chunks: Iterator[bytes]) -> None:
        next(chunks)
        raise ValueError("hostile")

    with pytest.raises(ValueError, match="hostile"):
        await used_in_thread("test", pieces(*[PIECE] * 100), work)


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_body_that_breaks_off_ends_the_reader(cancelled: bool) -> None:
    ended: list[type[BaseException]] = []
    began = asyncio.Event()

    def work(chunks: Iterator[bytes]) -> None:
        try:
            for _ in chunks:
                continue
        except ReaderGone as error:
            ended.append(type(error))
            raise

    async def body() -> AsyncIterator[bytes]:
        yield PIECE
        began.set()
        if not cancelled:
            raise ConnectionResetError
        await asyncio.Event().wait()

    task = asyncio.create_task(used_in_thread("test", body(), work))
    await began.wait()
    if cancelled:
        task.cancel()
    with pytest.raises(asyncio.CancelledError if cancelled else ConnectionResetError):
        await task
    assert ended == [ReaderGone]


async def test_a_result_that_nobody_waits_for_is_disposed_of() -> None:
    go = threading.Event()
    disposed: asyncio.Queue[str] = asyncio.Queue()

    def work() -> str:
        go.wait(20)
        return "made"

    thread = ThreadResult("test", work)
    waiting = asyncio.create_task(thread.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    thread.abandon(disposed.put_nowait)
    go.set()
    assert await disposed.get() == "made"
