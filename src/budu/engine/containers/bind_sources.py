"""Folders of the host that containers see: looked at when one is made, made when one starts.

Source: moby 28.5, daemon/volume/mounts (what is made for `-v` and refused for `--mount`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable

from budu.base.errors import Hint, InvalidArgument
from budu.base.messages import text
from budu.engine.containers.model import Mount, MountKind
from budu.linux.paths import open_in_root


def check_bind(mount: Mount) -> None:
    """Raises: InvalidArgument when the source is missing and is not to be made."""
    if mount.kind is not MountKind.BIND or os.path.exists(mount.source):
        return
    if "create-source" in mount.options:
        return
    raise InvalidArgument(
        'invalid mount config for type "bind": bind source path does not exist: ' + mount.source,
        hint=Hint("engine.bind-source", path=mount.source),
    )


def file_warnings(mounts: Iterable[Mount], mount_image: Callable[[], int]) -> list[str]:
    """What to tell of sources that will be made as folders where the image has a file.

    `mount_image` returns a descriptor of the image's root; it is asked only when one is missing.
    """
    missing = [
        each for each in mounts if each.kind is MountKind.BIND and not os.path.lexists(each.source)
    ]
    if not missing:
        return []
    root = mount_image()
    try:
        return [
            text("volume.bind-folder", "en", path=each.source, destination=each.destination)
            for each in missing
            if _is_file(root, each.destination)
        ]
    finally:
        os.close(root)


def _is_file(root: int, path: str) -> bool:
    try:
        fd = open_in_root(root, path)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    finally:
        os.close(fd)


def make_bind_source(mount: Mount) -> None:
    """Make the missing folder of a `-v` mount, as Docker does at start.

    Raises: InvalidArgument when it cannot be made.
    """
    if mount.kind is not MountKind.BIND or "create-source" not in mount.options:
        return
    try:
        os.makedirs(mount.source, exist_ok=True) if not os.path.lexists(mount.source) else None
    except OSError as error:
        raise InvalidArgument(
            f"error while creating mount source path '{mount.source}': "
            f"mkdir {mount.source}: {(error.strerror or '').lower()}"
        ) from None
