"""The layer of a WORKDIR: the parts of its path that are missing.

Source: OCI image-spec 1.1, layer (directories).
"""

from __future__ import annotations

import os

from budu.archive.tar import TarEntry, TarKind
from budu.archive.tar_headers import END, render_header
from budu.archive.write import Sink
from budu.base.errors import InvalidArgument
from budu.linux.paths import open_in_root

_HANDLE = os.O_PATH | os.O_CLOEXEC
_LINKS_MAX = 40


def write_folders(root: int, path: str, owner: tuple[int, int], write: Sink) -> bool:
    """Write a layer that makes `path` a directory below `root`; False, and nothing is written, when
    it is one already. Links in it are followed inside the root.

    Raises: InvalidArgument when a part of it is a file.
    """
    real, missing = _split(root, path)
    if not missing:
        return False
    for name in missing:
        real = f"{real}/{name}".lstrip("/")
        write(
            render_header(
                TarEntry(
                    path=real.encode("utf-8", "surrogateescape") + b"/",
                    kind=TarKind.DIRECTORY,
                    mode=0o755,
                    uid=owner[0],
                    gid=owner[1],
                )
            )
        )
    write(END)
    return True


def _split(root: int, path: str) -> tuple[str, list[str]]:
    """Where the deepest part that is there really lies below the root, and the names after it.

    A link that leads to nothing stands for where it leads.
    """
    for _ in range(_LINKS_MAX):
        real, missing, link = _deepest(root, path)
        if not link:
            return real, missing
        start = link if link.startswith("/") else f"/{real}/{link}"
        path = "/".join((start, *missing[1:]))
    raise InvalidArgument(f"Cannot mkdir: {path}: too many levels of symbolic links")


def _deepest(root: int, path: str) -> tuple[str, list[str], str]:
    """The deepest directory that is there, the names after it, and where the first of these leads
    if it is a link."""
    names = [name for name in path.split("/") if name]
    top = os.readlink(f"/proc/self/fd/{root}")
    for count in range(len(names), -1, -1):
        try:
            fd = open_in_root(root, "/" + "/".join(names[:count]), _HANDLE | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            raise InvalidArgument(f"Cannot mkdir: {path} is not a directory") from None
        try:
            real = os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), top)
            link = _link(fd, names[count]) if count < len(names) else ""
        finally:
            os.close(fd)
        return ("" if real == "." else real), names[count:], link
    return "", names, ""


def _link(folder: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:
        return ""
