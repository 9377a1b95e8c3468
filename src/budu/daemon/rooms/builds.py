"""Builds of images: what carries Dockerfiles out, and the cache of their steps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from budu.daemon.options import Options
from budu.daemon.rooms.containers import Containers
from budu.daemon.rooms.distribution import Distribution
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.images import Images
from budu.daemon.rooms.storage import Storage
from budu.engine.builds.bases import Bases
from budu.engine.builds.cache import StepCache
from budu.engine.builds.commands import Commands
from budu.engine.builds.downloads import BuildDownloads
from budu.engine.builds.pruning import CachePruner, budget_bytes
from budu.engine.builds.run_mounts import RunMounts
from budu.engine.builds.service import BuildService
from budu.engine.builds.workers import FileWorkers


@dataclass(frozen=True, kw_only=True)
class Builds:
    """What `build_builds` gives."""

    service: BuildService
    """Builds, and their cache."""


def build_builds(
    options: Options,
    ground: Ground,
    storage: Storage,
    distribution: Distribution,
    images: Images,
    containers: Containers,
    *,
    tasks: asyncio.TaskGroup,
) -> Builds:
    """The service with its workers."""
    everyone, records = ground.containers.all, ground.build_steps
    cache = StepCache(records, ground.images, storage.images, storage.content, storage.layers)
    mounts = RunMounts(ground.paths.build_caches, records)
    commands = Commands(containers.service, storage.uppers)
    downloads = BuildDownloads(distribution.downloads)
    service = BuildService(
        bases=Bases(images.service),
        cache=cache,
        workers=FileWorkers(commands, mounts, storage.layers, downloads),
        commands=commands,
        downloads=downloads,
        pruner=CachePruner(
            records,
            cache,
            mounts,
            ground.images,
            storage.images,
            ground.events,
            containers=everyone,
            data_root=ground.paths.data_root,
            budget=budget_bytes(options.build_budget, ground.paths.data_root),
        ),
        maker=images.maker,
        events=ground.events,
        layers=storage.layers,
        mount_image=storage.snapshots.mount_image,
        mount_over=storage.snapshots.mount_over,
        paths=ground.paths,
        containers=everyone,
        tasks=tasks,
    )
    return Builds(service=service)
