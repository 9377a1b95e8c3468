"""Names of archive members made safe: relative to a root that they cannot leave.

Rules, the same for every consumer: absolute names are relative to the root; `.` and empty
components vanish; `..` is resolved in the text, as Docker's `filepath.Clean`, and refused where it
would leave the root. What symbolic links on the way mean is decided where the tree is known.
"""

from __future__ import annotations

import re

from budu.base.errors import Hint, InvalidArgument

NAME_MAX = 255
"""Longest component in bytes. Source: linux/limits.h."""

PATH_MAX = 4096
"""Longest path or link target with its final NUL. Source: linux/limits.h."""

LINKS_MAX = 40
"""Symbolic links followed on one path before it counts as a loop. Source: man 7 path_resolution."""

_UNCLEAN = re.compile(rb"(?:\A|/)\.{0,2}(?:/|\Z)")


def clean_path(raw: bytes) -> bytes:
    """The name relative to the root, without any odd component; the root itself is empty.

    Raises: InvalidArgument when it leaves the root or is longer than the kernel allows.
    """
    path = raw.strip(b"/")
    if path.startswith(b"./"):
        path = path[2:]
    if _UNCLEAN.search(path):
        path = _clean_slowly(path, raw)
    if len(path) > NAME_MAX:
        _check_lengths(path)
    return path


def _clean_slowly(path: bytes, raw: bytes) -> bytes:
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            if not parts:
                raise escapes(raw)
            parts.pop()
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts)


def _check_lengths(path: bytes) -> None:
    if len(path) >= PATH_MAX or any(len(part) > NAME_MAX for part in path.split(b"/")):
        raise InvalidArgument(f"open /{show(path[:80])}...: file name too long")


def check_link_target(path: bytes, target: bytes) -> None:
    """Refuses symbolic link targets that the kernel would refuse. Any other text is harmless.

    Raises: InvalidArgument for an empty or too long target.
    """
    if not target:
        raise InvalidArgument(f"symlink  /{show(path)}: no such file or directory")
    if len(target) >= PATH_MAX:
        raise InvalidArgument(f"symlink /{show(path)}: file name too long")


def escapes(raw: bytes) -> InvalidArgument:
    """The error for a member name that points out of the root."""
    return InvalidArgument(
        f'invalid tar header: path "{show(raw)}" escapes from the root directory',
        hint=Hint("archive.escapes", path=show(raw)),
    )


def show(name: bytes) -> str:
    """A name for people: UTF-8 where it is, escapes where it is not."""
    return name.decode("utf-8", "backslashreplace")
