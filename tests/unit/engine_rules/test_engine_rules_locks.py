"""One lock per object."""

from __future__ import annotations

import asyncio

import pytest

from budu.engine.locks import Locks


async def test_one_object_has_one_holder() -> None:
    locks, steps = Locks(), []

    async def work(name: str) -> None:
        async with locks.holding("web"):
            steps.append(f"{name} in")
            await asyncio.sleep(0)
            steps.append(f"{name} out")

    await asyncio.gather(work("a"), work("b"))
    assert steps == ["a in", "a out", "b in", "b out"]


async def test_two_objects_do_not_wait_for_each_other() -> None:
    locks = Locks()
    async with locks.holding("web"), locks.holding("db"):
        pass


async def test_lock_is_free_again_after_an_error() -> None:
    locks = Locks()
    with pytest.raises(ValueError, match="inside"):
        async with locks.holding("web"):
            raise ValueError("inside")
    async with locks.holding("web"):
        pass


async def test_cancelled_waiter_leaves_the_lock_usable() -> None:
    locks = Locks()
    async with locks.holding("web"):
        waiter = asyncio.ensure_future(locks.holding("web").__aenter__())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
    async with locks.holding("web"):
        pass
