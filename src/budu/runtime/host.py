"""The facts of the host that plans depend on, read once.

Neighbours: `runtime.plan` decides by them; `runtime.cgroups` has its own, deeper view of cgroups.
"""

from __future__ import annotations

import msgspec

from budu.linux import capabilities, system
from budu.linux.mountinfo import MountInfo, read_mountinfo

_V1_OPTIONS = ("rw", "ro", "xattr", "noprefix", "clone_children", "none")


class CgroupHierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """A mounted v1 hierarchy: where, and the mount data that names it (`cpu,cpuacct`)."""

    path: str
    data: str


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What this process may do here. `bounding` and `permitted` are capability masks.

    `unified` tells that /sys/fs/cgroup is cgroup v2 alone; `cgroups` are the v1 hierarchies.
    `can_mknod` is false in a user namespace, where device nodes are bound instead.
    """

    bounding: int
    permitted: int
    unified: bool = False
    cgroups: tuple[CgroupHierarchy, ...] = ()
    oom_score_adj: int = 0
    can_mknod: bool = True


def read_host() -> Host:
    """Look at this machine and process."""
    status = capabilities.parse_status(system.read_text("/proc/self/status"))
    mounts = read_mountinfo()
    return Host(
        bounding=status["CapBnd"],
        permitted=status["CapPrm"],
        unified=any(m.target == "/sys/fs/cgroup" and m.fstype == "cgroup2" for m in mounts),
        cgroups=tuple(_hierarchy(m) for m in mounts if m.fstype == "cgroup"),
        oom_score_adj=int(system.read_text("/proc/self/oom_score_adj")),
        can_mknod=_can_mknod(status["CapPrm"]),
    )


def _hierarchy(entry: MountInfo) -> CgroupHierarchy:
    names = (o for o in entry.super_options if o.partition("=")[0] not in _V1_OPTIONS)
    data = ",".join(o for o in names if not o.startswith("release_agent="))
    return CgroupHierarchy(path=entry.target, data=data)


def _can_mknod(permitted: int) -> bool:
    if not permitted >> capabilities.NUMBERS["CAP_MKNOD"] & 1:
        return False
    # The initial user namespace maps all ids to themselves.
    return system.read_text("/proc/self/uid_map").split() == ["0", "0", str(2**32 - 1)]
