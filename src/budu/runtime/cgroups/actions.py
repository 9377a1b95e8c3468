"""What has to be repeated until the kernel is done: freezing, killing, removing. For asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from budu.base.errors import DeadlineExceeded
from budu.runtime.cgroups.contract import Cgroup

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.1


async def freeze(cgroup: Cgroup, *, timeout_s: float = 10.0) -> None:
    """Stop everything inside; on failure it runs on.

    Raises: DeadlineExceeded.
    """

    def attempt() -> bool:
        cgroup.freeze()
        return cgroup.is_frozen

    try:
        if not await _until(attempt, timeout_s):
            raise DeadlineExceeded(f"cannot freeze {cgroup.path}", reference=cgroup.path)
    except BaseException:
        cgroup.thaw()
        raise


async def kill_all(cgroup: Cgroup, *, timeout_s: float = 10.0) -> None:
    """SIGKILL until nothing is left inside. Zombies are left to their parents.

    Raises: DeadlineExceeded.
    """

    def attempt() -> bool:
        cgroup.kill()
        return not cgroup.pids()

    if not await _until(attempt, timeout_s):
        raise DeadlineExceeded(f"cannot kill all of {cgroup.path}", reference=cgroup.path)


async def remove(cgroup: Cgroup, *, timeout_s: float = 10.0) -> bool:
    """Remove the directories once they are empty; False when they are still not in the end."""
    return await _until(cgroup.try_remove, timeout_s)


async def clear(cgroup: Cgroup, *, timeout_s: float = 10.0) -> bool:
    """Kill what is still inside and remove the directories; False when they are there in the end.

    A container with a process namespace of its own leaves nothing inside; others may.
    """
    if cgroup.try_remove():
        return True
    with suppress(DeadlineExceeded):
        await kill_all(cgroup, timeout_s=timeout_s)
    return await remove(cgroup, timeout_s=timeout_s)


async def _until(attempt: Callable[[], bool], timeout_s: float) -> bool:
    """Repeat with growing pauses until it succeeds or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while not attempt():
        if loop.time() + pause_s > deadline:
            return False
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
    return True
