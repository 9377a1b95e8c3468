"""What accompanies running containers: each is told of every start and every end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from budu.daemon.options import Options
from budu.daemon.rooms.containers import Containers
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.machine import Machine
from budu.daemon.rooms.networks import Networks
from budu.engine.containers.health import HealthService
from budu.engine.containers.linked_hosts import LinkedHosts
from budu.engine.containers.memory_kills import MemoryKills
from budu.engine.containers.monitor import MonitorService
from budu.engine.containers.observers import LifeObserver
from budu.engine.containers.probe_exec import ProgramProbes
from budu.engine.containers.probe_net import ConnectionProbes
from budu.engine.containers.probes import Prober
from budu.engine.execs.service import ExecService
from budu.engine.logs.service import LogService
from budu.engine.names.service import NameService
from budu.shim.execs import ExecKeepers
from budu.shim.pool import ShimPool


@dataclass(frozen=True, kw_only=True)
class Companions:
    """What `build_companions` gives."""

    health: HealthService
    """Asks whether they are well."""
    execs: ExecService
    """More processes in them."""
    names: NameService
    """Answers their questions for names."""
    links: LinkedHosts
    """Writes addresses of linked containers into their hosts files."""
    logs: LogService
    """Sends their logs to where they shall go."""
    memory_kills: MemoryKills
    """Tells who was killed for want of memory."""
    monitor: MonitorService
    """Samples what they use."""

    @property
    def observers(self) -> tuple[LifeObserver, ...]:
        """All of them, in the order in which they are told."""
        return (
            self.health,
            self.execs,
            self.names,
            self.links,
            self.logs,
            self.memory_kills,
            self.monitor,
        )


def build_companions(
    options: Options,
    ground: Ground,
    machine: Machine,
    networks: Networks,
    containers: Containers,
    *,
    shims: ShimPool,
    tasks: asyncio.TaskGroup,
) -> Companions:
    """All of them; whoever composes lets them observe the service."""
    service = containers.service
    probes = ProgramProbes(ground.paths, shims, containers.starter, emit=service.emit)
    return Companions(
        health=HealthService(
            service, Prober(probes, ConnectionProbes()), ground.database, tasks=tasks
        ),
        execs=ExecService(service, containers.starter, ExecKeepers(shims), tasks=tasks),
        names=NameService(
            ground.containers, is_internal=networks.service.is_internal, servers=options.dns
        ),
        links=LinkedHosts(ground.containers, networks.service, ground.paths),
        logs=LogService(
            service,
            ground.paths,
            machine.watch,
            servers=machine.log_servers,
            all_containers=ground.containers.all,
            tasks=tasks,
        ),
        memory_kills=MemoryKills(service),
        monitor=MonitorService(service, cgroup_version=machine.cgroups.version, tasks=tasks),
    )
