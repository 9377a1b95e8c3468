"""What of the machine containers run in, and where their output goes."""

from __future__ import annotations

from dataclasses import dataclass

from budu.daemon.options import Options
from budu.daemon.rooms.ground import Ground
from budu.engine.logs.defaults import default_log_config
from budu.engine.logs.servers import LogServers
from budu.logs.watch import Watch
from budu.runtime.cgroups.choose import choose_cgroups
from budu.runtime.cgroups.contract import Cgroups
from budu.runtime.cgroups.layout import read_layout
from budu.spec.api.host_config import LogConfig


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What `meet_machine` gives."""

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


def meet_machine(options: Options, ground: Ground) -> Machine:
    """Find out which cgroups there are. Each engine on a machine has a parent of its own."""
    return Machine(
        cgroups=choose_cgroups(read_layout()),
        cgroup_parent="/budu" + (f"-{options.instance}" if options.instance else ""),
        log_default=default_log_config(options.log_driver, options.log_opts),
        log_servers=LogServers(ground.paths),
        watch=Watch(),
    )
