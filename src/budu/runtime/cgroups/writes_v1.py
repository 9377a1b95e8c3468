"""Which values go into which v1 control files. Pure.

Source: kernel, Documentation/admin-guide/cgroup-v1; OCI runtime-spec 1.2, config-linux.md
"Control groups"; runc, libcontainer/cgroups/fs (order of memory and swap limits).
"""

from __future__ import annotations

from budu.runtime.cgroups.contract import Write
from budu.spec.oci_runtime import CPU, BlockIO, DeviceRule, Memory, NetworkResources, Resources


def v1_writes(resources: Resources, *, memory_limit: int | None = None) -> list[Write]:
    """All writes but those for devices, in order.

    `memory_limit` is the limit that is set now in bytes, None for no limit: the limit of memory
    with swap must never be below the one of memory.
    """
    writes = [*_memory(resources.memory or Memory(), memory_limit)]
    writes += _cpu(resources.cpu or CPU())
    if resources.pids is not None:
        writes.append(Write("pids", ("pids.max",), _count(resources.pids.limit)))
    writes += _block_io(resources.block_io or BlockIO())
    for limit in resources.hugepage_limits:
        file = f"hugetlb.{limit.page_size}.limit_in_bytes"
        writes.append(Write("hugetlb", (file,), str(limit.limit)))
    writes += _network(resources.network or NetworkResources())
    return writes


def device_writes(rules: tuple[DeviceRule, ...]) -> list[Write]:
    """The device rules, in order."""
    return [
        Write("devices", ("devices.allow" if rule.allow else "devices.deny",), _device(rule))
        for rule in rules
    ]


def _device(rule: DeviceRule) -> str:
    kind = rule.type or "a"
    access = rule.access or "rwm"
    if kind == "a" and rule.major is None and rule.minor is None and set(access) == set("rwm"):
        return "a"
    return f"{kind} {_number(rule.major)}:{_number(rule.minor)} {access}"


def _number(value: int | None) -> str:
    return "*" if value is None or value < 0 else str(value)


def _count(value: int) -> str:
    return str(value) if value > 0 else "max"


def _memory(memory: Memory, current_limit: int | None) -> list[Write]:
    limit, swap = memory.limit, memory.swap
    if limit == -1 and swap is None:
        swap = -1
    writes = []
    if limit is not None:
        writes.append(_file("memory", "memory.limit_in_bytes", limit))
    if swap is not None:
        write = _file("memory", "memory.memsw.limit_in_bytes", swap)
        grows = current_limit is not None and (swap == -1 or current_limit < swap)
        writes.insert(0 if grows else len(writes), write)
    if memory.reservation is not None:
        writes.append(_file("memory", "memory.soft_limit_in_bytes", memory.reservation))
    if memory.kernel_tcp is not None:
        writes.append(_file("memory", "memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp))
    if memory.swappiness is not None:
        writes.append(_file("memory", "memory.swappiness", memory.swappiness))
    if memory.disable_oom_killer is not None:
        writes.append(_file("memory", "memory.oom_control", int(memory.disable_oom_killer)))
    return writes


def _cpu(cpu: CPU) -> list[Write]:
    values = (
        ("cpu.shares", cpu.shares),
        ("cpu.cfs_period_us", cpu.period),
        ("cpu.cfs_quota_us", cpu.quota),
        ("cpu.cfs_burst_us", cpu.burst),
        ("cpu.rt_period_us", cpu.realtime_period),
        ("cpu.rt_runtime_us", cpu.realtime_runtime),
        ("cpu.idle", cpu.idle),
    )
    writes = [_file("cpu", name, value) for name, value in values if value is not None]
    if cpu.cpus:
        writes.append(Write("cpuset", ("cpuset.cpus",), cpu.cpus))
    if cpu.mems:
        writes.append(Write("cpuset", ("cpuset.mems",), cpu.mems))
    return writes


def _block_io(block_io: BlockIO) -> list[Write]:
    writes = []
    if block_io.weight is not None:
        files = ("blkio.weight", "blkio.bfq.weight")
        writes.append(Write("blkio", files, str(block_io.weight)))
    if block_io.leaf_weight is not None:
        writes.append(_file("blkio", "blkio.leaf_weight", block_io.leaf_weight))
    for device in block_io.weight_device:
        files = ("blkio.weight_device", "blkio.bfq.weight_device")
        value = f"{device.major}:{device.minor} {device.weight or 0}"
        writes.append(Write("blkio", files, value))
    throttles = (
        ("read_bps", block_io.throttle_read_bps_device),
        ("write_bps", block_io.throttle_write_bps_device),
        ("read_iops", block_io.throttle_read_iops_device),
        ("write_iops", block_io.throttle_write_iops_device),
    )
    for kind, devices in throttles:
        for throttle in devices:
            value = f"{throttle.major}:{throttle.minor} {throttle.rate}"
            writes.append(Write("blkio", (f"blkio.throttle.{kind}_device",), value))
    return writes


def _network(network: NetworkResources) -> list[Write]:
    writes = []
    if network.class_id is not None:
        writes.append(_file("net_cls", "net_cls.classid", network.class_id))
    for priority in network.priorities:
        value = f"{priority.name} {priority.priority}"
        writes.append(Write("net_prio", ("net_prio.ifpriomap",), value))
    return writes


def _file(controller: str, name: str, value: int) -> Write:
    return Write(controller, (name,), str(value))
