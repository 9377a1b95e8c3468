"""What need not be waited for: deleting what was removed, writing new layers to the disk, keeping a
reserve on it.

Runs in one thread, low in priority to everything: a removed container or image is a rename when it
is removed, and its files go here. `ext4` slows down for minutes after many deletions at once, so
work comes in rounds with pauses.
"""

from __future__ import annotations

import asyncio

from budu.base.tasks import Rounds
from budu.engine.database import Database
from budu.engine.reserve import Reserve
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.layers import LayerStore

ROUND_S = 5.0


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
        self._rounds = Rounds("housekeeping", self._work, pause_s=ROUND_S)

    def start(self) -> None:
        """Begin; the first round deletes what the last engine left."""
        self._rounds.start()

    async def stop(self) -> None:
        """End after the step under way."""
        await self._rounds.stop()

    async def _work(self) -> None:
        self._database.take_room()
        await asyncio.to_thread(self._round)

    def _round(self) -> None:
        self._reserve.take()
        self._layers.flush()
        self._snapshots.sweep()
        self._layers.sweep()
