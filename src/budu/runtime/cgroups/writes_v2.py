"""Which values go into which v2 control files. Pure.

Source: kernel, Documentation/admin-guide/cgroup-v2.rst; runc, libcontainer/cgroups/fs2 (how v1
shares and weights become v2 weights).
"""

from __future__ import annotations

from budu.runtime.cgroups.contract import Write
from budu.spec.oci_runtime import CPU, BlockIO, Memory, Resources, ThrottleDevice

_DEFAULT_PERIOD_US = 100_000


def v2_writes(resources: Resources) -> list[Write]:
    """All writes but the device program, in order. The controller names what must be enabled."""
    writes = _memory(resources.memory or Memory())
    writes += _cpu(resources.cpu or CPU())
    if resources.pids is not None:
        limit = resources.pids.limit
        writes.append(Write("pids", ("pids.max",), str(limit) if limit > 0 else "max"))
    writes += _block_io(resources.block_io or BlockIO())
    for page in resources.hugepage_limits:
        writes.append(Write("hugetlb", (f"hugetlb.{page.page_size}.max",), str(page.limit)))
    for file, value in resources.unified.items():
        writes.append(Write(file.partition(".")[0], (file,), value))
    return writes


def cpu_weight(shares: int) -> int:
    """v2 weight (1 to 10000) of v1 shares (2 to 262144)."""
    if shares == 0:
        return 0
    return 1 + (min(max(shares, 2), 262_144) - 2) * 9999 // 262_142


def io_weight(weight: int) -> int:
    """v2 weight (1 to 10000) of a v1 weight (10 to 1000)."""
    return 1 + (weight - 10) * 9999 // 990


def _memory(memory: Memory) -> list[Write]:
    writes = []
    limit, swap = memory.limit, memory.swap
    if limit == -1 and swap is None:
        swap = -1
    if swap is not None and (swap == -1 or (limit is not None and limit > 0)):
        # Docker's swap is memory and swap together, the kernel's is swap alone.
        amount = -1 if swap == -1 else swap - (limit or 0)
        writes.append(Write("memory", ("memory.swap.max",), _limit(amount)))
    if limit is not None:
        writes.append(Write("memory", ("memory.max",), _limit(limit)))
    if memory.reservation is not None:
        writes.append(Write("memory", ("memory.low",), _limit(memory.reservation)))
    return writes


def _limit(value: int) -> str:
    return "max" if value < 0 else str(value)


def _cpu(cpu: CPU) -> list[Write]:
    writes = []
    if cpu.idle is not None:
        writes.append(Write("cpu", ("cpu.idle",), str(cpu.idle)))
    if cpu.shares:
        writes.append(Write("cpu", ("cpu.weight",), str(cpu_weight(cpu.shares))))
    if cpu.quota is not None or cpu.period is not None:
        quota = str(cpu.quota) if cpu.quota is not None and cpu.quota > 0 else "max"
        writes.append(Write("cpu", ("cpu.max",), f"{quota} {cpu.period or _DEFAULT_PERIOD_US}"))
    if cpu.burst is not None:
        writes.append(Write("cpu", ("cpu.max.burst",), str(cpu.burst)))
    if cpu.cpus:
        writes.append(Write("cpuset", ("cpuset.cpus",), cpu.cpus))
    if cpu.mems:
        writes.append(Write("cpuset", ("cpuset.mems",), cpu.mems))
    return writes


def _block_io(block_io: BlockIO) -> list[Write]:
    writes = []
    if block_io.weight:
        value = f"default {io_weight(block_io.weight)}"
        writes.append(Write("io", ("io.weight",), value))
    for device in block_io.weight_device:
        value = f"{device.major}:{device.minor} {io_weight(device.weight or 10)}"
        writes.append(Write("io", ("io.weight",), value))
    writes += _throttles("rbps", block_io.throttle_read_bps_device)
    writes += _throttles("wbps", block_io.throttle_write_bps_device)
    writes += _throttles("riops", block_io.throttle_read_iops_device)
    writes += _throttles("wiops", block_io.throttle_write_iops_device)
    return writes


def _throttles(kind: str, devices: tuple[ThrottleDevice, ...]) -> list[Write]:
    return [
        Write("io", ("io.max",), f"{device.major}:{device.minor} {kind}={device.rate or 'max'}")
        for device in devices
    ]
