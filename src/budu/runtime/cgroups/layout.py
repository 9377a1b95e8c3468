"""Where the host's cgroup hierarchies are mounted.

Source: man 7 cgroups; man 5 proc, /proc/pid/mountinfo and /proc/pid/cgroup.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Hierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """A mounted hierarchy: its mount point and the path of this process in it."""

    mount: str
    own_path: str = "/"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """v1 hierarchies by controller (`name=systemd` too), and the v2 hierarchy."""

    v1: dict[str, Hierarchy] = {}
    v2: Hierarchy | None = None

    @property
    def version(self) -> int:
        """2 when there is nothing but v2; 1 also in the hybrid layout."""
        return 2 if self.v2 and not self._has_v1_controllers else 1

    @property
    def _has_v1_controllers(self) -> bool:
        return any(not controller.startswith("name=") for controller in self.v1)


def read_layout() -> Layout:
    """The layout that this process sees."""
    return parse_layout(
        Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text()
    )


def parse_layout(mountinfo: str, cgroup: str) -> Layout:
    """The layout that the two files describe; of several mounts of a hierarchy the first."""
    own_paths = dict(_own_paths(cgroup))
    v1: dict[str, Hierarchy] = {}
    v2: Hierarchy | None = None
    for line in mountinfo.splitlines():
        fields, _, kind = line.partition(" - ")
        mount = _unescape(fields.split(" ")[4])
        fs_type, _, options = kind.split(" ", 2)
        if fs_type == "cgroup2" and v2 is None:
            v2 = Hierarchy(mount=mount, own_path=own_paths.get("", "/"))
        elif fs_type == "cgroup":
            for controller in own_paths.keys() & set(options.split(",")):
                hierarchy = Hierarchy(mount=mount, own_path=own_paths[controller])
                v1.setdefault(controller, hierarchy)
    return Layout(v1=dict(sorted(v1.items())), v2=v2)


def _own_paths(cgroup: str) -> list[tuple[str, str]]:
    """(controller, path) for every controller; the controller of v2 is empty."""
    pairs = []
    for line in cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        pairs += [(controller, path) for controller in controllers.split(",")]
    return pairs


def _unescape(text: str) -> str:
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
