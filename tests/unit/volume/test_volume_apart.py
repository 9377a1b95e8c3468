"""Work apart from the threads that all share."""

from __future__ import annotations

import asyncio
import threading

import pytest

from budu.volume.apart import apart


async def test_the_result_and_the_error_come_back() -> None:
    assert await apart(lambda: 7) == 7
    with pytest.raises(OSError, match="gone"):
        await apart(_fail)


def _fail() -> None:
    raise OSError("gone")


async def test_much_of_it_holds_nobody_up() -> None:
    over = threading.Event()
    waiting = [asyncio.create_task(apart(over.wait)) for _ in range(64)]
    assert await asyncio.to_thread(lambda: "here") == "here"
    over.set()
    assert await asyncio.gather(*waiting) == [True] * 64


async def test_who_waits_can_be_cancelled() -> None:
    over = threading.Event()
    waiting = asyncio.create_task(apart(over.wait))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    over.set()
