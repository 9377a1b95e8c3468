"""Cgroups version 1, alone or beside an (almost) empty v2 hierarchy (hybrid).

A container has one directory in every hierarchy. In the hybrid layout it also has one in v2, which
gives an atomic kill.
Source: kernel, Documentation/admin-guide/cgroup-v1.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import suppress

from budu.runtime.cgroups.contract import Features, OomWatch, Placement, Usage
from budu.runtime.cgroups.files import (
    names_in,
    perform,
    read_control,
    read_number,
    read_table,
    refusal,
    remove_tree,
    tree_pids,
    write_control,
)
from budu.runtime.cgroups.layout import Layout
from budu.runtime.cgroups.oom import EventfdWatch
from budu.runtime.cgroups.usage import usage_v1
from budu.runtime.cgroups.writes_v1 import device_writes, v1_writes
from budu.spec.oci_runtime import Resources

_UNLIMITED = 1 << 62  # what memory.limit_in_bytes shows without a limit lies above
_JOIN_FIRST = ("memory", "cpu", "cpuacct", "cpuset", "pids", "blkio", "freezer", "devices")


class CgroupsV1:
    """The host's v1 hierarchies. Implements `contract.Cgroups`."""

    version = 1

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._mounts = {name: place.mount for name, place in layout.v1.items()}

    def features(self) -> Features:
        """What can be limited here, by the files that the kernel shows."""
        has = self._has
        return Features(
            memory=has("memory", "memory.limit_in_bytes"),
            swap=has("memory", "memory.memsw.limit_in_bytes"),
            reservation=has("memory", "memory.soft_limit_in_bytes"),
            swappiness=has("memory", "memory.swappiness"),
            oom_disable=has("memory", "memory.oom_control"),
            cpu_shares=has("cpu", "cpu.shares"),
            cpu_cfs=has("cpu", "cpu.cfs_quota_us"),
            cpu_realtime=has("cpu", "cpu.rt_runtime_us"),
            cpuset="cpuset" in self._mounts,
            pids="pids" in self._mounts,
            blkio_weight=has("blkio", "blkio.weight") or has("blkio", "blkio.bfq.io_service_bytes"),
            blkio_weight_device=has("blkio", "blkio.weight_device") or self._weighs_disks,
            blkio_throttle=has("blkio", "blkio.throttle.read_bps_device"),
            devices="devices" in self._mounts,
            hugetlb="hugetlb" in self._mounts,
        )

    @functools.cached_property
    def _weighs_disks(self) -> bool:
        """Whether BFQ serves a disk: the kernel takes the weight of no other."""
        disks = os.listdir("/sys/block") if self._has("blkio", "blkio.bfq.io_service_bytes") else ()
        return any("[bfq]" in read_control(f"/sys/block/{disk}/queue/scheduler") for disk in disks)

    def _has(self, controller: str, file: str) -> bool:
        mount = self._mounts.get(controller)
        return mount is not None and os.path.exists(f"{mount}/{file}")

    def create(self, path: str, resources: Resources) -> CgroupV1:
        """Make the directories and set the limits; nothing is left behind on failure."""
        cgroup = self.open(path)
        try:
            cgroup.make(resources)
        except BaseException:
            cgroup.try_remove()
            raise
        return cgroup

    def names_below(self, path: str) -> set[str]:
        """The names of the cgroups right below `path`, in all hierarchies."""
        mounts = {*self._mounts.values()}
        if self._layout.v2:
            mounts.add(self._layout.v2.mount)
        return set().union(*(names_in(mount + path) for mount in mounts))

    def open(self, path: str) -> CgroupV1:
        """The cgroup at `path`."""
        unified = self._layout.v2.mount if self._layout.v2 else None
        return CgroupV1(path, mounts=self._mounts, unified_mount=unified)


class CgroupV1:
    """One container's directories. Implements `contract.Cgroup`."""

    def __init__(self, path: str, *, mounts: dict[str, str], unified_mount: str | None) -> None:
        self._path = path
        self._mounts = mounts
        self._directories = {name: mount + path for name, mount in mounts.items()}
        self._unified = unified_mount + path if unified_mount else None

    @property
    def path(self) -> str:
        """The path below the root of each hierarchy."""
        return self._path

    @functools.cached_property
    def placement(self) -> Placement:
        """One `tasks` file a hierarchy; the v2 directory in the hybrid layout."""
        unique = dict.fromkeys(f"{directory}/tasks" for directory in self._in_order())
        return Placement(tasks=tuple(unique), unified=self._unified)

    def _in_order(self) -> list[str]:
        names = sorted(self._directories, key=lambda name: name not in _JOIN_FIRST)
        return [self._directories[name] for name in names]

    def make(self, resources: Resources) -> None:
        """Make the directories and set the limits. Raises: as `contract.Cgroups.create`."""
        for directory in dict.fromkeys(self._directories.values()):
            make_directory(directory)
        if self._unified:
            make_directory(self._unified)
        if "cpuset" in self._directories:
            copy_cpuset(self._mounts["cpuset"], self._path)
        perform(v1_writes(resources), self._directories)
        perform(device_writes(resources.devices), self._directories)

    def update(self, resources: Resources) -> None:
        """Change limits; those that are None stay, and so do the device rules."""
        limit = read_number(f"{self._directories.get('memory', '')}/memory.limit_in_bytes")
        current = limit if limit is not None and limit < _UNLIMITED else None
        perform(v1_writes(resources, memory_limit=current), self._directories)

    def freeze(self) -> None:
        """Write FROZEN; the kernel may need several of them."""
        self._set_state("FROZEN", _write)

    def thaw(self) -> None:
        """Write THAWED."""
        self._set_state("THAWED", _write)

    def _set_state(self, state: str, write: Callable[[str, str], None]) -> None:
        freezer = self._directories.get("freezer")
        if freezer:
            write(f"{freezer}/freezer.state", state)
        elif self._unified:
            write(f"{self._unified}/cgroup.freeze", "1" if state == "FROZEN" else "0")

    @property
    def is_frozen(self) -> bool:
        """Whether the freezer's state is FROZEN."""
        freezer = self._directories.get("freezer")
        if freezer:
            return read_control(f"{freezer}/freezer.state") == "FROZEN"
        return read_table(f"{self._unified}/cgroup.events").get("frozen") == 1

    def kill(self) -> None:
        """SIGKILL everything: at once where v2 can, and one by one, frozen, what is not in v2."""
        if self._unified:
            try:
                write_control(f"{self._unified}/cgroup.kill", "1")
            except FileNotFoundError:
                pass
        pids = self.pids()
        if pids:
            self._kill_frozen(pids)

    def _kill_frozen(self, pids: list[int]) -> None:
        # A process that has joined some hierarchies only keeps only their directories.
        with suppress(FileNotFoundError):
            self._set_state("FROZEN", write_control)
        try:
            for pid in dict.fromkeys(pids + self.pids()):
                _kill(pid)
        finally:
            with suppress(FileNotFoundError):
                self._set_state("THAWED", write_control)

    def pids(self) -> list[int]:
        """The processes inside, by the hierarchy that every container joins first."""
        for directory in self._in_order():
            return tree_pids(directory)
        return []

    def usage(self) -> Usage:
        """What it uses now."""
        return usage_v1(self._directories)

    def oom_kills(self) -> int:
        """The counter in memory.oom_control."""
        memory = self._directories.get("memory", "")
        return read_table(f"{memory}/memory.oom_control").get("oom_kill", 0)

    def watch_oom(self) -> OomWatch | None:
        """A watch of memory.oom_control; None without the controller."""
        try:
            return EventfdWatch(self._directories.get("memory", ""))
        except OSError:
            return None

    def try_remove(self) -> bool:
        """Remove the directories of all hierarchies; False while something is inside."""
        directories = dict.fromkeys(self._directories.values())
        if self._unified:
            directories[self._unified] = None
        return all([remove_tree(directory) for directory in directories])


def make_directory(path: str) -> None:
    """Make a cgroup and, where they are missing, those above it."""
    try:
        os.mkdir(path)
    except FileExistsError:
        pass
    except FileNotFoundError:
        make_directory(os.path.dirname(path))
        os.mkdir(path)
    except OSError as error:
        raise refusal(error, path, "mkdir") from error


def copy_cpuset(mount: str, path: str) -> None:
    """Give every new group on the way the CPUs and memory nodes of the one above it.

    The kernel lets nobody into a group that has none.
    """
    above = mount
    for name in path.strip("/").split("/"):
        group = f"{above}/{name}"
        for file in ("cpuset.cpus", "cpuset.mems"):
            if not read_control(f"{group}/{file}"):
                _write(f"{group}/{file}", read_control(f"{above}/{file}"))
        above = group


def _write(path: str, value: str) -> None:
    try:
        write_control(path, value)
    except OSError as error:
        raise refusal(error, path, value) from error


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
