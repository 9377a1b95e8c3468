"""A service of builds that plays a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from budu.engine.contract.builds import (
    BuildOptions,
    BuildSink,
    CachePruneOptions,
    PrunedCache,
)
from budu.spec.api.build import BuildCache

IMAGE = "sha256:" + "7" * 64

Script = Callable[[BuildSink], Awaitable[None]]


async def nothing(tell: BuildSink) -> None:
    pass


class FakeBuilds:
    """See `engine.contract.builds.Builds`."""

    def __init__(self) -> None:
        self.options: BuildOptions | None = None
        self.context = b""
        self.script: Script = nothing
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.records: tuple[BuildCache, ...] = ()
        self.pruned: CachePruneOptions | None = None
        self.goes = PrunedCache(ids=(), freed=0)

    async def build(
        self, options: BuildOptions, context: AsyncIterator[bytes], tell: BuildSink
    ) -> str:
        self.options = options
        if not options.remote:
            async for piece in context:
                self.context += piece
        self.begun.set()
        try:
            await self.script(tell)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return IMAGE

    def cache(self) -> tuple[BuildCache, ...]:
        return self.records

    async def prune(self, options: CachePruneOptions) -> PrunedCache:
        self.pruned = options
        return self.goes
