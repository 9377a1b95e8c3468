"""The part of a plan that builds the file system tree. Pure.

Returns two lists: sources to open while the host's root is in sight, and the steps inside the
container's root. The words of steps are those of `runtime.steps`.
"""

from __future__ import annotations

import posixpath

from budu.linux import mount as m
from budu.linux.devices import MEMORY_DEVICES
from budu.runtime.host import CgroupHierarchy, Host
from budu.runtime.mount_options import MountOptions, parse_options
from budu.spec.oci_runtime import Device, Linux, Mount, RuntimeSpec

Step = tuple[object, ...]

_DEV_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
)
_DEFAULT_DEVICES = frozenset(f"/dev/{name}" for name, _major, _minor in MEMORY_DEVICES)


class MountPlan:
    """Collects the steps; `sources` come before the root is entered, `steps` after it."""

    def __init__(
        self,
        spec: RuntimeSpec,
        host: Host,
        *,
        private_cgroup: bool,
        new_userns: bool,
        cgroup_tasks: tuple[str, ...],
    ) -> None:
        self.host = host
        self.private_cgroup = private_cgroup
        self.new_userns = new_userns
        self.cgroup_tasks = cgroup_tasks
        self.linux = spec.linux or Linux()
        self.mounts = spec.mounts
        self.sources: list[Step] = []
        self.steps: list[Step] = []
        self._protect_dev = False

    def build(self) -> None:
        """Plan all mounts, then the devices."""
        for entry in self.mounts:
            self._plan_mount(entry)
        for device in self.linux.devices:
            if not (device.path in _DEFAULT_DEVICES and self._has_own_dev()):
                self._plan_device(device)
        if self._protect_dev:
            self.steps.append(("set-attributes", "/dev", m.MOUNT_ATTR_RDONLY))

    def open_source(self, path: str, *, recursive: bool) -> str:
        """Return the key by which steps refer to a tree: given by descriptor, or opened by path."""
        if path.startswith("fd:"):
            return path
        key = f"tree{len(self.sources)}"
        self.sources.append(("open-source", key, path, recursive))
        return key

    def _plan_mount(self, entry: Mount) -> None:
        options = parse_options(entry.options)
        target = clean_path(entry.destination)
        if options.bind or entry.type == "bind":
            self._plan_bind(entry, target, options)
        elif entry.type == "cgroup" and not self.host.unified:
            self._plan_cgroup_v1(target, options)
        elif entry.type == "tmpfs" and target == "/dev":
            self._plan_dev(options)
        elif (
            entry.type == "tmpfs"
            and not options.data.startswith("mode=")
            and (",mode=" not in options.data)
        ):
            self.steps.append(("mount-tmpfs", target, options.flags, options.data))
        else:
            self._plan_filesystem(entry, target, options)
        self._plan_propagation(target, options, entry)

    def _plan_filesystem(self, entry: Mount, target: str, options: MountOptions) -> None:
        fstype = "cgroup2" if entry.type == "cgroup" else entry.type
        source = entry.source or fstype
        if self.new_userns and fstype in ("proc", "sysfs"):
            self._plan_early(fstype, target, options)
            return
        self.steps.append(("mount", target, fstype, source, options.flags, options.data))

    def _plan_early(self, fstype: str, target: str, options: MountOptions) -> None:
        """Create the file system before the host's is out of sight, attach it later."""
        key = f"tree{len(self.sources)}"
        words = (word.partition("=") for word in options.data.split(",") if word)
        data = tuple((name, value if equals else None) for name, equals, value in words)
        self.sources.append(("create-source", key, fstype, data))
        self.steps.append(("bind", target, key, options.attributes, m.MS_PRIVATE, False))

    def _plan_propagation(self, target: str, options: MountOptions, entry: Mount) -> None:
        # A bind sets its own; a new file system is private already.
        if options.propagation in (0, m.MS_PRIVATE) or options.bind or entry.type == "bind":
            return
        self.steps.append(("set-propagation", target, options.propagation))

    def _plan_bind(self, entry: Mount, target: str, options: MountOptions) -> None:
        key = self.open_source(entry.source, recursive=options.bind_recursive)
        propagation = options.propagation or m.MS_PRIVATE
        recursive = options.propagation_recursive or not options.propagation
        self.steps.append(("bind", target, key, options.attributes, propagation, recursive))

    def _plan_dev(self, options: MountOptions) -> None:
        flags = options.flags & ~m.MS_RDONLY
        self._protect_dev = flags != options.flags
        self.steps.append(("mount", "/dev", "tmpfs", "tmpfs", flags, options.data))
        nodes = MEMORY_DEVICES if self.host.can_mknod else ()
        self.steps.append(("populate-dev", nodes, _DEV_LINKS, self._dev_directories()))
        if not self.host.can_mknod:
            for name, _major, _minor in MEMORY_DEVICES:
                self._bind_device(f"/dev/{name}")

    def _dev_directories(self) -> tuple[str, ...]:
        """Names of the directories in /dev that later mounts need."""
        targets = (clean_path(entry.destination) for entry in self.mounts)
        names = (posixpath.basename(t) for t in targets if posixpath.dirname(t) == "/dev")
        wanted = ("pts", "shm", "mqueue", "hugepages")
        return tuple(name for name in dict.fromkeys(names) if name in wanted)

    def _has_own_dev(self) -> bool:
        """Tell whether /dev is the fresh tmpfs that `populate-dev` filled."""
        return any(e.type == "tmpfs" and clean_path(e.destination) == "/dev" for e in self.mounts)

    def _plan_device(self, device: Device) -> None:
        if not self.host.can_mknod:
            self._bind_device(device.path)
            return
        mode = 0o666 if device.file_mode is None else device.file_mode & 0o7777
        number = (device.major, device.minor)
        owner = (device.uid or 0, device.gid or 0)
        path = clean_path(device.path)
        self.steps.append(("make-device", path, device.type, number, mode, owner))

    def _bind_device(self, path: str) -> None:
        key = self.open_source(path, recursive=False)
        self.steps.append(("bind", path, key, (0, 0, 0, 0), m.MS_PRIVATE, False))

    def _plan_cgroup_v1(self, target: str, options: MountOptions) -> None:
        """A tmpfs with one directory a hierarchy, and a link for each merged controller."""
        rows = tuple((posixpath.basename(h.path), h.data) for h in self.host.cgroups)
        links = tuple(
            (controller, name)
            for name, data in rows
            for controller in data.split(",")
            if "," in data and controller != name
        )
        if self.private_cgroup:
            self.steps.append(("mount-cgroups", target, options.flags, rows, links))
            return
        flags = options.flags & ~m.MS_RDONLY
        self.steps.append(("mount-cgroups", target, flags, (), links))
        for hierarchy, (name, _data) in zip(self.host.cgroups, rows, strict=True):
            key = self.open_source(self._own_cgroup(hierarchy), recursive=False)
            place = f"{target}/{name}"
            self.steps.append(("bind", place, key, options.attributes, m.MS_PRIVATE, False))
        if options.flags & m.MS_RDONLY:
            self.steps.append(("set-attributes", target, m.MOUNT_ATTR_RDONLY))

    def _own_cgroup(self, hierarchy: CgroupHierarchy) -> str:
        """Return the container's directory in a hierarchy; its root when it joined none there."""
        for path in self.cgroup_tasks:
            if path.startswith(hierarchy.path + "/"):
                return posixpath.dirname(path)
        return hierarchy.path


def clean_path(path: str) -> str:
    """Return an absolute path without "..", "." and doubled slashes."""
    return posixpath.normpath("/" + path.lstrip("/"))
