"""Chooses the implementation for the host's layout."""

from __future__ import annotations

from budu.base.errors import Unavailable
from budu.runtime.cgroups.contract import Cgroups
from budu.runtime.cgroups.layout import Layout
from budu.runtime.cgroups.v1 import CgroupsV1
from budu.runtime.cgroups.v2 import CgroupsV2


def choose_cgroups(layout: Layout) -> Cgroups:
    """v2 when there is nothing else; v1 also in the hybrid layout.

    Raises: Unavailable when no hierarchy is mounted.
    """
    if layout.version == 2 and layout.v2:
        return CgroupsV2(layout.v2.mount)
    if layout.v1:
        return CgroupsV1(layout)
    raise Unavailable("no cgroup hierarchy is mounted")
