"""Execs of real containers: who keeps them, and what happens when that one goes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from tests.host.shim.shim_lab import Case
from tests.support.waiting import eventually

from budu.base.errors import Unavailable
from budu.runtime.host import read_host
from budu.runtime.launch import StepFailed
from budu.runtime.plan import make_exec_plan
from budu.shim.client import CODE_UNKNOWN, ShimHandle
from budu.shim.execs import ExecKeepers, ExecOrder
from budu.shim.pool import ShimPool
from budu.spec.oci_runtime import Process

pytestmark = pytest.mark.host

REMEMBERS = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 15)
"""Whether the kernel tells an exit status after the parent has taken it."""


class Beside:
    """Starts execs beside the program of one container."""

    def __init__(self, keepers: ExecKeepers, case: Case, init: ShimHandle) -> None:
        self.keepers = keepers
        self.case = case
        self.init = init

    def order(self, *args: str, tty: bool = False, stdin: bool = False) -> ExecOrder:
        process = Process(args=args, env=("PATH=/bin",), terminal=tty)
        plan = make_exec_plan(process, read_host(), spec=self.case.spec("/bin/sleep", tty=tty))
        return ExecOrder(id="one", tty=tty, stdin=stdin, plan=plan)

    async def start(self, *args: str, tty: bool = False, stdin: bool = False) -> ShimHandle:
        return await self.give(self.order(*args, tty=tty, stdin=stdin))

    async def give(self, order: ExecOrder) -> ShimHandle:
        return await self.keepers.start(order, {"target": self.init.pidfd})


@pytest.fixture
async def beside(case: Case, pool: ShimPool) -> AsyncIterator[Beside]:
    keepers = ExecKeepers(pool)
    yield Beside(keepers, case, await case.start(case.order("/bin/sleep", "1000")))
    keepers.close()


def streams(handle: ShimHandle) -> tuple[bytes, bytes]:
    """What it wrote, both to the end."""
    out, err = handle.take_kept("stdout", "stderr")
    with os.fdopen(out, "rb") as output, os.fdopen(err, "rb") as errors:
        return output.read(), errors.read()


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


async def test_execs_share_one_keeper(beside: Beside) -> None:
    first = await beside.start("/bin/sh", "-c", "echo out; echo err >&2; exit 7")
    assert (await first.wait()).code == 7
    assert streams(first) == (b"out\n", b"err\n")
    second = await beside.start("/bin/cat", stdin=True)
    third = await beside.start("/bin/kill", "-9", "0")
    assert second.stdin_fd is not None
    os.write(second.stdin_fd, b"typed")
    await second.close_stdin()
    assert (await third.wait()).code == 137
    assert (await second.wait()).code == 0
    assert streams(second)[0] == b"typed"
    assert first.shim_pid == second.shim_pid == third.shim_pid
    for each in (first, second, third):
        each.close()
    comm = Path(f"/proc/{first.shim_pid}/comm").read_text()
    assert comm == "budu-execs\n"


async def test_a_terminal(beside: Beside) -> None:
    handle = await beside.start("/bin/sh", "-c", "stty size; read word; echo got $word", tty=True)
    assert handle.stdin_fd is not None
    handle.resize(20, 70)
    os.write(handle.stdin_fd, b"this\n")
    assert (await handle.wait()).code == 0
    shown = b""
    while not shown.endswith(b"got this\r\n"):  # a terminal hands out line by line
        piece = os.read(handle.stdin_fd, 4096)
        assert piece, shown
        shown += piece
    handle.close()


async def test_nothing_is_left_open(beside: Beside) -> None:
    """Neither by execs that ran nor by those that could not."""

    async def one(*args: str, **options: bool) -> int:
        handle = await beside.start(*args, **options)
        await handle.wait()
        handle.close()
        return handle.shim_pid

    keeper = await one("/bin/true")
    await one("/bin/true", tty=True)
    before = open_files(keeper)
    for options in ({}, {"tty": True}, {"stdin": True}):
        assert await one("/bin/true", **options) == keeper
        with pytest.raises(StepFailed) as caught:
            await beside.start("/bin/nothing", **options)
        assert caught.value.exit_code == 127
    # What it was given it closes after it has answered.
    await asyncio.to_thread(eventually, lambda: open_files(keeper) == before)


async def test_a_start_that_hangs_blocks_nobody_else(beside: Beside) -> None:
    order = beside.order("/bin/true")
    never = {**order.plan, "child": (("wait-for-parent",), *order.plan["child"])}
    hanging = asyncio.ensure_future(beside.give(ExecOrder(id="one", plan=never)))
    await asyncio.sleep(0)
    handles = await asyncio.gather(*[beside.start("/bin/sleep", "0.1") for _ in range(5)])
    keepers = {each.shim_pid for each in handles}
    assert [(await each.wait()).code for each in handles] == [0] * 5
    assert not hanging.done()
    os.kill(beside.init.pid, signal.SIGKILL)
    with pytest.raises(StepFailed):
        await hanging
    await asyncio.to_thread(
        eventually, lambda: sum(Path(f"/proc/{pid}").exists() for pid in keepers) <= 1
    )


async def test_a_killed_keeper_loses_no_exec(beside: Beside) -> None:
    running = await beside.start("/bin/sh", "-c", "read word; exit 9", stdin=True)
    os.kill(running.shim_pid, signal.SIGKILL)
    await asyncio.to_thread(eventually, lambda: not running.has_shim)
    assert running.stdin_fd is not None
    os.write(running.stdin_fd, b"go\n")
    assert (await running.wait()).code == (9 if REMEMBERS else CODE_UNKNOWN)
    running.close()
    next_one = await beside.start("/bin/true")
    assert (await next_one.wait()).code == 0
    assert next_one.shim_pid != running.shim_pid
    next_one.close()


async def test_a_keeper_that_dies_while_it_starts_is_told(beside: Beside) -> None:
    first = await beside.start("/bin/true")
    await first.wait()
    first.close()
    os.kill(first.shim_pid, signal.SIGSTOP)
    starting = asyncio.ensure_future(beside.start("/bin/true"))
    await asyncio.sleep(0)
    os.kill(first.shim_pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match=f"shim {first.shim_pid} ended"):
        await starting


async def test_it_outlives_its_engine_as_long_as_an_exec_runs(beside: Beside) -> None:
    handle = await beside.start("/bin/sh", "-c", "read word; exit 3", stdin=True)
    keeper = Path(f"/proc/{handle.shim_pid}")
    beside.keepers.close()
    assert handle.stdin_fd is not None
    kept = os.dup(handle.stdin_fd)
    handle.close()
    assert keeper.exists()
    os.write(kept, b"go\n")
    os.close(kept)
    await asyncio.to_thread(eventually, partial(gone, keeper))


def gone(process: Path) -> bool:
    return not process.exists()
