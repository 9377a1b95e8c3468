"""Gives memory back once work that needed much of it has ended: a pull, a build, a long list.

The C library keeps what was freed for later use. An engine lies idle most of its life, so it looks
now and then whether it has grown and is calm again.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

from budu.linux import memory

LOOK_S = 1.0
"""How often it is looked."""
GROWTH_BYTES = 1 << 20
"""Growth since the last time that is worth the few milliseconds."""
CALM_BYTES = 256 << 10
"""What may change between two looks of an engine that is calm."""


class Thrift:
    """Looks after one process's memory, from `start` to `stop`."""

    def __init__(
        self,
        *,
        resident_bytes: Callable[[], int] = memory.resident_bytes,
        give_back: Callable[[], None] | None = None,
    ) -> None:
        """`give_back` frees what can be freed; by default garbage first, then the heaps."""
        self._resident_bytes = resident_bytes
        self._give_back = give_back or _give_back
        self._kept = 0
        self._seen = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look. What is there now is there for good: the collector need not visit it."""
        gc.collect()
        gc.freeze()
        self._wait()

    def stop(self) -> None:
        """No more looks. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Give memory back if much was taken lately and nothing is taken now."""
        before, self._seen = self._seen, self._resident_bytes()
        is_calm = abs(self._seen - before) <= CALM_BYTES
        if is_calm and self._seen - self._kept >= GROWTH_BYTES:
            self._give_back()
            self._kept = self._seen = self._resident_bytes()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self.look()
        self._wait()


def _give_back() -> None:
    gc.collect()
    memory.trim()
