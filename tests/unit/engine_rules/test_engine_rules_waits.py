"""Waiting for a container's end."""

from __future__ import annotations

import pytest
from tests.support.records import a_container, a_running_container, an_exited_container

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Status
from budu.engine.containers.waits import Waits
from budu.engine.contract import WaitResult

ENDED = an_exited_container(exit_code=7)


async def test_not_running_is_answered_at_once_when_it_does_not_run() -> None:
    assert Waits().arm(ENDED, "not-running").result() == WaitResult(exit_code=7)


async def test_created_container_counts_as_not_running() -> None:
    assert Waits().arm(a_container(), "").result() == WaitResult(exit_code=0)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED, Status.RESTARTING])
async def test_not_running_waits_while_there_is_life(status: Status) -> None:
    assert not Waits().arm(a_running_container(status=status), "").done()


async def test_next_exit_waits_even_when_it_does_not_run() -> None:
    waits = Waits()
    future = waits.arm(ENDED, "next-exit")
    assert not future.done()
    waits.exited(ENDED)
    assert future.result() == WaitResult(exit_code=7)


async def test_exit_does_not_answer_who_waits_for_removal() -> None:
    waits = Waits()
    future = waits.arm(ENDED, "removed")
    waits.exited(ENDED)
    assert not future.done()


async def test_removal_answers_everybody() -> None:
    waits = Waits()
    futures = [waits.arm(ENDED, "removed"), waits.arm(ENDED, "next-exit")]
    waits.removed(ENDED)
    assert [each.result().exit_code for each in futures] == [7, 7]


async def test_exit_of_another_container_is_not_ours() -> None:
    waits = Waits()
    future = waits.arm(a_running_container("web"), "")
    waits.exited(an_exited_container("db"))
    assert not future.done()


async def test_cancelled_wait_does_not_disturb_the_others() -> None:
    waits = Waits()
    gone, kept = (waits.arm(ENDED, "next-exit") for _ in range(2))
    gone.cancel()
    waits.exited(ENDED)
    assert kept.result() == WaitResult(exit_code=7)


async def test_unknown_condition_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r'^invalid condition: "sometime"$'):
        Waits().arm(ENDED, "sometime")
