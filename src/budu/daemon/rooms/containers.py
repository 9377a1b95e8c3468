"""Containers: how they are made, started, run and ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from budu.daemon.init_binary import install_init
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.images import Images
from budu.daemon.rooms.machine import Machine
from budu.daemon.rooms.networks import Networks
from budu.daemon.rooms.storage import Storage
from budu.daemon.rooms.volumes import Volumes
from budu.engine.containers.create import ContainerCreator
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import ContainerStarter
from budu.engine.containers.stdio import Stdio
from budu.runtime.host import read_host
from budu.runtime.seccomp_profile import ProgramCache
from budu.shim.pool import ShimPool


@dataclass(frozen=True, kw_only=True)
class Containers:
    """What `build_containers` gives."""

    service: ContainerService
    """Everything that happens to containers."""
    starter: ContainerStarter
    """Starts their processes."""


def build_containers(
    ground: Ground,
    machine: Machine,
    storage: Storage,
    images: Images,
    volumes: Volumes,
    networks: Networks,
    *,
    shims: ShimPool,
    tasks: asyncio.TaskGroup,
) -> Containers:
    """The service of containers with its maker and its starter."""
    starter = ContainerStarter(
        paths=ground.paths,
        snapshots=storage.snapshots,
        networks=networks.service,
        volumes=volumes.service,
        cgroups=machine.cgroups,
        cgroup_parent=machine.cgroup_parent,
        shims=shims,
        seccomp=ProgramCache(str(ground.paths.data_root / "seccomp")),
        host=read_host(),
        find=ground.containers.get,
        log_servers=machine.log_servers,
        init_path=install_init(ground.paths.init),
    )
    creator = ContainerCreator(
        ground.containers,
        images.service,
        volumes.service,
        networks.service,
        storage.snapshots,
        ground.events,
        ground.paths,
        log_default=machine.log_default,
        features=machine.cgroups.features(),
    )
    service = ContainerService(
        database=ground.database,
        repository=ground.containers,
        creator=creator,
        starter=starter,
        snapshots=storage.snapshots,
        images=ground.images,
        image_storage=storage.images,
        networks=networks.service,
        volumes=volumes.service,
        events=ground.events,
        stdio=Stdio(ground.paths, machine.watch),
        paths=ground.paths,
        tasks=tasks,
    )
    return Containers(service=service, starter=starter)
