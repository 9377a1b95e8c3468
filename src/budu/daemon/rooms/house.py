"""All rooms of the engine, each made from those before it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from budu.daemon.options import Options
from budu.daemon.rooms.builds import Builds, build_builds
from budu.daemon.rooms.companions import Companions, build_companions
from budu.daemon.rooms.containers import Containers, build_containers
from budu.daemon.rooms.distribution import Distribution, build_distribution
from budu.daemon.rooms.ground import Ground, lay_ground
from budu.daemon.rooms.images import Images, build_images
from budu.daemon.rooms.machine import Machine, meet_machine
from budu.daemon.rooms.networks import Networks, build_networks
from budu.daemon.rooms.storage import Storage, build_storage
from budu.daemon.rooms.tools import Tools, build_tools
from budu.daemon.rooms.upkeep import Upkeep, build_upkeep
from budu.daemon.rooms.volumes import Volumes, build_volumes
from budu.plugin.client import Patience
from budu.plugin.discovery import PluginFolders
from budu.plugin.registry import Plugins
from budu.shim.pool import ShimPool


@dataclass(frozen=True, kw_only=True)
class House:
    """What `build_house` gives."""

    ground: Ground
    """What every room stands on."""
    plugins: Plugins
    """Programs that bring drivers."""
    storage: Storage
    """Layers and blobs."""
    distribution: Distribution
    """The way to registries."""
    images: Images
    """Images."""
    volumes: Volumes
    """Volumes."""
    networks: Networks
    """Networks."""
    machine: Machine
    """What of this machine containers run in."""
    containers: Containers
    """Containers."""
    companions: Companions
    """What accompanies them while they run."""
    builds: Builds
    """Images made of Dockerfiles."""
    tools: Tools
    """What else may be done with them."""
    upkeep: Upkeep
    """What the engine does for itself."""


def build_house(options: Options, shims: ShimPool, *, tasks: asyncio.TaskGroup) -> House:
    """Build in order. Nothing runs yet; `tasks` and `shims` are the caller's."""
    ground = lay_ground(options)
    plugins = Plugins(
        PluginFolders(sockets=options.plugin_sockets, specs=options.plugin_specs),
        patience=Patience(total_s=options.plugin_timeout),
    )
    storage = build_storage(ground)
    distribution = build_distribution(options, storage)
    images = build_images(options, ground, storage, distribution)
    volumes = build_volumes(ground, plugins)
    networks = build_networks(options, ground, plugins)
    machine = meet_machine(options, ground)
    containers = build_containers(
        ground, machine, storage, images, volumes, networks, shims=shims, tasks=tasks
    )
    companions = build_companions(
        options, ground, machine, networks, containers, shims=shims, tasks=tasks
    )
    for observer in (*companions.observers, images.cleanup):
        containers.service.observe(observer)
    builds = build_builds(options, ground, storage, distribution, images, containers, tasks=tasks)
    return House(
        ground=ground,
        plugins=plugins,
        storage=storage,
        distribution=distribution,
        images=images,
        volumes=volumes,
        networks=networks,
        machine=machine,
        containers=containers,
        companions=companions,
        builds=builds,
        tools=build_tools(
            ground,
            machine,
            storage,
            images,
            volumes,
            networks,
            containers,
            build_cache=builds.service.cache,
        ),
        upkeep=build_upkeep(options, ground, machine, storage, volumes, networks, containers),
    )
