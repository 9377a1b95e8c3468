"""Clients that wait for a container to end or to be gone.

A wait is armed when it is made, not when it is awaited: clients send the wait, read the headers,
and only then start the container.
Source: Engine API 1.51 ContainerWait.
"""

from __future__ import annotations

import asyncio

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Container
from budu.engine.contract import WaitResult

NOT_RUNNING = "not-running"


class Waits:
    """The waits of all containers of one engine."""

    def __init__(self) -> None:
        self._exits: dict[str, set[asyncio.Future[WaitResult]]] = {}
        self._removals: dict[str, set[asyncio.Future[WaitResult]]] = {}

    def arm(self, container: Container, condition: str) -> asyncio.Future[WaitResult]:
        """A future of how the container ends.

        Raises: InvalidArgument for an unknown condition.
        """
        future: asyncio.Future[WaitResult] = asyncio.get_running_loop().create_future()
        match condition or NOT_RUNNING:
            case "not-running":
                if not container.is_running and container.status != "restarting":
                    future.set_result(WaitResult(exit_code=container.exit_code))
                else:
                    self._hold(self._exits, container.id, future)
            case "next-exit":
                self._hold(self._exits, container.id, future)
            case "removed":
                self._hold(self._removals, container.id, future)
            case _:
                raise InvalidArgument(f'invalid condition: "{condition}"')
        return future

    def _hold(
        self,
        waits: dict[str, set[asyncio.Future[WaitResult]]],
        id_: str,
        future: asyncio.Future[WaitResult],
    ) -> None:
        waits.setdefault(id_, set()).add(future)

        def forget(done: asyncio.Future[WaitResult]) -> None:
            held = waits.get(id_)
            if held is not None:
                held.discard(done)
                if not held:
                    waits.pop(id_, None)

        future.add_done_callback(forget)

    def exited(self, container: Container) -> None:
        """Answer those who wait for an exit."""
        _resolve(self._exits.pop(container.id, set()), WaitResult(exit_code=container.exit_code))

    def removed(self, container: Container) -> None:
        """Answer everybody: the container is gone."""
        result = WaitResult(exit_code=container.exit_code)
        _resolve(self._removals.pop(container.id, set()), result)
        _resolve(self._exits.pop(container.id, set()), result)


def _resolve(futures: set[asyncio.Future[WaitResult]], result: WaitResult) -> None:
    for future in tuple(futures):
        if not future.done():
            future.set_result(result)
