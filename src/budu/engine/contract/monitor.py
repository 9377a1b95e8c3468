"""Looking at what runs: samples of what containers use, and their processes.

Life of a sampler: the first who follows a container starts it, everybody else who follows the same
container shares it, and it ends with the last of them or when the container is removed. See
`engine.containers.monitor` and `engine.containers.processes`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from budu.runtime.cgroups.contract import BlockUsage, Usage

__all__ = ["BlockUsage", "LinkCounters", "Monitor", "ProcessTable", "Processes", "Sample", "Usage"]


class LinkCounters(msgspec.Struct, frozen=True, kw_only=True):
    """What went through one network link, as the container sees it."""

    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a container uses at one moment.

    `usage` is None when it does not run, and everything below is empty then. `system_ns` is the CPU
    time of the whole host so far, idle included; `machine_memory` its memory in bytes; `links` goes
    by the name inside the container. `cgroup_version` says which counters there are.
    """

    id: str
    name: str
    read_ns: int = 0
    usage: Usage | None = None
    cgroup_version: int = 1
    system_ns: int = 0
    online_cpus: int = 0
    machine_memory: int = 0
    links: dict[str, LinkCounters] = {}


class Monitor(Protocol):
    """Samples of what containers use."""

    async def sample(self, ref: str) -> Sample:
        """One sample now. Raises: NotFound."""

    def follow(self, ref: str) -> AsyncIterator[Sample]:
        """A sample at once and then one a second, until the container is removed.

        Samples that the caller is too slow for are left out. Raises: NotFound, at once.
        """


class ProcessTable(msgspec.Struct, frozen=True, kw_only=True):
    """Processes as `ps` shows them: as many cells in a row as there are titles."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Processes(Protocol):
    """What runs in containers."""

    async def top(self, ref: str, arguments: str) -> ProcessTable:
        """The processes of a container; `arguments` are those of `ps`, `-ef` when empty.

        Raises: NotFound; Conflict when it does not run; Internal for what `ps` refuses.
        """
