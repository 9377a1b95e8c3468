"""The engine's side of the processes that keep execs.

    start() ─▶ a keeper that starts nothing just now ─▶ ShimHandle
                 └─ none: an idle shim becomes one

Usually there is one. A start that hangs (a paused container, a file system that does not answer)
blocks its keeper and nobody else: the next exec gets another keeper, and those above one end when
their execs have.
Neighbours: `shim.keeper` (the process), `shim.pool` (where it comes from).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs

from budu.base.errors import Hint, Unavailable
from budu.runtime.launch import StepFailed
from budu.shim import protocol
from budu.shim.client import ShimHandle, make_handle
from budu.shim.link import Link
from budu.shim.pool import IdleShim, ShimPool


class ExecOrder(Struct, frozen=True, kw_only=True):
    """What a keeper needs to know to start an exec."""

    id: str
    """The container's id."""
    stdin: bool = False
    """Keep an input open; otherwise the process reads from /dev/null."""
    tty: bool = False
    """The plan makes a terminal."""
    plan: dict[str, Any]
    """`runtime.plan.Plan`."""


class ExecKeepers:
    """Starts execs; the owner calls `close()`."""

    def __init__(self, shims: ShimPool) -> None:
        self._shims = shims
        self._keepers: list[_Keeper] = []

    async def start(self, order: ExecOrder, fds: dict[str, int]) -> ShimHandle:
        """Start it in the container whose init is the pidfd `target`; the descriptors stay the
        caller's.

        The streams are the handle's `take_kept("stdout", "stderr")` and `stdin_fd`, which with
        `tty` is the terminal; they end with the engine. Has no deadline of its own.
        Raises: StepFailed when it cannot be run, Unavailable when the keeper died or none comes.
        """
        idle = next((each for each in self._keepers if not each.is_starting), None)
        keeper = idle or self._welcome(await self._shims.take())
        return await keeper.start(order, fds)

    def close(self) -> None:
        """Let go; the execs go on, and their keepers with them."""
        for keeper in tuple(self._keepers):
            keeper.close()
        self._keepers.clear()

    def _welcome(self, shim: IdleShim) -> _Keeper:
        keeper = _Keeper(shim, on_change=self._settle)
        self._keepers.append(keeper)
        return keeper

    def _settle(self, keeper: _Keeper) -> None:
        """Forget one that died; let one go that nobody needs."""
        if keeper.is_gone:
            self._keepers.remove(keeper)
        elif keeper.is_unused and any(
            not other.is_starting for other in self._keepers if other is not keeper
        ):
            self._keepers.remove(keeper)
            keeper.close()


class _Keeper:
    """One process and its execs."""

    def __init__(self, shim: IdleShim, *, on_change: Callable[[_Keeper], None]) -> None:
        self.pid = shim.pid
        self.is_gone = False
        self._on_change = on_change
        self._keys = itertools.count(1)
        self._lanes: dict[int, _Lane] = {}
        self._starting: dict[int, asyncio.Future[ShimHandle]] = {}
        self._link = Link(shim.keep_execs(), on_message=self._received, on_end=self._left)

    @property
    def is_starting(self) -> bool:
        """Whether it is busy with a start."""
        return bool(self._starting)

    @property
    def is_unused(self) -> bool:
        """Whether it keeps nothing."""
        return not self._lanes and not self._starting

    async def start(self, order: ExecOrder, fds: dict[str, int]) -> ShimHandle:
        """See `ExecKeepers.start`."""
        key = next(self._keys)
        started: asyncio.Future[ShimHandle] = asyncio.get_running_loop().create_future()
        self._starting[key] = started
        fields = structs.asdict(order) | {"plan": protocol.pack_plan(order.plan)}
        message = {"op": "start", "key": key, **fields, "fds": tuple(fds)}
        if not self._link.send(message, list(fds.values())):
            del self._starting[key]
            raise _died(self.pid)
        return await started

    def close(self) -> None:
        """End the connection; the process ends with its last exec."""
        self._link.close()

    def _received(self, message: dict[str, Any], fds: list[int]) -> None:
        key = message["key"]
        if message["op"] == "exit":
            lane = self._lanes.pop(key, None)
            if lane is not None:
                lane.on_message(message, fds)
        else:
            self._answered(key, message, fds)
        self._on_change(self)

    def _answered(self, key: int, message: dict[str, Any], fds: list[int]) -> None:
        started = self._starting.pop(key)
        if message["op"] == "failed":
            if not started.done():
                started.set_exception(StepFailed.from_tuple(message["failure"]))
            return
        lane = self._lanes[key] = _Lane()
        handle = make_handle(lane, message, fds)
        if started.done():
            handle.close()
        else:
            started.set_result(handle)

    def _left(self) -> None:
        self.is_gone = True
        for started in self._starting.values():
            if not started.done():
                started.set_exception(_died(self.pid))
        self._starting.clear()
        self._on_change(self)
        while self._lanes:
            self._lanes.popitem()[1].on_end()


class _Lane:
    """What a `ShimHandle` needs of a link, for one exec. The keeper hears nothing of its end: it
    has none of its streams."""

    def __init__(self) -> None:
        self.close()

    def send(self, message: dict[str, Any], fds: list[int] | None = None) -> bool:
        """Nothing needs to be told."""
        return True

    def close(self) -> None:
        """Hear no more."""
        self.on_message: Callable[[dict[str, Any], list[int]], None] = lambda message, fds: None
        self.on_end: Callable[[], None] = lambda: None


def _died(pid: int) -> Unavailable:
    return Unavailable(
        f"shim {pid} ended before the process started", hint=Hint("shim.died", pid=pid)
    )
