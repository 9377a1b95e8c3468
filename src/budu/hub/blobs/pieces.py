"""Streams of bytes cut into pieces of a useful size."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator


async def gathered(data: AsyncIterable[bytes], least: int) -> AsyncIterator[bytes]:
    """Pieces of at least `least` bytes, the last one shorter.

    When `data` breaks off, what came before is given out first and the error raised after it.
    """
    waiting: list[bytes] = []
    size = 0
    failure: Exception | None = None
    try:
        async for piece in data:
            waiting.append(piece)
            size += len(piece)
            if size >= least:
                yield b"".join(waiting)
                waiting, size = [], 0
    except Exception as error:  # raised again below
        failure = error
    if waiting:
        yield b"".join(waiting)
    if failure is not None:
        raise failure
