"""One failing background task leaves the others alone; one failing round is followed by others."""

import asyncio
import logging

import pytest

from budu.base.errors import Unavailable
from budu.base.tasks import Rounds, SteadyTasks


async def test_a_failing_task_is_logged_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = asyncio.Event()

    async def fail() -> None:
        raise ValueError("broken")

    async def go_on() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.set()

    with caplog.at_level(logging.ERROR):
        async with SteadyTasks() as tasks:
            tasks.create_task(fail(), name="weak")
            tasks.create_task(go_on(), name="strong")
    assert done.is_set()
    assert "task=weak" in caplog.text
    assert "broken" in caplog.text


async def test_the_failure_of_the_owner_cancels_its_tasks() -> None:
    started: list[asyncio.Task[object]] = []
    with pytest.raises(ExceptionGroup):
        async with SteadyTasks() as tasks:
            started.append(tasks.create_task(asyncio.Event().wait()))
            await asyncio.sleep(0)
            raise RuntimeError("over")
    assert started[0].cancelled()


class Worker:
    """Fails in its first round."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure
        self.rounds = 0
        self.second = asyncio.Event()

    async def work(self) -> None:
        self.rounds += 1
        if self.rounds == 1:
            raise self.failure
        self.second.set()


@pytest.mark.parametrize("failure", [OSError("full"), Unavailable("away")])
async def test_a_failing_round_is_followed_by_the_next(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(failure)
    rounds = Rounds("sweeping", worker.work, pause_s=0)
    rounds.start()
    await worker.second.wait()
    await rounds.stop()
    done = worker.rounds
    await asyncio.sleep(0)
    assert worker.rounds == done
    assert f"sweeping: {failure}" in caplog.text


async def test_a_bug_ends_the_rounds_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(ValueError("bug"))
    rounds = Rounds("sweeping", worker.work, pause_s=0)
    rounds.start()
    while "task=sweeping" not in caplog.text:
        await asyncio.sleep(0)
    await rounds.stop()
    assert worker.rounds == 1


async def test_rounds_that_wait_first_do_nothing_at_the_start() -> None:
    worker = Worker(ValueError("not called"))
    rounds = Rounds("sweeping", worker.work, pause_s=1000, waits_first=True)
    rounds.start()
    await asyncio.sleep(0)
    await rounds.stop()
    assert worker.rounds == 0


async def test_rounds_that_never_began_can_be_stopped() -> None:
    await Rounds("sweeping", Worker(ValueError()).work, pause_s=1).stop()
