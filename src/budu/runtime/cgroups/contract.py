"""A container's cgroup, whichever version of cgroups the host has.

Life cycle: `Cgroups.create` makes the directories and writes the limits; the child puts itself in
(`Placement`); `update`, `freeze`, `thaw`, `stats` work while it runs; `kill` ends everything
inside; `remove` takes the empty directories away. A later engine gets the same object by
`Cgroups.open` from the path alone: nothing is kept but the file system's own state.

Everything here blocks, for microseconds. What has to be repeated until the kernel is done
(freezing, killing, removing) is in `actions`, for asyncio. Limits are OCI records; which of them
the host can do is asked with `features`, and `fit.fit_resources` leaves out the others with
Docker's warnings.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from budu.spec.oci_runtime import Resources


class Write(NamedTuple):
    """A value for a control file. Of several files (names changed) the first that exists."""

    controller: str
    files: tuple[str, ...]
    value: str


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What the host's cgroups can do. Source: moby 28.3, pkg/sysinfo."""

    memory: bool = False
    swap: bool = False
    reservation: bool = False
    swappiness: bool = False
    oom_disable: bool = False
    cpu_shares: bool = False
    cpu_cfs: bool = False
    cpu_realtime: bool = False
    cpuset: bool = False
    pids: bool = False
    blkio_weight: bool = False
    blkio_weight_device: bool = False
    blkio_throttle: bool = False
    devices: bool = False
    hugetlb: bool = False


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """How a new process gets into the cgroup.

    It writes "0" to every file of `tasks` (v1: no process id, no `cgroup.procs`, which would wait
    for a grace period of the kernel), and is born by CLONE_INTO_CGROUP into the directory
    `unified` (v2; in the hybrid layout both; None when there is none).
    """

    tasks: tuple[str, ...] = ()
    unified: str | None = None


class MemoryUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes; None where the kernel does not count it. `detail` is memory.stat."""

    usage: int = 0
    max_usage: int | None = None
    limit: int | None = None
    failcnt: int | None = None
    detail: dict[str, int] = {}


class CpuUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Nanoseconds, and periods of the quota."""

    total_ns: int = 0
    user_ns: int = 0
    kernel_ns: int = 0
    percpu_ns: tuple[int, ...] = ()
    periods: int = 0
    throttled_periods: int = 0
    throttled_ns: int = 0


class BlockUsage(msgspec.Struct, frozen=True, kw_only=True):
    """One counter of a device; `operation` is read, write, sync, async, discard or total."""

    major: int
    minor: int
    operation: str
    value: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a container uses now. `pids_limit` None is no limit.

    `block_queues` are what only the v1 scheduler counts, by the end of its files' names
    (`io_queued`, `io_service_time`, `io_wait_time`, `io_merged`, `time`, `sectors`).
    """

    memory: MemoryUsage = MemoryUsage()
    cpu: CpuUsage = CpuUsage()
    pids: int = 0
    pids_limit: int | None = None
    block_bytes: tuple[BlockUsage, ...] = ()
    block_operations: tuple[BlockUsage, ...] = ()
    block_queues: dict[str, tuple[BlockUsage, ...]] = {}


class OomWatch(Protocol):
    """Becomes readable when memory ran out in a cgroup."""

    def fileno(self) -> int:
        """What to poll for reading."""

    def clear(self) -> None:
        """Make it unreadable until the next time."""

    def close(self) -> None:
        """Let go."""


class Cgroup(Protocol):
    """The cgroup of one container."""

    @property
    def path(self) -> str:
        """The path below the root of the hierarchies (`/docker/<id>`)."""

    @property
    def placement(self) -> Placement:
        """How a process gets in."""

    def update(self, resources: Resources) -> None:
        """Change limits; those that are None stay.

        Raises: InvalidArgument for a value that the kernel refuses; PermissionDenied.
        """

    def freeze(self) -> None:
        """Ask for everything inside to be stopped; `is_frozen` tells when it is."""

    def thaw(self) -> None:
        """Let it run again."""

    @property
    def is_frozen(self) -> bool:
        """Whether everything inside is stopped."""

    def kill(self) -> None:
        """Send SIGKILL to everything inside, once; what is forking meanwhile may escape on v1."""

    def pids(self) -> list[int]:
        """The processes inside, with those in groups below."""

    def usage(self) -> Usage:
        """What it uses now; zeros when the cgroup is gone."""

    def oom_kills(self) -> int:
        """How many processes the kernel killed for want of memory."""

    def watch_oom(self) -> OomWatch | None:
        """Hears of the next memory kill, after which `oom_kills` counts it. The caller closes it;
        None where the kernel does not tell."""

    def try_remove(self) -> bool:
        """Remove the directories; False while something is still inside."""


class Cgroups(Protocol):
    """The host's cgroups."""

    @property
    def version(self) -> int:
        """1 (also in the hybrid layout) or 2."""

    def features(self) -> Features:
        """What can be limited here."""

    def create(self, path: str, resources: Resources) -> Cgroup:
        """Make a cgroup and set its limits; nothing is left behind on failure.

        Raises: InvalidArgument for a value that the kernel refuses; PermissionDenied.
        """

    def names_below(self, path: str) -> set[str]:
        """The names of the cgroups right below `path`, in whichever hierarchy; none without it."""

    def open(self, path: str) -> Cgroup:
        """The cgroup at `path`, whether it is there or not."""
