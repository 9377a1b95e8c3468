"""What the engine knows of a container.

One record per container, immutable; a change makes a new record and stores it. Docker's booleans
(`Running`, `Paused`, `Dead` …) are computed from `status` in `api.views`, never stored.
Neighbours: `lifecycle` says which status may follow, `repository` stores, `service` acts.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from budu.engine.containers.health_state import HealthState, HealthStatus
from budu.network.contract import EndpointState
from budu.spec.api.container import ContainerConfig
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import EndpointSettings


class Status(StrEnum):
    """Docker's container statuses, as `State.Status` prints them."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class MountKind(StrEnum):
    """Docker's mount types."""

    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"
    IMAGE = "image"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One file system put into the container besides its root.

    `source` is a host path (bind, volume) or empty (tmpfs); `name` the volume's name;
    `options` are mount words after Docker's syntax (`ro`, `z`, `rprivate`, `size=64m` …);
    `anonymous` volumes go with the container on `rm -v` and `--rm`; `labels` and `driver_options`
    are for a volume that has to be made, and empty afterwards. `image_id` and `image_layers` are
    of a mounted image, whose reference is `name`. `mine` shows the owner on the host as the
    container's user. `shallow_read_only` leaves mounts below a read-only one as they are.
    """

    kind: MountKind
    destination: str
    source: str = ""
    name: str = ""
    driver: str = ""
    read_only: bool = False
    propagation: str = ""
    mode: str = ""
    options: tuple[str, ...] = ()
    anonymous: bool = False
    no_copy: bool = False
    subpath: str = ""
    recursive: bool = True
    force_recursive_read_only: bool = False
    labels: dict[str, str] = {}
    driver_options: dict[str, str] = {}
    image_id: str = ""
    image_layers: tuple[str, ...] = ()
    mine: bool = False
    shallow_read_only: bool = False


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A name that a container has for another one; see `links`."""

    container_id: str
    alias: str


class EndCause(StrEnum):
    """What ended a container's last life."""

    FINISHED = "finished"
    FAILED = "failed"
    SIGNAL = "signal"
    OUT_OF_MEMORY = "out-of-memory"
    NOT_FOUND = "not-found"
    NOT_EXECUTABLE = "not-executable"
    NOT_STARTED = "not-started"
    LOST = "lost"


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a container's last life ended; see `endings`. Sizes in bytes.

    `signal` is the name of the one that killed process 1; `by` the operation of this engine that
    asked for it (`stop`, `kill`, `restart`, `rm`, `health`), empty when it was none; `force` is
    `timeout` or `no-handler` when a stop had to kill. `oom_kills` counts processes that the kernel
    killed for want of memory, `memory_limit` is the limit then, 0 for none.
    """

    cause: EndCause
    exit_code: int = 0
    signal: str = ""
    by: str = ""
    force: str = ""
    oom_kills: int = 0
    memory_limit: int = 0
    program: str = ""
    image: str = ""


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One container. Times are unix nanoseconds, 0 for never.

    `config` is merged with the image's; `path` and `args` are the program after the merge.
    `pid` is the init process as the host counts, 0 when there is none; `pid_started` its start
    time in clock ticks (`/proc/PID/stat`, field 22), which makes the pair unique until reboot.
    `endpoints` maps a network's name to what the network gave; empty when not running.
    `endpoint_settings` is what the user asked for, by network name.
    `health` is None for a container without a probe, and before its first start.
    `links` are names it has for others, `linked_as` such names that others have for it.
    `removes_volumes` says of one that is being removed that its anonymous volumes go with it.
    `is_passing` says that its files need not outlive a crash of the machine, and
    that it goes with its engine: a step of a build.
    `ending` tells of the last life that is over; `told_deaf` that somebody was told once that
    process 1 has no handler for the stop signal.
    """

    id: str
    name: str
    created_ns: int
    image_id: str
    image_name: str
    diff_ids: tuple[str, ...]
    platform_os: str = "linux"
    path: str
    args: tuple[str, ...]
    config: ContainerConfig
    host_config: HostConfig
    mounts: tuple[Mount, ...] = ()
    endpoint_settings: dict[str, EndpointSettings] = {}
    endpoints: dict[str, EndpointState] = {}
    links: tuple[Link, ...] = ()
    linked_as: tuple[str, ...] = ()
    status: Status = Status.CREATED
    pid: int = 0
    pid_started: int = 0
    boot_id: str = ""
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_ns: int = 0
    finished_ns: int = 0
    restart_count: int = 0
    stopped_by_user: bool = False
    ending: Ending | None = None
    told_deaf: bool = False
    removes_volumes: bool = False
    warnings: tuple[str, ...] = ()
    is_passing: bool = False
    health: HealthState | None = None

    @property
    def short_id(self) -> str:
        """The first twelve hex digits."""
        return self.id[:12]

    @property
    def all_layers(self) -> tuple[str, ...]:
        """Diff ids of everything it stands on: its image's and those of mounted images."""
        mounted = (layer for each in self.mounts for layer in each.image_layers)
        return (*self.diff_ids, *mounted)

    @property
    def is_volatile(self) -> bool:
        """Whether nothing of its root need be written to the disk for good."""
        return self.is_passing or self.host_config.auto_remove

    @property
    def is_running(self) -> bool:
        """Whether processes exist (paused counts, restarting does not)."""
        return self.status in (Status.RUNNING, Status.PAUSED)

    @property
    def health_status(self) -> HealthStatus:
        """Docker's word for the health; `none` without a probe."""
        return self.health.status if self.health is not None else HealthStatus.NONE

    @property
    def log_driver(self) -> str:
        """Name of the log driver; empty where nobody has named one."""
        return self.host_config.log_config.type

    @property
    def tty(self) -> bool:
        """Whether stdio is a terminal: one raw stream instead of framed ones."""
        return bool(self.config.tty)
