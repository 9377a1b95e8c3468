"""Whiteouts: how a layer says that something below it is gone.

In archives they are empty files whose names begin with `.wh.`; on disk, below overlay, they are
character devices 0:0 and an attribute on directories. This module only knows the two spellings;
`archive.extract` and `snapshot.erofs` translate. Source: OCI image-spec 1.1, layer, "Whiteouts";
Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
"""

from __future__ import annotations

PREFIX = b".wh."
"""Begins the archive's name for a removed file: `.wh.name` removes `name`."""

META_PREFIX = b".wh..wh."
"""Begins names that AUFS kept for itself; all but the opaque marker are ignored, as in Docker."""

OPAQUE = b".wh..wh..opq"
"""In a directory: nothing of lower layers shows through it."""

TRUSTED = b"trusted.overlay."
"""Overlay's attributes in a mount made by root."""

USER = b"user.overlay."
"""Overlay's attributes with the mount option `userxattr`, in a user namespace."""


def is_whiteout(name: bytes) -> bool:
    """Whether a member with this last component stands for something else."""
    return name.startswith(PREFIX)


def is_overlay_attribute(name: bytes) -> bool:
    """Whether an extended attribute would change how overlay reads the layer.

    Archives have no say in that: `redirect` or `metacopy` smuggled in would make one file show
    another's content.
    """
    return name.startswith((TRUSTED, USER))


def removed_name(name: bytes) -> bytes | None:
    """The name that a whiteout removes; None for markers that remove no single name."""
    if name.startswith(META_PREFIX) or name == PREFIX:
        return None
    return name[len(PREFIX) :]
