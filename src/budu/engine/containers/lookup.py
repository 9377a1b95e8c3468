"""Paths within a tree that nobody may leave: Docker's rules, and what is found there.

All functions block; the tree may be hostile. Source: Engine API 1.51 ContainerArchiveInfo; moby,
`pkg/archive` (trailing dots and slashes); Go `io/fs` (FileMode).
"""

from __future__ import annotations

import os
import posixpath
import stat
from fnmatch import fnmatchcase

from budu.archive.paths import LINKS_MAX
from budu.base.errors import InvalidArgument
from budu.engine.contract.files import FoundPath, PathStat
from budu.linux.waiting import open_below

MATCHES_MAX = 10_000
"""Matches of one pattern."""

_HANDLE = os.O_PATH | os.O_NOFOLLOW
_MAGIC = frozenset("*?[")
_GO_KINDS = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
_GO_BITS = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


def clean_request(path: str) -> str:
    """An absolute path without `..`; `/.` or `/` at its end stays, because it means something.

    Raises: InvalidArgument when it is empty or no path at all.
    """
    if not path:
        raise InvalidArgument("bad parameter: pathcannot be empty")
    if "\0" in path:
        raise InvalidArgument(f"lstat {path.partition(chr(0))[0]}: invalid argument")
    cleaned = "/" + posixpath.normpath("/" + path).lstrip("/")
    if path == "." or path.endswith("/."):
        return cleaned.rstrip("/") + "/."
    return cleaned + "/" if path.endswith("/") and cleaned != "/" else cleaned


def base_name(path: str) -> str:
    """The last name of a cleaned request, as Go's `filepath.Base`: `.` of `/x/.`, `/` of `/`."""
    return path.rstrip("/").rpartition("/")[2] or "/"


def open_entry(root: int, path: str) -> int:
    """An `O_PATH` descriptor of what is at `path`; a link itself unless a slash follows it."""
    return open_below(root, path, _HANDLE)


def path_stat(root: int, path: str, fd: int) -> PathStat:
    """What Docker tells of an entry. `path` is a cleaned request."""
    status = os.fstat(fd)
    is_link = stat.S_ISLNK(status.st_mode)
    return PathStat(
        name=base_name(path),
        size=status.st_size,
        mode=go_mode(status.st_mode),
        mtime_ns=status.st_mtime_ns,
        link_target=follow(root, path) if is_link else "",
    )


def go_mode(mode: int) -> int:
    """Go's `FileMode` for a kernel's `st_mode`."""
    bits = sum(go for kernel, go in _GO_BITS.items() if mode & kernel)
    return mode & 0o777 | bits | _GO_KINDS.get(stat.S_IFMT(mode), 0)


def follow(root: int, path: str) -> str:
    """Where a link finally leads, or as far as there is something; a loop leads to itself.

    Only a text for the client: what it does with it is resolved anew.
    """
    done: list[str] = []
    pending = path.split("/")[::-1]
    links = 0
    while pending:
        name = pending.pop()
        if name in ("", "."):
            continue
        if name == "..":
            done = done[:-1]
            continue
        target = _read_link(root, "/" + "/".join([*done, name]))
        if target is None or links == LINKS_MAX:
            done.append(name)
            continue
        links += 1
        done = [] if target.startswith("/") else done
        pending.extend(reversed(target.split("/")))
    return "/" + "/".join(done)


def _read_link(root: int, path: str) -> str | None:
    try:
        fd = open_entry(root, path)
    except OSError:
        return None
    try:
        is_link = stat.S_ISLNK(os.fstat(fd).st_mode)
        return os.readlink("", dir_fd=fd) if is_link else None
    finally:
        os.close(fd)


def find(root: int, pattern: str) -> list[FoundPath]:
    """What matches a cleaned request, by name; only itself when it is a path that exists.

    Raises: InvalidArgument when too much matches.
    """
    literal = _look(root, pattern)
    if literal is not None:
        return [literal]
    if not _MAGIC & set(pattern):
        return []
    places = ["/"]
    for part in pattern.split("/"):
        if part in ("", "."):
            continue
        if _MAGIC & set(part):
            places = [
                posixpath.join(place, n) for place in places for n in _names(root, place, part)
            ]
        else:
            places = [posixpath.join(place, part) for place in places]
        if len(places) > MATCHES_MAX:
            raise InvalidArgument(f"{pattern}: more than {MATCHES_MAX} files match")
    tail = "/." if pattern.endswith("/.") else "/" if pattern.endswith("/") else ""
    found = (_look(root, place + tail) for place in places)
    return [each for each in found if each is not None]


def _look(root: int, path: str) -> FoundPath | None:
    try:
        fd = open_entry(root, path)
    except OSError:
        return None
    try:
        return FoundPath(path=path, stat=path_stat(root, path, fd))
    finally:
        os.close(fd)


def _names(root: int, place: str, part: str) -> list[str]:
    """Names of a directory that match, without hidden ones unless the pattern begins so."""
    try:
        fd = open_below(root, place, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return []
    try:
        names = sorted(os.listdir(fd))
    finally:
        os.close(fd)
    hidden = part.startswith(".")
    return [n for n in names if fnmatchcase(n, part) and (hidden or not n.startswith("."))]
