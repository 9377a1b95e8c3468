"""One failing background task leaves the others alone."""

import asyncio
import logging

import pytest

from budu.base.tasks import SteadyTasks


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
