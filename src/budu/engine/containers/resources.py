"""Resource limits: from Docker's HostConfig to the runtime specification's.

Pure but for `check_limits`, and for `find_device`, which a caller passes in to look a device up.
Source: Engine API 1.51 Resources; OCI runtime-spec 1.2, config-linux, "Control groups".
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from budu.base.errors import InvalidArgument
from budu.engine.containers.devices import DeviceNode
from budu.linux.system import online
from budu.spec import oci_runtime as oci
from budu.spec.api.host_config import Resources, ThrottleDevice

FindDevice = Callable[[str], DeviceNode]
"""A host path to the device there. Raises InvalidArgument."""

MINIMUM_MEMORY = 6 << 20
CPU_PERIOD_US = 100_000
_LAST_OF_SET = 8192
"""The kernel's largest number of processors."""
_RULE = re.compile(r"([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})\Z")

DEFAULT_DEVICE_RULES: tuple[oci.DeviceRule, ...] = (
    oci.DeviceRule(allow=False, access="rwm"),
    *(
        oci.DeviceRule(allow=True, type="c", major=major, minor=minor, access=access)
        for major, minor, access in (
            (None, None, "m"),
            (1, 3, "rwm"),
            (1, 5, "rwm"),
            (1, 7, "rwm"),
            (1, 8, "rwm"),
            (1, 9, "rwm"),
            (5, 0, "rwm"),
            (5, 1, "rwm"),
            (5, 2, "rwm"),
            (136, None, "rwm"),
            (10, 200, "rwm"),
        )
    ),
    oci.DeviceRule(allow=True, type="b", access="m"),
)


def check_limits(resources: Resources, *, is_update: bool = False) -> None:
    """As `check_resources` and `check_sets`, on this host."""
    check_resources(resources, cpus=os.cpu_count() or 1, is_update=is_update)
    if resources.cpuset_cpus or resources.cpuset_mems:
        check_sets(resources, cpus=online("cpu"), nodes=online("node"))


def check_resources(resources: Resources, *, cpus: int, is_update: bool = False) -> None:
    """Raises: InvalidArgument with Docker's sentence for a limit that no container may have.

    An update may give the limit of swap alone: that of memory is there already.
    """
    memory, swap = resources.memory, resources.memory_swap
    if memory and memory < MINIMUM_MEMORY:
        raise InvalidArgument("Minimum memory limit allowed is 6MB")
    if memory > 0 and swap > 0 and swap < memory:
        raise InvalidArgument(
            "Minimum memoryswap limit should be larger than memory limit, see usage"
        )
    if memory == 0 and swap > 0 and not is_update:
        raise InvalidArgument(
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        )
    if 0 < resources.memory_reservation < MINIMUM_MEMORY:
        raise InvalidArgument("Minimum memory reservation allowed is 6MB")
    if resources.memory_reservation and memory and memory < resources.memory_reservation:
        raise InvalidArgument(
            "Minimum memory limit can not be less than memory reservation limit, see usage"
        )
    swappiness = resources.memory_swappiness
    if swappiness is not None and not -1 <= swappiness <= 100:
        raise InvalidArgument(
            f"Invalid value: {swappiness}, valid memory swappiness range is 0-100"
        )
    if resources.blkio_weight and not 10 <= resources.blkio_weight <= 1000:
        raise InvalidArgument("Range of blkio weight is from 10 to 1000")
    _check_cpu(resources, cpus)


def _check_cpu(resources: Resources, cpus: int) -> None:
    if resources.nano_cpus and (resources.cpu_period or resources.cpu_quota):
        raise InvalidArgument(
            "Conflicting options: Nano CPUs and CPU Period cannot both be set"
            if resources.cpu_period
            else "Conflicting options: Nano CPUs and CPU Quota cannot both be set"
        )
    if resources.nano_cpus < 0 or resources.nano_cpus > cpus * 10**9:
        raise InvalidArgument(
            f"range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available"
        )
    if resources.cpu_period and not 1000 <= resources.cpu_period <= 1_000_000:
        raise InvalidArgument(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"
        )
    if resources.cpu_quota and 0 < resources.cpu_quota < 1000:
        raise InvalidArgument("CPU cfs quota can not be less than 1ms (i.e. 1000)")


def check_sets(resources: Resources, *, cpus: str, nodes: str) -> None:
    """Raises: InvalidArgument for processors or memory nodes that are not among the host's, which
    are lists as the kernel prints them: `0-3,6`."""
    for wanted, there, kind, plural in (
        (resources.cpuset_cpus, cpus, "cpus", "CPUs"),
        (resources.cpuset_mems, nodes, "mems", "memory nodes"),
    ):
        try:
            are_there = numbers_of(wanted) <= numbers_of(there)
        except InvalidArgument as error:
            raise error.after(f"Invalid value {wanted} for cpuset {kind}: ") from None
        if not are_there:
            raise InvalidArgument(
                f"Requested {plural} are not available - requested {wanted}, available: {there}"
            )


def numbers_of(text: str) -> set[int]:
    """The numbers of a list such as `0-3,6`. Raises: InvalidArgument."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InvalidArgument(f"invalid format: {text}")
        low, high = int(first), int(last or first)
        if high < low:
            raise InvalidArgument(f"invalid format: {text}")
        if high > _LAST_OF_SET:
            raise InvalidArgument(f"value of out range, maximum is {_LAST_OF_SET}")
        found.update(range(low, high + 1))
    return found


def build_resources(
    resources: Resources, *, privileged: bool, find_device: FindDevice
) -> oci.Resources:
    """The limits of one container for the runtime."""
    return oci.Resources(
        devices=device_rules(resources, privileged=privileged, find_device=find_device),
        memory=_memory(resources),
        cpu=_cpu(resources),
        pids=_pids(resources),
        block_io=_block_io(resources, find_device),
    )


def device_rules(
    resources: Resources, *, privileged: bool, find_device: FindDevice
) -> tuple[oci.DeviceRule, ...]:
    """What the devices cgroup allows, in order."""
    if privileged:
        return (oci.DeviceRule(allow=True, access="rwm"),)
    mapped = tuple(
        oci.DeviceRule(
            allow=True, type=node.kind, major=node.major, minor=node.minor, access=access or "rwm"
        )
        for path, access in (
            (each.path_on_host, each.cgroup_permissions) for each in resources.devices or ()
        )
        for node in (find_device(path),)
    )
    return (
        DEFAULT_DEVICE_RULES + mapped + tuple(map(parse_rule, resources.device_cgroup_rules or ()))
    )


def parse_rule(text: str) -> oci.DeviceRule:
    """One `--device-cgroup-rule`, such as `c 42:* rmw`.

    Raises: InvalidArgument when it has another form.
    """
    match = _RULE.match(text)
    if match is None:
        raise InvalidArgument(f"invalid device cgroup rule format: '{text}'")
    kind, major, minor, access = match.groups()
    number: Callable[[str], int | None] = lambda word: None if word == "*" else int(word)  # noqa: E731
    return oci.DeviceRule(
        allow=True, type=kind, major=number(major), minor=number(minor), access=access
    )


def _memory(resources: Resources) -> oci.Memory | None:
    swappiness = resources.memory_swappiness
    swap = resources.memory_swap or (resources.memory * 2 if resources.memory else 0)
    memory = oci.Memory(
        limit=resources.memory or None,
        reservation=resources.memory_reservation or None,
        swap=swap or None,
        kernel_tcp=resources.kernel_memory_tcp or None,
        swappiness=swappiness if swappiness is not None and swappiness >= 0 else None,
        disable_oom_killer=resources.oom_kill_disable or None,
    )
    return memory if memory != oci.Memory() else None


def _cpu(resources: Resources) -> oci.CPU | None:
    quota, period = resources.cpu_quota or None, resources.cpu_period or None
    if resources.nano_cpus:
        period = CPU_PERIOD_US
        quota = resources.nano_cpus * CPU_PERIOD_US // 10**9
    cpu = oci.CPU(
        shares=resources.cpu_shares or None,
        quota=quota,
        period=period,
        realtime_runtime=resources.cpu_realtime_runtime or None,
        realtime_period=resources.cpu_realtime_period or None,
        cpus=resources.cpuset_cpus,
        mems=resources.cpuset_mems,
    )
    return cpu if cpu != oci.CPU() else None


def _pids(resources: Resources) -> oci.Pids | None:
    limit = resources.pids_limit
    return oci.Pids(limit=limit) if limit else None


def _block_io(resources: Resources, find_device: FindDevice) -> oci.BlockIO | None:
    def throttles(devices: Iterable[ThrottleDevice] | None) -> tuple[oci.ThrottleDevice, ...]:
        return tuple(
            oci.ThrottleDevice(major=node.major, minor=node.minor, rate=each.rate)
            for each in devices or ()
            for node in (find_device(each.path),)
        )

    weights = tuple(
        oci.WeightDevice(major=node.major, minor=node.minor, weight=each.weight)
        for each in resources.blkio_weight_device or ()
        for node in (find_device(each.path),)
    )
    block_io = oci.BlockIO(
        weight=resources.blkio_weight or None,
        weight_device=weights,
        throttle_read_bps_device=throttles(resources.blkio_device_read_bps),
        throttle_write_bps_device=throttles(resources.blkio_device_write_bps),
        throttle_read_iops_device=throttles(resources.blkio_device_read_iops),
        throttle_write_iops_device=throttles(resources.blkio_device_write_iops),
    )
    return block_io if block_io != oci.BlockIO() else None
