"""Folders of the host that containers see: looked at when one is made, made when one starts.

A folder may be on a server that does not answer; so both have threads of their own.
Source: moby 28.5, daemon/volume/mounts (what is made for `-v` and refused for `--mount`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from budu.base.errors import Hint, InvalidArgument
from budu.base.messages import text
from budu.engine.containers.model import Mount, MountKind
from budu.linux.paths import open_in_root
from budu.volume.apart import apart


async def look_at_sources(
    mounts: Sequence[Mount], mount_image: Callable[[], int]
) -> tuple[str, ...]:
    """What to tell of sources that will be made as folders where the image has a file.

    `mount_image` returns a descriptor of the image's root; it is asked only when one is missing.

    Raises: InvalidArgument for a source that is missing and is not to be made.
    """
    binds = [each for each in mounts if each.kind is MountKind.BIND]
    return await apart(partial(_look, binds, mount_image)) if binds else ()


async def make_sources(mounts: Sequence[Mount]) -> None:
    """Make the missing folders of `-v` mounts, as Docker does at start.

    Raises: InvalidArgument for one that cannot be made.
    """
    wanted = [
        each for each in mounts if each.kind is MountKind.BIND and "create-source" in each.options
    ]
    if wanted:
        await apart(partial(_make, wanted))


def _look(binds: Sequence[Mount], mount_image: Callable[[], int]) -> tuple[str, ...]:
    for each in binds:
        _check(each)
    return tuple(_file_warnings(binds, mount_image))


def _check(mount: Mount) -> None:
    if "create-source" in mount.options or os.path.exists(mount.source):
        return
    raise InvalidArgument(
        'invalid mount config for type "bind": bind source path does not exist: ' + mount.source,
        hint=Hint("engine.bind-source", path=mount.source),
    )


def _file_warnings(binds: Iterable[Mount], mount_image: Callable[[], int]) -> list[str]:
    missing = [each for each in binds if not os.path.lexists(each.source)]
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


def _make(mounts: Iterable[Mount]) -> None:
    for each in mounts:
        try:
            if not os.path.lexists(each.source):
                os.makedirs(each.source, exist_ok=True)
        except OSError as error:
            raise InvalidArgument(
                f"error while creating mount source path '{each.source}': "
                f"mkdir {each.source}: {(error.strerror or '').lower()}"
            ) from None
