"""Which of the limits that a body asks for this host can set, for a creation and for an update.

What it cannot set is left out of what is stored, with Docker's warning for each. Pure: devices are
not looked up here, as a creation may name one that only its start needs.
Source: moby 28.5, daemon/daemon_unix.go (verifyPlatformContainerResources).
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from budu.engine.containers.devices import DeviceNode
from budu.engine.containers.resources import FindDevice, build_resources
from budu.runtime.cgroups.contract import Features
from budu.runtime.cgroups.fit import fit_resources, require_cpu_quota
from budu.spec import oci_runtime as oci
from budu.spec.api.host_config import Resources

Body = TypeVar("Body", bound=Resources)

_ANY_DEVICE = DeviceNode(kind="b", major=0, minor=0, mode=0, uid=0, gid=0)


def fit_limits(body: Body, features: Features) -> tuple[Body, tuple[str, ...]]:
    """The body without what this host cannot limit, and a warning for each.

    Raises: InvalidArgument for a limit that must not be passed over.
    """
    if body.nano_cpus:
        require_cpu_quota(features)
    wanted = live_limits(body, find_device=lambda _: _ANY_DEVICE)
    fitted, warnings = fit_resources(wanted, features)
    return _without(body, wanted, fitted), tuple(warnings)


def live_limits(body: Resources, *, find_device: FindDevice) -> oci.Resources:
    """The limits that `body` gives, for the runtime; None where it gives none."""
    limits = build_resources(body, privileged=True, find_device=find_device)
    pids = oci.Pids(limit=body.pids_limit or -1) if body.pids_limit is not None else None
    memory = limits.memory
    if body.oom_kill_disable is not None:
        memory = msgspec.structs.replace(
            memory or oci.Memory(), disable_oom_killer=body.oom_kill_disable
        )
    return msgspec.structs.replace(limits, devices=(), memory=memory, pids=pids)


def _without(body: Body, wanted: oci.Resources, fitted: oci.Resources) -> Body:
    gone: dict[str, object] = {}
    if wanted.memory:
        gone |= _memory_gone(wanted.memory, fitted.memory or oci.Memory())
    if wanted.cpu and fitted.cpu and not fitted.cpu.shares:
        gone["cpu_shares"] = 0
    if wanted.cpu and fitted.cpu and fitted.cpu.quota is None and fitted.cpu.period is None:
        gone |= {"cpu_period": 0, "cpu_quota": 0}
    if wanted.cpu and fitted.cpu and not fitted.cpu.cpus and not fitted.cpu.mems:
        gone |= {"cpuset_cpus": "", "cpuset_mems": ""}
    if wanted.pids and not fitted.pids:
        gone["pids_limit"] = None
    if wanted.block_io and fitted.block_io:
        gone |= {
            name: 0 if name == "blkio_weight" else None
            for name, field in _BLOCK_FIELDS.items()
            if getattr(wanted.block_io, field) and not getattr(fitted.block_io, field)
        }
    return msgspec.structs.replace(body, **gone)


def _memory_gone(wanted: oci.Memory, fitted: oci.Memory) -> dict[str, object]:
    gone: dict[str, object] = {}
    if wanted.limit != fitted.limit:
        gone |= {"memory": 0, "memory_swap": 0}
    elif wanted.swap != fitted.swap:
        gone["memory_swap"] = -1
    if not fitted.reservation:
        gone["memory_reservation"] = 0
    if wanted.swappiness != fitted.swappiness:
        gone["memory_swappiness"] = None
    if wanted.disable_oom_killer != fitted.disable_oom_killer:
        gone["oom_kill_disable"] = None
    return gone


_BLOCK_FIELDS = {
    "blkio_weight": "weight",
    "blkio_weight_device": "weight_device",
    "blkio_device_read_bps": "throttle_read_bps_device",
    "blkio_device_write_bps": "throttle_write_bps_device",
    "blkio_device_read_iops": "throttle_read_iops_device",
    "blkio_device_write_iops": "throttle_write_iops_device",
}
