"""Cgroups version 2: one hierarchy for everything.

Source: kernel, Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import errno
import os

from budu.linux.bpf import attach_device_program, load_device_program
from budu.runtime.cgroups.contract import Features, OomWatch, Placement, Usage
from budu.runtime.cgroups.device_program import compile_devices
from budu.runtime.cgroups.files import (
    names_in,
    perform,
    read_control,
    read_table,
    refusal,
    remove_tree,
    tree_pids,
    write_control,
)
from budu.runtime.cgroups.oom import EventsFileWatch
from budu.runtime.cgroups.usage import usage_v2
from budu.runtime.cgroups.writes_v2 import v2_writes
from budu.spec.oci_runtime import DeviceRule, Resources

_CONTROLLERS = ("cpu", "cpuset", "hugetlb", "io", "memory", "pids", "rdma")


class CgroupsV2:
    """The host's v2 hierarchy. Implements `contract.Cgroups`."""

    version = 2

    def __init__(self, mount: str) -> None:
        self._mount = mount

    def features(self) -> Features:
        """What can be limited here, by the controllers of the root."""
        there = frozenset(read_control(f"{self._mount}/cgroup.controllers").split())
        return Features(
            memory="memory" in there,
            swap="memory" in there and os.path.exists("/proc/swaps"),
            reservation="memory" in there,
            cpu_shares="cpu" in there,
            cpu_cfs="cpu" in there,
            cpuset="cpuset" in there,
            pids="pids" in there,
            blkio_weight="io" in there,
            blkio_weight_device="io" in there,
            blkio_throttle="io" in there,
            devices=True,
            hugetlb="hugetlb" in there,
        )

    def create(self, path: str, resources: Resources) -> CgroupV2:
        """Make the directory and set the limits; nothing is left behind on failure."""
        cgroup = self.open(path)
        try:
            cgroup.make(resources)
        except BaseException:
            cgroup.try_remove()
            raise
        return cgroup

    def names_below(self, path: str) -> set[str]:
        """The names of the cgroups right below `path`."""
        return names_in(self._mount + path)

    def open(self, path: str) -> CgroupV2:
        """The cgroup at `path`."""
        return CgroupV2(path, mount=self._mount)


class CgroupV2:
    """One container's directory. Implements `contract.Cgroup`."""

    def __init__(self, path: str, *, mount: str) -> None:
        self._path = path
        self._mount = mount
        self._directory = mount + path

    @property
    def path(self) -> str:
        """The path below the root of the hierarchy."""
        return self._path

    @property
    def placement(self) -> Placement:
        """The directory, for CLONE_INTO_CGROUP."""
        return Placement(unified=self._directory)

    def make(self, resources: Resources) -> None:
        """Make the directory and set the limits. Raises: as `contract.Cgroups.create`."""
        above = self._mount
        for name in self._path.strip("/").split("/"):
            enable_controllers(above)
            above = f"{above}/{name}"
            _make(above)
        self.update(resources)
        if resources.devices:
            self._limit_devices(resources.devices)

    def update(self, resources: Resources) -> None:
        """Change limits; those that are None stay, and so do the device rules."""
        writes = v2_writes(resources)
        perform(writes, {write.controller: self._directory for write in writes})

    def _limit_devices(self, rules: tuple[DeviceRule, ...]) -> None:
        directory_fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            program_fd = load_device_program(compile_devices(rules))
            try:
                attach_device_program(directory_fd, program_fd)
            finally:
                os.close(program_fd)
        except OSError as error:
            raise refusal(error, self._directory, "device program") from error
        finally:
            os.close(directory_fd)

    def freeze(self) -> None:
        """Write cgroup.freeze."""
        self._write("cgroup.freeze", "1")

    def thaw(self) -> None:
        """Take the freeze back."""
        self._write("cgroup.freeze", "0")

    @property
    def is_frozen(self) -> bool:
        """Whether cgroup.events says so."""
        return read_table(f"{self._directory}/cgroup.events").get("frozen") == 1

    def kill(self) -> None:
        """SIGKILL everything: at once by cgroup.kill, one by one on kernels before 5.14."""
        try:
            write_control(f"{self._directory}/cgroup.kill", "1")
        except FileNotFoundError:
            for pid in self.pids():
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    continue

    def pids(self) -> list[int]:
        """The processes inside, with those in groups below."""
        return tree_pids(self._directory)

    def usage(self) -> Usage:
        """What it uses now."""
        return usage_v2(self._directory)

    def oom_kills(self) -> int:
        """The counter in memory.events."""
        return read_table(f"{self._directory}/memory.events").get("oom_kill", 0)

    def watch_oom(self) -> OomWatch | None:
        """A watch of memory.events; None without the controller."""
        try:
            return EventsFileWatch(self._directory)
        except OSError:
            return None

    def try_remove(self) -> bool:
        """Remove the directory; False while something is inside."""
        return remove_tree(self._directory)

    def _write(self, file: str, value: str) -> None:
        path = f"{self._directory}/{file}"
        try:
            write_control(path, value)
        except OSError as error:
            raise refusal(error, path, value) from error


def enable_controllers(group: str) -> None:
    """Hand the controllers that `group` has, and we use, on to those below it.

    One by one: a controller that cannot be enabled (a busy group, no right) must not keep the
    others away. Setting a limit that needs it fails later and names the file.
    """
    there = read_control(f"{group}/cgroup.controllers").split()
    enabled = read_control(f"{group}/cgroup.subtree_control").split()
    for controller in _CONTROLLERS:
        if controller in there and controller not in enabled:
            try:
                write_control(f"{group}/cgroup.subtree_control", f"+{controller}")
            except OSError as error:
                if error.errno not in (errno.EBUSY, errno.EACCES, errno.EPERM, errno.EOPNOTSUPP):
                    raise


def _make(directory: str) -> None:
    try:
        os.mkdir(directory)
    except FileExistsError:
        pass
    except OSError as error:
        raise refusal(error, directory, "mkdir") from error
