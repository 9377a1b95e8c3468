"""Samples of what containers use, in Docker's two shapes: cgroups version 1 and 2.

Source: Engine API 1.51, ContainerStatsResponse; moby 28.5, daemon/stats_unix.go (which counters of
memory.stat are told, and what is null).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from budu.base.clock import format_time
from budu.engine.contract.monitor import BlockUsage, Sample, Usage
from budu.spec.api.stats import (
    BlockEntry,
    BlockStats,
    ContainerStats,
    CpuStats,
    CpuTimes,
    LinkStats,
    MemoryStats,
    PidsStats,
    Throttling,
)

_V1_OWN = [
    "cache",
    "rss",
    "rss_huge",
    "mapped_file",
    "dirty",
    "writeback",
    "pgpgin",
    "pgpgout",
    "pgfault",
    "pgmajfault",
    "inactive_anon",
    "active_anon",
    "inactive_file",
    "active_file",
    "unevictable",
]
_V1 = (
    *_V1_OWN,
    "hierarchical_memory_limit",
    "hierarchical_memsw_limit",
    *(f"total_{name}" for name in _V1_OWN),
)
_V2 = [
    "anon",
    "file",
    "kernel_stack",
    "slab",
    "sock",
    "shmem",
    "file_mapped",
    "file_dirty",
    "file_writeback",
    "anon_thp",
    "inactive_anon",
    "active_anon",
    "inactive_file",
    "active_file",
    "unevictable",
    "slab_reclaimable",
    "slab_unreclaimable",
    "pgfault",
    "pgmajfault",
    "workingset_refault",
    "workingset_activate",
    "workingset_nodereclaim",
    "pgrefill",
    "pgscan",
    "pgsteal",
    "pgactivate",
    "pgdeactivate",
    "pglazyfree",
    "pglazyfreed",
    "thp_fault_alloc",
    "thp_collapse_alloc",
]


def stats_view(sample: Sample, previous: Sample | None) -> ContainerStats:
    """One sample with the one before it; all zeros for a container that does not run."""
    usage = sample.usage
    empty = ContainerStats(
        name=f"/{sample.name}",
        id=sample.id,
        os_type="linux",
        preread=format_time((previous.read_ns if previous else 0) or None),
        precpu_stats=_cpu(previous),
    )
    if usage is None:
        return empty
    return msgspec.structs.replace(
        empty,
        read=format_time(sample.read_ns),
        pids_stats=PidsStats(current=usage.pids, limit=usage.pids_limit or 0),
        blkio_stats=_blocks_v1(usage) if sample.cgroup_version == 1 else _blocks_v2(usage),
        cpu_stats=_cpu(sample),
        memory_stats=_memory(sample, usage),
        networks=_links(sample) or None,
    )


def _cpu(sample: Sample | None) -> CpuStats:
    if sample is None or sample.usage is None:
        return CpuStats()
    cpu = sample.usage.cpu
    return CpuStats(
        cpu_usage=CpuTimes(
            total_usage=cpu.total_ns,
            percpu_usage=list(cpu.percpu_ns) or None,
            usage_in_kernelmode=cpu.kernel_ns,
            usage_in_usermode=cpu.user_ns,
        ),
        system_cpu_usage=sample.system_ns,
        online_cpus=sample.online_cpus,
        throttling_data=Throttling(
            periods=cpu.periods,
            throttled_periods=cpu.throttled_periods,
            throttled_time=cpu.throttled_ns,
        ),
    )


def _memory(sample: Sample, usage: Usage) -> MemoryStats:
    """The limit is never more than the machine has."""
    memory, machine = usage.memory, sample.machine_memory
    names = _V1 if sample.cgroup_version == 1 else _V2
    return MemoryStats(
        usage=memory.usage,
        max_usage=(memory.max_usage or 0) if sample.cgroup_version == 1 else 0,
        stats={name: memory.detail.get(name, 0) for name in names} if memory.detail else None,
        failcnt=memory.failcnt or 0,
        limit=min(memory.limit or machine, machine) if memory.detail else 0,
    )


def _blocks_v1(usage: Usage) -> BlockStats:
    queues = {name: _entries(usage.block_queues.get(name, ())) for name in _QUEUES}
    return BlockStats(
        io_service_bytes_recursive=_entries(usage.block_bytes),
        io_serviced_recursive=_entries(usage.block_operations),
        **{_QUEUES[name]: entries for name, entries in queues.items()},
    )


_QUEUES = {
    "io_queued": "io_queue_recursive",
    "io_service_time": "io_service_time_recursive",
    "io_wait_time": "io_wait_time_recursive",
    "io_merged": "io_merged_recursive",
    "time": "io_time_recursive",
    "sectors": "sectors_recursive",
}


def _blocks_v2(usage: Usage) -> BlockStats:
    return BlockStats(io_service_bytes_recursive=_entries(usage.block_bytes) or None)


def _entries(counters: Iterable[BlockUsage]) -> list[BlockEntry]:
    return [
        BlockEntry(major=each.major, minor=each.minor, op=each.operation, value=each.value)
        for each in counters
    ]


def _links(sample: Sample) -> dict[str, LinkStats]:
    return {
        name: LinkStats(**{field: getattr(counters, field) for field in counters.__struct_fields__})
        for name, counters in sample.links.items()
    }
