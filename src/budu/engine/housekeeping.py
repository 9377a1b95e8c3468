"""What need not be waited for: deleting what was removed, writing new layers to the disk, keeping a
reserve on it.

Runs in one thread, low in priority to everything: a removed container or image is a rename when it
is removed, and its files go here. `ext4` slows down for minutes after many deletions at once, so
work comes in rounds with pauses.
"""

from __future__ import annotations

import asyncio
import logging

from budu.engine.database import Database
from budu.engine.reserve import Reserve
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.layers import LayerStore

ROUND_S = 5.0

log = logging.getLogger(__name__)


class Housekeeping:
    """The background rounds of one engine."""

    def __init__(
        self,
        snapshots: ContainerSnapshots,
        layers: LayerStore,
        *,
        reserve: Reserve,
        database: Database,
    ) -> None:
        self._snapshots = snapshots
        self._layers = layers
        self._reserve = reserve
        self._database = database
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first round deletes what the last engine left."""
        self._task = asyncio.create_task(self._rounds(), name="housekeeping")

    async def stop(self) -> None:
        """End after the step under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _rounds(self) -> None:
        while True:
            try:
                self._database.take_room()
                await asyncio.to_thread(self._round)
            except OSError as error:
                log.warning("housekeeping: %s", error)
            await asyncio.sleep(ROUND_S)

    def _round(self) -> None:
        self._reserve.take()
        self._layers.flush()
        self._snapshots.sweep()
        self._layers.sweep()
