"""Puts the engine together: the rooms in their order, what the API sees of them, start and end.

Nothing else makes services. Which object is made from which is written in `daemon.rooms`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from budu.daemon.options import Options
from budu.daemon.rooms.house import build_house
from budu.daemon.rooms.system import build_system
from budu.shim.pool import ShimPool


class Engine:
    """All services of one engine. Implements `engine.contract.Engine`.

    Make it inside the event loop; `open` before the first request, `close` at the end.
    """

    def __init__(
        self,
        options: Options,
        shims: ShimPool,
        *,
        tasks: asyncio.TaskGroup,
        shutdown: Callable[[], None],
    ) -> None:
        self._shims = shims
        self._house = house = build_house(options, shims, tasks=tasks)
        self.system = build_system(options, house, shutdown=shutdown)
        self.events = house.ground.events

        self.containers = house.containers.service
        self.execs = house.companions.execs
        self.health = house.companions.health
        self.logs = house.companions.logs
        self.monitor = house.companions.monitor
        self.processes = house.tools.processes
        self.updates = house.tools.updates
        self.container_files = house.tools.files
        self.snapshots = house.tools.snapshots
        self.usages = house.tools.usages

        self.images = house.images.service
        self.image_archives = house.images.archives
        self.imports = house.images.imports
        self.pushes = house.images.pushes
        self.registries = house.images.registries
        self.explorer = house.images.explorer
        self.cleanup = house.images.cleanup
        self.storage_care = house.images.care

        self.builds = house.builds.service

        self.networks = house.networks.service
        self.network_members = house.tools.members
        self.network_doctor = house.tools.doctor

        self.volumes = house.volumes.service
        self.volume_copies = house.volumes.copies
        self.volume_files = house.volumes.files

    async def open(self) -> None:
        """Bring the bridge up, meet the containers of the last engine, warm the pools."""
        self.networks.start()
        await self._shims.start()
        self.volume_copies.recover()
        await self._house.upkeep.reconciler.run()
        self.network_members.mend(self._house.ground.containers.all())
        self.networks.serve(asyncio.get_running_loop())
        self._meeting = asyncio.create_task(self._meet_plugins(), name="plugins")
        await self.builds.open()
        self.logs.open()
        self._house.upkeep.log_keeper.start()
        self._house.upkeep.housekeeping.start()
        self.storage_care.start()
        self.cleanup.start()

    async def _meet_plugins(self) -> None:
        """Greet the plugins, and tell them of users that went while no engine ran."""
        users: dict[str, frozenset[str]] = {}
        for container in self._house.ground.containers.all():
            if container.is_running:
                for mount in container.mounts:
                    users[mount.name] = users.get(mount.name, frozenset()) | {container.id}
        await self._house.volumes.plugins.recover(users)
        await self._house.plugins.survey()

    async def close(self) -> None:
        """Let go of everything that is this process's; containers live on."""
        self._meeting.cancel()
        await self._house.networks.remotes.close()
        await self.health.close()
        self.containers.close()
        self._house.companions.memory_kills.close()
        self.execs.close()
        self._house.companions.names.close()
        self.monitor.close()
        await self._house.upkeep.log_keeper.stop()
        await self.logs.close()
        await self.cleanup.stop()
        await self.storage_care.stop()
        await self._house.upkeep.housekeeping.stop()
        await self._shims.close()
        self._house.distribution.puller.close()
        await self._house.distribution.registries.close()
        await self._house.distribution.downloads.close()
        self.networks.close()
        self._house.machine.watch.close()
        self._house.storage.layers.close()
        self._house.ground.database.close()
