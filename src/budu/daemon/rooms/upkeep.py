"""What an engine does for itself: meets what is there at its start, keeps its house in order."""

from __future__ import annotations

from dataclasses import dataclass

from budu.daemon.options import Options
from budu.daemon.rooms.containers import Containers
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.machine import Machine
from budu.daemon.rooms.networks import Networks
from budu.daemon.rooms.storage import Storage
from budu.daemon.rooms.volumes import Volumes
from budu.engine.housekeeping import Housekeeping
from budu.engine.leftovers import Leftovers
from budu.engine.logs.keeping import LogKeeper, budget_bytes
from budu.engine.reconcile import Reconciler


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """What `build_upkeep` gives."""

    reconciler: Reconciler
    """Meets the containers of the last engine."""
    housekeeping: Housekeeping
    """Deletes slowly what was put away."""
    log_keeper: LogKeeper
    """Keeps all logs within their budget."""


def build_upkeep(
    options: Options,
    ground: Ground,
    machine: Machine,
    storage: Storage,
    volumes: Volumes,
    networks: Networks,
    containers: Containers,
) -> Upkeep:
    """Nothing runs before the engine opens."""
    leftovers = Leftovers(
        ground.containers,
        storage.snapshots,
        machine.cgroups,
        ground.paths,
        cgroup_parent=machine.cgroup_parent,
    )
    return Upkeep(
        reconciler=Reconciler(
            ground.containers,
            containers.service,
            containers.starter,
            networks.service,
            volumes.service,
            leftovers,
            ground.paths,
        ),
        housekeeping=Housekeeping(
            storage.snapshots, storage.layers, reserve=ground.reserve, database=ground.database
        ),
        log_keeper=LogKeeper(
            ground.paths,
            budget_bytes(options.log_budget, options.data_root),
            ground.containers.all,
        ),
    )
