"""Extended attributes of what a descriptor or path refers to, never of a symlink's target.

Source: man 7 xattr.
"""

from __future__ import annotations

import errno
import os

OVERLAY_OPAQUE = "trusted.overlay.opaque"
OVERLAY_WHITEOUT = "trusted.overlay.whiteout"
CAPABILITY = "security.capability"


def read_xattrs(path: str | bytes | int) -> dict[str, bytes]:
    """Return all attributes; empty where the file system has none."""
    follow = isinstance(path, int)
    try:
        names = os.listxattr(path, follow_symlinks=follow)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    values = ((name, get_xattr(path, name)) for name in names)
    return {name: value for name, value in values if value is not None}


def get_xattr(path: str | bytes | int, name: str) -> bytes | None:
    """Return one attribute, None when it is not set."""
    try:
        return os.getxattr(path, name, follow_symlinks=isinstance(path, int))
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise


def set_xattr(path: str | bytes | int, name: str, value: bytes) -> None:
    """Set one attribute."""
    os.setxattr(path, name, value, follow_symlinks=isinstance(path, int))
