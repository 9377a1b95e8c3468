"""What a container uses: a sample as `stats` streams it.

Counters of processor time are nanoseconds, of memory and traffic bytes. What only Windows fills is
always zero here.
Source: Engine API 1.51, ContainerStatsResponse; moby 28.5, api/types/container/stats.go.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import NULL, TEXT, ZERO
from budu.spec.api.network import ZERO_TIME


class _Lower(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Names on the wire are ours: lower case with underscores."""


class CpuTimes(_Lower, frozen=True, kw_only=True):
    """Nanoseconds used; `percpu_usage` only where cgroups count it (version 1)."""

    total_usage: int = ZERO
    percpu_usage: list[int] | None = None
    usage_in_kernelmode: int = ZERO
    usage_in_usermode: int = ZERO


class Throttling(_Lower, frozen=True, kw_only=True):
    """How the quota held it back."""

    periods: int = ZERO
    throttled_periods: int = ZERO
    throttled_time: int = ZERO


class CpuStats(_Lower, frozen=True, kw_only=True):
    """Processor time of the container and, as `system_cpu_usage`, of the whole host."""

    cpu_usage: CpuTimes = msgspec.field(default_factory=lambda: CpuTimes())
    system_cpu_usage: int = 0
    online_cpus: int = 0
    throttling_data: Throttling = msgspec.field(default_factory=lambda: Throttling())


class MemoryStats(_Lower, frozen=True, kw_only=True):
    """Bytes; `stats` are the kernel's own counters, other ones in version 1 and 2."""

    usage: int = 0
    max_usage: int = 0
    stats: dict[str, int] | None = None
    failcnt: int = 0
    limit: int = 0


class BlockEntry(_Lower, frozen=True, kw_only=True):
    """One counter of one device."""

    major: int = ZERO
    minor: int = ZERO
    op: str = TEXT
    value: int = ZERO


class BlockStats(_Lower, frozen=True, kw_only=True):
    """Counters of block devices; null where the host's cgroups do not have them."""

    io_service_bytes_recursive: list[BlockEntry] | None = NULL
    io_serviced_recursive: list[BlockEntry] | None = NULL
    io_queue_recursive: list[BlockEntry] | None = NULL
    io_service_time_recursive: list[BlockEntry] | None = NULL
    io_wait_time_recursive: list[BlockEntry] | None = NULL
    io_merged_recursive: list[BlockEntry] | None = NULL
    io_time_recursive: list[BlockEntry] | None = NULL
    sectors_recursive: list[BlockEntry] | None = NULL


class PidsStats(_Lower, frozen=True, kw_only=True):
    """Processes and threads, and how many there may be; no limit when it is left out."""

    current: int = 0
    limit: int = 0


class StorageStats(_Lower, frozen=True, kw_only=True):
    """Windows only; always empty."""


class LinkStats(_Lower, frozen=True, kw_only=True):
    """What went through one network link, as the container sees it."""

    rx_bytes: int = ZERO
    rx_packets: int = ZERO
    rx_errors: int = ZERO
    rx_dropped: int = ZERO
    tx_bytes: int = ZERO
    tx_packets: int = ZERO
    tx_errors: int = ZERO
    tx_dropped: int = ZERO


class ContainerStats(_Lower, frozen=True, kw_only=True):
    """One sample; `preread` and `precpu_stats` are of the one before. Times are RFC 3339."""

    name: str = ""
    id: str = ""
    os_type: str = ""
    read: str = msgspec.field(default_factory=lambda: ZERO_TIME)
    preread: str = msgspec.field(default_factory=lambda: ZERO_TIME)
    pids_stats: PidsStats = msgspec.field(default_factory=lambda: PidsStats())
    blkio_stats: BlockStats = msgspec.field(default_factory=lambda: BlockStats())
    num_procs: int = ZERO
    storage_stats: StorageStats = msgspec.field(default_factory=lambda: StorageStats())
    cpu_stats: CpuStats = msgspec.field(default_factory=lambda: CpuStats())
    precpu_stats: CpuStats = msgspec.field(default_factory=lambda: CpuStats())
    memory_stats: MemoryStats = msgspec.field(default_factory=lambda: MemoryStats())
    networks: dict[str, LinkStats] | None = None
