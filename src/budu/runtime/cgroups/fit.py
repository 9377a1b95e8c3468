"""Leaves out the limits that the host cannot do, with Docker's warnings. Pure.

Source: moby 28.3, daemon/daemon_unix.go (verifyPlatformContainerResources).
"""

from __future__ import annotations

import msgspec

from budu.base.errors import InvalidArgument
from budu.runtime.cgroups.contract import Features
from budu.spec.oci_runtime import CPU, BlockIO, Memory, Resources

_KERNEL = "Your kernel does not support"
_MOUNTED = "or the cgroup is not mounted."

NO_CPU_LIMIT = (
    "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler "
    "or the cgroup is not mounted"
)
"""Docker's sentence for `--cpus` on a host without CPU quotas; an error, not a warning."""


def fit_resources(resources: Resources, features: Features) -> tuple[Resources, list[str]]:
    """The limits that can be set here, and a warning for each that cannot."""
    warnings: list[str] = []
    memory = resources.memory and _fit_memory(resources.memory, features, warnings)
    cpu = resources.cpu and _fit_cpu(resources.cpu, features, warnings)
    pids = resources.pids
    if pids is not None and pids.limit > 0 and not features.pids:
        warnings.append(f"{_KERNEL} PIDs limit capabilities {_MOUNTED} PIDs limit discarded.")
        pids = None
    block_io = resources.block_io and _fit_block_io(resources.block_io, features, warnings)
    fitted = msgspec.structs.replace(
        resources,
        memory=memory,
        cpu=cpu,
        pids=pids if features.pids else None,
        block_io=block_io,
        hugepage_limits=resources.hugepage_limits if features.hugetlb else (),
    )
    return fitted, warnings


def require_cpu_quota(features: Features) -> None:
    """Refuse `--cpus` where it has no effect.

    Raises: InvalidArgument.
    """
    if not features.cpu_cfs:
        raise InvalidArgument(NO_CPU_LIMIT)


def _fit_memory(memory: Memory, features: Features, warnings: list[str]) -> Memory:
    if memory.limit and memory.limit > 0 and not features.memory:
        warnings.append(f"{_KERNEL} memory limit capabilities {_MOUNTED} Limitation discarded.")
        memory = msgspec.structs.replace(memory, limit=None, swap=None)
    if memory.limit and memory.limit > 0 and memory.swap != -1 and not features.swap:
        warnings.append(
            f"{_KERNEL} swap limit capabilities {_MOUNTED} Memory limited without swap."
        )
    if not features.swap:
        memory = msgspec.structs.replace(memory, swap=None)
    if memory.swappiness is not None and not features.swappiness:
        warnings.append(
            f"{_KERNEL} memory swappiness capabilities {_MOUNTED} Memory swappiness discarded."
        )
        memory = msgspec.structs.replace(memory, swappiness=None)
    if memory.reservation and not features.reservation:
        warnings.append(
            f"{_KERNEL} memory soft limit capabilities {_MOUNTED} Limitation discarded."
        )
        memory = msgspec.structs.replace(memory, reservation=None)
    return _fit_oom(memory, features, warnings)


def _fit_oom(memory: Memory, features: Features, warnings: list[str]) -> Memory:
    wanted = memory.disable_oom_killer
    if wanted is not None and not features.oom_disable:
        if wanted:
            warnings.append(f"{_KERNEL} OomKillDisable. OomKillDisable discarded.")
        return msgspec.structs.replace(memory, disable_oom_killer=None)
    if wanted and (not memory.limit or memory.limit < 0):
        warnings.append(
            "OOM killer is disabled for the container, but no memory limit is set, this can "
            "result in the system running out of resources."
        )
    return memory


def _fit_cpu(cpu: CPU, features: Features, warnings: list[str]) -> CPU:
    if cpu.shares and not features.cpu_shares:
        warnings.append(f"{_KERNEL} CPU shares {_MOUNTED} Shares discarded.")
        cpu = msgspec.structs.replace(cpu, shares=None)
    if (cpu.period or cpu.quota) and not features.cpu_cfs:
        warnings.append(f"{_KERNEL} CPU CFS scheduler. CPU period/quota discarded.")
        cpu = msgspec.structs.replace(cpu, period=None, quota=None)
    if (cpu.cpus or cpu.mems) and not features.cpuset:
        warnings.append(f"{_KERNEL} cpuset {_MOUNTED} Cpuset discarded.")
        cpu = msgspec.structs.replace(cpu, cpus="", mems="")
    return cpu


def _fit_block_io(block_io: BlockIO, features: Features, warnings: list[str]) -> BlockIO:
    if block_io.weight and not features.blkio_weight:
        warnings.append(f"{_KERNEL} Block I/O weight {_MOUNTED} Weight discarded.")
        block_io = msgspec.structs.replace(block_io, weight=None)
    if block_io.weight_device and not features.blkio_weight_device:
        warnings.append(f"{_KERNEL} Block I/O weight_device {_MOUNTED} Weight-device discarded.")
        block_io = msgspec.structs.replace(block_io, weight_device=())
    if features.blkio_throttle:
        return block_io
    for field, kind, discarded in _THROTTLES:
        if getattr(block_io, field):
            warnings.append(
                f"{_KERNEL} {kind} limit {_MOUNTED} Block I/O {discarded} limit discarded."
            )
            block_io = msgspec.structs.replace(block_io, **{field: ()})
    return block_io


_THROTTLES = (
    ("throttle_read_bps_device", "BPS Block I/O read", "BPS read"),
    ("throttle_write_bps_device", "BPS Block I/O write", "BPS write"),
    ("throttle_read_iops_device", "IOPS Block read", "IOPS read"),
    ("throttle_write_iops_device", "IOPS Block write", "IOPS write"),
)
