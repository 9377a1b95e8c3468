"""A pool of real shims and a root file system of busybox."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop
from tests.host.shim.shim_lab import Case

from budu.shim.pool import ShimPool


@pytest.fixture(params=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return (
        uvloop.EventLoopPolicy()
        if request.param == "uvloop"
        else (asyncio.DefaultEventLoopPolicy())
    )


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    root = tmp_path / "rootfs"
    for name in ("bin", "proc", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", root / "bin/busybox")
    for name in ("sh", "true", "cat", "echo", "sleep", "yes", "head", "stty", "id", "kill"):
        (root / "bin" / name).symlink_to("busybox")
    return root


@pytest.fixture
async def pool() -> AsyncIterator[ShimPool]:
    pool = ShimPool()
    pool.spawn_zygote()
    await pool.start()
    yield pool
    await pool.close()


@pytest.fixture
async def case(pool: ShimPool, rootfs: Path) -> AsyncIterator[Case]:
    case = Case(pool, rootfs)
    yield case
    if case.handle is not None and case.handle.pidfd >= 0:
        if case.handle.status is None:
            case.handle.signal(signal.SIGKILL)
            await case.handle.wait()
        case.handle.close()
