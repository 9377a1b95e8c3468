"""What carries Dockerfiles out. Imported with the first build: see `rooms.builds`."""

from __future__ import annotations

import asyncio

from budu.daemon.rooms.containers import Containers
from budu.daemon.rooms.distribution import Distribution
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.images import Images
from budu.daemon.rooms.storage import Storage
from budu.engine.builds.bases import Bases
from budu.engine.builds.cache import StepCache
from budu.engine.builds.commands import Commands
from budu.engine.builds.downloads import BuildDownloads
from budu.engine.builds.pruning import CachePruner
from budu.engine.builds.run_mounts import RunMounts
from budu.engine.builds.service import BuildService
from budu.engine.builds.workers import FileWorkers


def build_builder(
    ground: Ground,
    storage: Storage,
    distribution: Distribution,
    images: Images,
    containers: Containers,
    *,
    budget: int,
    tasks: asyncio.TaskGroup,
) -> BuildService:
    """The service with its workers; `budget` in bytes."""
    records = ground.build_steps
    cache = StepCache(records, ground.images, storage.images, storage.content, storage.layers)
    mounts = RunMounts(ground.paths.build_caches, records)
    commands = Commands(containers.service, storage.uppers)
    downloads = BuildDownloads(distribution.downloads)
    return BuildService(
        bases=Bases(images.service),
        cache=cache,
        workers=FileWorkers(commands, mounts, storage.layers, downloads),
        downloads=downloads,
        pruner=CachePruner(
            records,
            cache,
            mounts,
            ground.images,
            storage.images,
            ground.events,
            containers=ground.containers.all,
            data_root=ground.paths.data_root,
            budget=budget,
        ),
        maker=images.maker,
        events=ground.events,
        layers=storage.layers,
        mount_image=storage.snapshots.mount_image,
        mount_over=storage.snapshots.mount_over,
        paths=ground.paths,
        tasks=tasks,
    )
