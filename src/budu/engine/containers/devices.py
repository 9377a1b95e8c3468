"""Devices of the host that a container gets: `--device`, and all of them for `--privileged`.

A folder stands for every device in it. Source: Engine API 1.51 DeviceMapping; containerd,
pkg/oci/utils_unix.go (HostDevices).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import msgspec

from budu.base.errors import InvalidArgument
from budu.spec.api.host_config import DeviceMapping, HostConfig

_DEV = "/dev"
_OWN_FOLDERS = frozenset({"pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"})
_OWN_FILES = frozenset({"console", "ptmx"})


class DeviceNode(msgspec.Struct, frozen=True, kw_only=True):
    """A device file: `kind` is `c` or `b`, `mode` its permission bits."""

    kind: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int


def device_node(path: str) -> DeviceNode:
    """The device file at a host path.

    Raises: InvalidArgument with Docker's sentence when there is no such device.
    """
    try:
        status = os.stat(path)
    except OSError:
        raise _refused(path, "no such file or directory") from None
    kind = "b" if stat.S_ISBLK(status.st_mode) else "c" if stat.S_ISCHR(status.st_mode) else ""
    if not kind:
        raise _refused(path, "not a device node")
    return DeviceNode(
        kind=kind,
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )


def all_devices(host: HostConfig) -> list[DeviceMapping]:
    """The devices of a container, one entry each.

    Raises: InvalidArgument with Docker's sentence for a folder without devices.
    """
    asked = [each for mapping in host.devices or () for each in _expand(mapping)]
    if not host.privileged:
        return asked
    own = [DeviceMapping(path_on_host=path, path_in_container=path) for path in _below(_DEV)]
    taken = {each.path_in_container for each in asked}
    return [each for each in own if each.path_in_container not in taken] + asked


def _expand(mapping: DeviceMapping) -> list[DeviceMapping]:
    path, target = mapping.path_on_host, mapping.path_in_container or mapping.path_on_host
    if not os.path.isdir(path):
        return [msgspec.structs.replace(mapping, path_in_container=target)]
    found = [
        msgspec.structs.replace(
            mapping, path_on_host=each, path_in_container=target + each.removeprefix(path)
        )
        for each in _below(path)
    ]
    if not found:
        raise _refused(path, "not a device node")
    return found


def _below(folder: str) -> Iterator[str]:
    """Paths of the device files in a folder and its folders; links are not followed."""
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if entry.is_symlink():
            continue
        if entry.is_dir():
            if entry.name not in _OWN_FOLDERS:
                yield from _below(entry.path)
        elif entry.name not in _OWN_FILES and _is_device(entry):
            yield entry.path


def _is_device(entry: os.DirEntry[str]) -> bool:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _refused(path: str, reason: str) -> InvalidArgument:
    return InvalidArgument(
        f'error gathering device information while adding custom device "{path}": {reason}'
    )
