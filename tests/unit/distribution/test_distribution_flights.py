"""Work that several want and that is done once."""

import asyncio

import pytest

from budu.distribution.flights import Emit, Flights, finish


def ignore(status: str, current: int = 0, total: int = 0) -> None:
    """Listens to nothing."""


class Work:
    """Waits to be told to end, and counts."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = self.cancelled = 0
        self.tidying = asyncio.Event()
        self.tidied = asyncio.Event()
        self.tidied.set()

    async def __call__(self, emit: Emit) -> None:
        self.begun += 1
        emit("half", 1, 2)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.tidying.set()
            await self.tidied.wait()
            self.cancelled += 1
            raise
        emit("done")


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_two_callers_share_one_run_and_its_events() -> None:
    flights, work = Flights(), Work()
    heard: dict[str, list[str]] = {"one": [], "two": []}

    def listener(name: str) -> Emit:
        return lambda status, current=0, total=0: heard[name].append(status)

    one = asyncio.create_task(flights.join("k", work, listener("one")))
    await settle()
    two = asyncio.create_task(flights.join("k", work, listener("two")))
    await settle()
    work.go.set()
    await asyncio.gather(one, two)
    assert work.begun == 1
    assert heard == {"one": ["half", "done"], "two": ["half", "done"]}
    assert "k" not in flights


async def test_the_first_caller_may_go_without_harm_to_the_second() -> None:
    flights, work = Flights(), Work()
    one = asyncio.create_task(flights.join("k", work, ignore))
    two = asyncio.create_task(flights.join("k", work, ignore))
    await settle()
    one.cancel()
    await settle()
    assert one.cancelled()
    work.go.set()
    await two
    assert (work.begun, work.cancelled) == (1, 0)


async def test_the_work_ends_with_its_last_caller() -> None:
    flights, work = Flights(), Work()
    tasks = [asyncio.create_task(flights.join("k", work, ignore)) for _ in range(2)]
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert work.cancelled == 1
    assert "k" not in flights


async def test_a_caller_who_comes_during_the_clean_up_starts_anew() -> None:
    flights, work = Flights(), Work()
    work.tidied.clear()
    one = asyncio.create_task(flights.join("k", work, ignore))
    await settle()
    one.cancel()
    await work.tidying.wait()
    two = asyncio.create_task(flights.join("k", work, ignore))
    await settle()
    assert work.begun == 1
    work.tidied.set()
    work.go.set()
    await two
    assert work.begun == 2


async def test_a_failure_reaches_every_caller() -> None:
    flights = Flights()

    async def fail(emit: Emit) -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    results = await asyncio.gather(
        *(flights.join("k", fail, ignore) for _ in range(2)), return_exceptions=True
    )
    assert [str(result) for result in results] == ["no", "no"]


async def test_finish_outlasts_cancellation() -> None:
    work = Work()
    task = asyncio.create_task(finish(work(ignore)))
    await settle()
    task.cancel()
    await settle()
    assert not task.done()
    work.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.cancelled == 0
