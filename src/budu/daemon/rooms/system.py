"""What the engine tells of itself and its host."""

from __future__ import annotations

from collections.abc import Callable

from budu.daemon.options import Options
from budu.daemon.rooms.house import House
from budu.engine.system import HostFacts, SystemService


def build_system(options: Options, house: House, *, shutdown: Callable[[], None]) -> SystemService:
    """The service, with what of the host is read once; `shutdown` ends the engine soon."""
    ground, cgroups = house.ground, house.machine.cgroups
    facts = HostFacts(
        engine_id=ground.engine_id,
        data_root=str(options.data_root),
        storage_driver="overlay2",
        storage_status=(("Layers", house.storage.summary),),
        cgroup_version=cgroups.version,
        cgroup_features=cgroups.features(),
        logging_driver=house.machine.log_default.type,
    )
    return SystemService(
        facts,
        house.distribution.hosts,
        ground.events,
        containers=ground.containers.all,
        images=lambda: len(ground.images),
        plugins=house.plugins.names,
        login=house.distribution.sign_in,
        shutdown=shutdown,
        debug=options.debug,
    )
