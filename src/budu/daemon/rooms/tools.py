"""What else may be done with containers that exist, beside their life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from budu.daemon.rooms.containers import Containers
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.images import Images
from budu.daemon.rooms.machine import Machine
from budu.daemon.rooms.networks import Networks
from budu.daemon.rooms.storage import Storage
from budu.daemon.rooms.volumes import Volumes
from budu.engine.containers.files import FileService, container_files
from budu.engine.containers.processes import ProcessService
from budu.engine.containers.rootfs import ContainerRoots
from budu.engine.containers.snapshots import SnapshotService
from budu.engine.containers.update import UpdateService
from budu.engine.networks.doctor import NetworkDoctor
from budu.engine.networks.members import NetworkMembers
from budu.engine.usage import UsageService
from budu.spec.api.build import BuildCache


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What `build_tools` gives."""

    processes: ProcessService
    """What runs in them."""
    updates: UpdateService
    """Their limits and restart policies."""
    members: NetworkMembers
    """Their networks and ports."""
    doctor: NetworkDoctor
    """Why one has no network."""
    files: FileService
    """Files in them."""
    snapshots: SnapshotService
    """What they changed, and images made of it."""
    usages: UsageService
    """How much of the disk they and all else take."""


def build_tools(
    ground: Ground,
    machine: Machine,
    storage: Storage,
    images: Images,
    volumes: Volumes,
    networks: Networks,
    containers: Containers,
    *,
    build_cache: Callable[[], tuple[BuildCache, ...]],
) -> Tools:
    """All of them, over one service of containers."""
    service = containers.service
    roots = ContainerRoots(service, storage.snapshots, volumes.service, ground.paths)
    return Tools(
        processes=ProcessService(service),
        updates=UpdateService(service, machine.cgroups.features()),
        members=NetworkMembers(service, networks.service, networks.fabric, ground.paths),
        doctor=NetworkDoctor(service, networks.service, all_containers=ground.containers.all),
        files=container_files(service, roots),
        snapshots=SnapshotService(
            service,
            images.service,
            storage.differences,
            storage.uppers,
            images.maker,
            ground.events,
        ),
        usages=UsageService(
            service,
            images.service,
            storage.images,
            volumes.service,
            volume_size=volumes.local.size_at_rest,
            build_cache=build_cache,
        ),
    )
