"""Builds of images, whose builder comes with the first one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from budu.daemon.options import Options
from budu.daemon.rooms.containers import Containers
from budu.daemon.rooms.distribution import Distribution
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.images import Images
from budu.daemon.rooms.storage import Storage
from budu.engine.builds.budget import budget_bytes
from budu.engine.builds.late import LateBuilds
from budu.engine.contract.builds import Builds as BuildsContract


@dataclass(frozen=True, kw_only=True)
class Builds:
    """What `build_builds` gives."""

    service: LateBuilds
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
    """The service. Raises: InvalidArgument for the budget."""
    budget = budget_bytes(options.build_budget, ground.paths.data_root)

    def load() -> BuildsContract:
        from budu.daemon.rooms.builder import build_builder

        return build_builder(
            ground, storage, distribution, images, containers, budget=budget, tasks=tasks
        )

    remove = partial(containers.service.remove, force=True, volumes=True, link=False)
    return Builds(
        service=LateBuilds(
            load,
            ground.build_steps,
            ground.paths,
            containers=ground.containers.all,
            remove=remove,
        )
    )
