"""Builders of tars and a way to write down a whole tree, for the suites about layers."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterable
from typing import Any

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, data: bytes = b"", *, xattrs: dict[str, bytes] | None = None, **fields: Any):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    for key, value in (xattrs or {}).items():
        text = value.decode("utf-8", "surrogateescape")
        info.pax_headers = {**info.pax_headers, f"SCHILY.xattr.{key}": text}
    return info, data


def directory(name: str, **fields: Any) -> Member:
    return member(name, type=tarfile.DIRTYPE, **{"mode": 0o755, "mtime": 1_600_000_000, **fields})


def symlink(name: str, target: str, **fields: Any) -> Member:
    return member(name, type=tarfile.SYMTYPE, linkname=target, **fields)


def hard_link(name: str, target: str, **fields: Any) -> Member:
    return member(name, type=tarfile.LNKTYPE, linkname=target, **fields)


def make_tar(members: Iterable[Member], *, format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=format, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def describe_tree(
    root: str, *, ignore_time: Callable[[str, int], bool] = lambda path, mode: False
) -> dict[str, tuple]:
    """Every entry below `root` with all that a file system says about it."""
    found: dict[str, tuple] = {}
    numbers: dict[tuple[int, int], str] = {}
    pending = [""]
    while pending:
        path = pending.pop()
        place = f"{root}/{path}" if path else f"{root}/."
        status = os.lstat(place)
        mode = status.st_mode
        if stat.S_ISDIR(mode):
            names = sorted(os.listdir(place))
            pending += [f"{path}/{name}" if path else name for name in names]
        found[path] = (
            oct(mode),
            status.st_uid,
            status.st_gid,
            None if ignore_time(path, mode) else status.st_mtime_ns,
            None if stat.S_ISDIR(mode) else (status.st_size, status.st_nlink),
            numbers.setdefault((status.st_dev, status.st_ino), path),
            status.st_rdev if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else None,
            os.readlink(place) if stat.S_ISLNK(mode) else _hash(place, mode),
            {
                name: os.getxattr(place, name, follow_symlinks=False)
                for name in os.listxattr(place, follow_symlinks=False)
            },
        )
    return found


def _hash(place: str, mode: int) -> str | None:
    if not stat.S_ISREG(mode):
        return None
    with open(place, "rb") as file:  # noqa: PTH123
        return hashlib.sha256(file.read()).hexdigest()
