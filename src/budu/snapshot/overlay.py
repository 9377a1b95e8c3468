"""Overlay mounts by descriptor, detached: nothing appears in the host's mount table.

How much of that the kernel can do differs, so `OverlayStyle` names the ways and `choose` finds the
best one by trying. Layers are always given lowest first, as everywhere in this package, and turned
round for the kernel here. Source: Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Sequence
from enum import Enum

from budu.linux.mount import (
    MNT_DETACH,
    MOUNT_ATTR_RDONLY,
    MS_RDONLY,
    mount,
    new_mount,
    open_tree,
    umount2,
)

_FIXED = ("index=off", "metacopy=off", "redirect_dir=nofollow")
_OPTION_DATA_MAX = 4095


class OverlayStyle(Enum):
    """How layers are handed to the kernel."""

    DESCRIPTORS = "descriptors"
    """`lowerdir+` and `upperdir` as descriptors (Linux 6.13)."""

    APPEND = "append"
    """`lowerdir+` as a path for each layer (Linux 6.8)."""

    CLASSIC = "classic"
    """mount(2) with one string of all layers, at a place that is left again at once."""


class OverlayOptions:
    """What an overlay mount is made of; a plain record.

    `lowers`: descriptors of the layers, lowest first, at least one. `upper` and `work`:
    descriptors of empty or used directories on one file system, None for a read-only mount.
    `volatile`: no syncing at all; after a crash the upper directory cannot be trusted.
    `userxattr`: overlay's attributes are `user.overlay.`, for mounts in a user namespace.
    """

    __slots__ = ("lowers", "upper", "userxattr", "volatile", "work")

    def __init__(
        self,
        lowers: Sequence[int],
        *,
        upper: int | None = None,
        work: int | None = None,
        volatile: bool = False,
        userxattr: bool = False,
    ) -> None:
        self.lowers = tuple(lowers)
        self.upper = upper
        self.work = work
        self.volatile = volatile
        self.userxattr = userxattr


def mount_overlay(options: OverlayOptions, style: OverlayStyle) -> int:
    """A detached overlay mount. The descriptors may be closed afterwards.

    A read-only mount needs two lowers: the caller adds an empty one. Raises: OSError with the
    kernel's reason.
    """
    if style is OverlayStyle.CLASSIC:
        return _mount_classic(options)
    attributes = 0 if options.upper is not None else MOUNT_ATTR_RDONLY
    return new_mount("overlay", _parameters(options, style), attributes=attributes)


def _parameters(options: OverlayOptions, style: OverlayStyle) -> list[tuple[str, str | int | None]]:
    def layer(fd: int) -> str | int:
        return fd if style is OverlayStyle.DESCRIPTORS else _path(fd)

    parameters: list[tuple[str, str | int | None]] = [("source", "overlay")]
    parameters += [("lowerdir+", layer(fd)) for fd in reversed(options.lowers)]
    if options.upper is not None and options.work is not None:
        parameters += [("upperdir", layer(options.upper)), ("workdir", layer(options.work))]
    for flag in _flags(options):
        key, _, value = flag.partition("=")
        parameters.append((key, value or None))
    return parameters


def _flags(options: OverlayOptions) -> list[str]:
    flags = [] if options.userxattr else list(_FIXED)
    if options.volatile and options.upper is not None:
        flags.append("volatile")
    if options.userxattr:
        flags.append("userxattr")
    return flags


def _mount_classic(options: OverlayOptions) -> int:
    """Mounts at a temporary place, takes a detached copy, and leaves the place."""
    parts = ["lowerdir=" + ":".join(_path(fd) for fd in reversed(options.lowers))]
    if options.upper is not None and options.work is not None:
        parts += [f"upperdir={_path(options.upper)}", f"workdir={_path(options.work)}"]
    data = ",".join([*parts, *_flags(options)])
    if len(data) > _OPTION_DATA_MAX:
        raise OSError(errno.E2BIG, f"{len(options.lowers)} layers are too many for this kernel")
    flags = 0 if options.upper is not None else MS_RDONLY
    with tempfile.TemporaryDirectory(prefix="budu-overlay-") as place:
        mount("overlay", place, "overlay", flags, data)
        try:
            return open_tree(-1, place, clone=True)
        finally:
            umount2(place, MNT_DETACH)


def _path(fd: int) -> str:
    return f"/proc/self/fd/{fd}"
