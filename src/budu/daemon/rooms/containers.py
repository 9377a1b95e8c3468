"""Containers: how they are made, started, run and ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from budu.daemon.init_binary import install_init
from budu.daemon.options import Options
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.images import Images
from budu.daemon.rooms.networks import Networks
from budu.daemon.rooms.storage import Storage
from budu.daemon.rooms.volumes import Volumes
from budu.engine.containers.create import ContainerCreator
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import ContainerStarter
from budu.engine.containers.stdio import Stdio
from budu.engine.logs.defaults import default_log_config
from budu.engine.logs.servers import LogServers
from budu.logs.watch import Watch
from budu.runtime.cgroups.choose import choose_cgroups
from budu.runtime.cgroups.contract import Cgroups
from budu.runtime.cgroups.layout import read_layout
from budu.runtime.host import read_host
from budu.runtime.seccomp_profile import ProgramCache
from budu.shim.pool import ShimPool
from budu.spec.api.host_config import LogConfig


@dataclass(frozen=True, kw_only=True)
class Containers:
    """What `build_containers` gives."""

    service: ContainerService
    """Everything that happens to containers."""
    starter: ContainerStarter
    """Starts their processes."""
    cgroups: Cgroups
    """The host's cgroups."""
    cgroup_parent: str
    """The cgroup that those of containers are made in."""
    log_default: LogConfig
    """The log driver of containers that name none."""
    log_servers: LogServers
    """Where log drivers send to."""
    watch: Watch
    """Tells of changes to log files."""


def build_containers(
    options: Options,
    ground: Ground,
    storage: Storage,
    images: Images,
    volumes: Volumes,
    networks: Networks,
    *,
    shims: ShimPool,
    tasks: asyncio.TaskGroup,
) -> Containers:
    """The service of containers with its maker and its starter."""
    cgroups = choose_cgroups(read_layout())
    cgroup_parent = "/budu" + (f"-{options.instance}" if options.instance else "")
    log_default = default_log_config(options.log_driver, options.log_opts)
    log_servers = LogServers(ground.paths)
    watch = Watch()
    starter = ContainerStarter(
        paths=ground.paths,
        snapshots=storage.snapshots,
        networks=networks.service,
        volumes=volumes.service,
        cgroups=cgroups,
        cgroup_parent=cgroup_parent,
        shims=shims,
        seccomp=ProgramCache(str(options.data_root / "seccomp")),
        host=read_host(),
        find=ground.containers.get,
        log_servers=log_servers,
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
        log_default=log_default,
        features=cgroups.features(),
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
        stdio=Stdio(ground.paths, watch),
        paths=ground.paths,
        tasks=tasks,
    )
    return Containers(
        service=service,
        starter=starter,
        cgroups=cgroups,
        cgroup_parent=cgroup_parent,
        log_default=log_default,
        log_servers=log_servers,
        watch=watch,
    )
