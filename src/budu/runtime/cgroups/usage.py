"""Reads what a cgroup uses.

Source: kernel, Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst; moby 28.3,
daemon/stats_unix.go (names of the operations).
"""

from __future__ import annotations

import os

from budu.runtime.cgroups.contract import BlockUsage, CpuUsage, MemoryUsage, Usage
from budu.runtime.cgroups.files import read_control, read_number, read_table

_V1_QUEUES = ("io_queued", "io_service_time", "io_wait_time", "io_merged", "time", "sectors")
_V2_OPERATIONS = {"rbytes": "read", "wbytes": "write", "rios": "read", "wios": "write"}


def usage_v1(directories: dict[str, str]) -> Usage:
    """Usage by v1 control files, from the container's directory of each controller."""
    pids, blkio = directories.get("pids", ""), directories.get("blkio", "")
    return Usage(
        memory=_memory_v1(directories.get("memory", "")),
        cpu=_cpu_v1(directories.get("cpuacct", ""), directories.get("cpu", "")),
        pids=read_number(f"{pids}/pids.current") or 0,
        pids_limit=read_number(f"{pids}/pids.max"),
        block_bytes=_block_v1(blkio, "io_service_bytes_recursive"),
        block_operations=_block_v1(blkio, "io_serviced_recursive"),
        block_queues=_queues_v1(blkio),
    )


def usage_v2(directory: str) -> Usage:
    """Usage by v2 control files."""
    table = _io_stat(read_control(f"{directory}/io.stat"))
    return Usage(
        memory=_memory_v2(directory),
        cpu=_cpu_v2(read_table(f"{directory}/cpu.stat")),
        pids=read_number(f"{directory}/pids.current") or 0,
        pids_limit=read_number(f"{directory}/pids.max"),
        block_bytes=tuple(entry for key, entry in table if key.endswith("bytes")),
        block_operations=tuple(entry for key, entry in table if key.endswith("ios")),
    )


def parse_blkio(text: str) -> tuple[BlockUsage, ...]:
    """Lines such as `8:0 Read 4096`; the sum over all devices is passed over."""
    found = []
    for line in text.splitlines():
        device, _, rest = line.partition(" ")
        operation, _, value = rest.partition(" ")
        major, colon, minor = device.partition(":")
        if colon and value.isdecimal():
            found.append(
                BlockUsage(
                    major=int(major),
                    minor=int(minor),
                    operation=operation.lower(),
                    value=int(value),
                )
            )
    return tuple(found)


def _memory_v1(directory: str) -> MemoryUsage:
    return MemoryUsage(
        usage=read_number(f"{directory}/memory.usage_in_bytes") or 0,
        max_usage=read_number(f"{directory}/memory.max_usage_in_bytes"),
        limit=read_number(f"{directory}/memory.limit_in_bytes"),
        failcnt=read_number(f"{directory}/memory.failcnt"),
        detail=read_table(f"{directory}/memory.stat"),
    )


def _cpu_v1(cpuacct: str, cpu: str) -> CpuUsage:
    quota = read_table(f"{cpu}/cpu.stat")
    percpu = read_control(f"{cpuacct}/cpuacct.usage_percpu").split()
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    split = read_table(f"{cpuacct}/cpuacct.stat")
    return CpuUsage(
        total_ns=read_number(f"{cpuacct}/cpuacct.usage") or 0,
        user_ns=split.get("user", 0) * tick_ns,
        kernel_ns=split.get("system", 0) * tick_ns,
        percpu_ns=tuple(int(value) for value in percpu),
        periods=quota.get("nr_periods", 0),
        throttled_periods=quota.get("nr_throttled", 0),
        throttled_ns=quota.get("throttled_time", 0),
    )


def _block_v1(directory: str, counter: str) -> tuple[BlockUsage, ...]:
    """The counter of the throttling policy, which is always there; else of the scheduler."""
    for prefix in ("blkio.throttle", "blkio.bfq"):
        found = parse_blkio(read_control(f"{directory}/{prefix}.{counter}"))
        if found:
            return found
    return ()


def _queues_v1(directory: str) -> dict[str, tuple[BlockUsage, ...]]:
    """What the scheduler counts besides; nothing on kernels that do not show it."""
    files = {name: f"{directory}/blkio.bfq.{name}_recursive" for name in _V1_QUEUES}
    return {
        name: parse_blkio(read_control(path))
        for name, path in files.items()
        if os.path.exists(path)
    }


def _memory_v2(directory: str) -> MemoryUsage:
    return MemoryUsage(
        usage=read_number(f"{directory}/memory.current") or 0,
        max_usage=read_number(f"{directory}/memory.peak"),
        limit=read_number(f"{directory}/memory.max"),
        failcnt=read_table(f"{directory}/memory.events").get("oom"),
        detail=read_table(f"{directory}/memory.stat"),
    )


def _cpu_v2(table: dict[str, int]) -> CpuUsage:
    return CpuUsage(
        total_ns=table.get("usage_usec", 0) * 1000,
        user_ns=table.get("user_usec", 0) * 1000,
        kernel_ns=table.get("system_usec", 0) * 1000,
        periods=table.get("nr_periods", 0),
        throttled_periods=table.get("nr_throttled", 0),
        throttled_ns=table.get("throttled_usec", 0) * 1000,
    )


def _io_stat(text: str) -> list[tuple[str, BlockUsage]]:
    """(key, counter) of lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0`."""
    found = []
    for line in text.splitlines():
        device, *pairs = line.split()
        major, _, minor = device.partition(":")
        for pair in pairs:
            key, _, value = pair.partition("=")
            if key in _V2_OPERATIONS and minor.isdecimal():
                usage = BlockUsage(
                    major=int(major),
                    minor=int(minor),
                    operation=_V2_OPERATIONS[key],
                    value=int(value),
                )
                found.append((key, usage))
    return found
