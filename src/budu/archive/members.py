"""What the consumers of archive members have in common, so that they agree.

`archive.extract` puts members on disk and `snapshot.erofs` puts them into an index; both must make
the same tree of the same archive, and complain in the same words.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from budu.archive import whiteouts
from budu.archive.paths import clean_path, show
from budu.archive.tar import TarEntry, TarKind
from budu.base.errors import InvalidArgument

XATTR_VALUE_MAX = 65535
"""Longest value in bytes that every layer format can hold."""

_USER = b"user."
_NAMESPACES = (_USER, b"trusted.", b"security.")
_ACLS = (b"system.posix_acl_access", b"system.posix_acl_default")
_HOLDS_USER = (TarKind.FILE, TarKind.DIRECTORY)


def describe(entry: TarEntry, path: bytes) -> str:
    """What is done with a member, in the words that Go's errors use."""
    place = "/" + show(path)
    match entry.kind:
        case TarKind.FILE:
            return f"write {place}"
        case TarKind.HARD_LINK:
            return f"link /{show(entry.link).lstrip('/')} {place}"
        case TarKind.SYMLINK:
            return f"symlink {show(entry.link)} {place}"
        case TarKind.DIRECTORY:
            return f"mkdir {place}"
        case _:
            return f"mknod {place}"


def clean_link(entry: TarEntry) -> bytes:
    """A hard link's target below the root.

    Raises: InvalidArgument with Docker's sentence when it leaves the root.
    """
    try:
        return clean_path(entry.link)
    except InvalidArgument as error:
        raise InvalidArgument(
            f'invalid hardlink "{show(entry.path)}" -> "{show(entry.link)}"', hint=error.hint
        ) from error


def storable_xattrs(entry: TarEntry) -> Iterator[tuple[bytes, bytes]]:
    """The extended attributes that a file system takes from this member.

    Left out: overlay's own, which archives have no say in; namespaces that Linux does not know;
    `user.` on anything but files and directories, and access lists on links, as the kernel refuses
    them. Raises: OSError (E2BIG) for names or values beyond the limits.
    """
    for name, value in entry.xattrs:
        if not _is_storable(name, entry.kind):
            continue
        if len(name) > 255 or len(value) > XATTR_VALUE_MAX:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        yield name, value


def _is_storable(name: bytes, kind: TarKind) -> bool:
    if whiteouts.is_overlay_attribute(name) or name in _NAMESPACES:
        return False
    if name in _ACLS:
        return kind is not TarKind.SYMLINK
    if name.startswith(_USER):
        return kind in _HOLDS_USER
    return name.startswith(_NAMESPACES)
