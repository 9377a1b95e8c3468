"""Builds, loaded with the first one: most engines never build, and what builds is 2 MiB of code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress

from budu.archive.remove import remove_entries
from budu.base.errors import BuduError
from budu.engine.builds.records import StepRecords
from budu.engine.containers.model import Container
from budu.engine.contract.builds import (
    BuildOptions,
    Builds,
    BuildSink,
    CachePruneOptions,
    PrunedCache,
)
from budu.engine.paths import EnginePaths
from budu.spec.api.build import BuildCache

Load = Callable[[], Builds]
"""Imports and makes the service. Blocking."""
Remove = Callable[[str], Awaitable[None]]
"""Takes a container away, whatever it is doing."""


class LateBuilds:
    """See `engine.contract.builds.Builds`."""

    def __init__(
        self,
        load: Load,
        records: StepRecords,
        paths: EnginePaths,
        *,
        containers: Callable[[], Iterable[Container]],
        remove: Remove,
    ) -> None:
        self._load = load
        self._records = records
        self._paths = paths
        self._containers = containers
        self._remove = remove
        self._loaded: Builds | None = None
        self._lock = threading.Lock()

    async def open(self) -> None:
        """Take away what builds of an engine before this one left."""
        for id_ in [each.id for each in self._containers() if each.is_passing]:
            with suppress(BuduError):
                await self._remove(id_)
        contexts = self._paths.build_contexts
        if contexts.exists():
            await asyncio.to_thread(remove_entries, contexts)
        for place in (contexts, self._paths.build_caches):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def build(
        self, options: BuildOptions, context: AsyncIterator[bytes], tell: BuildSink
    ) -> str:
        """See `Builds.build`."""
        return await (await asyncio.to_thread(self._service)).build(options, context, tell)

    def cache(self) -> tuple[BuildCache, ...]:
        """See `Builds.cache`. Walks folders: for a thread."""
        if not self._records.all():
            return ()
        return self._service().cache()

    async def prune(self, options: CachePruneOptions) -> PrunedCache:
        """See `Builds.prune`."""
        return await (await asyncio.to_thread(self._service)).prune(options)

    def _service(self) -> Builds:
        """The service, made once. Blocking."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
        return self._loaded
