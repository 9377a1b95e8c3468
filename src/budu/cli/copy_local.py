"""The local side of `cp`: what is at a path, and a tar archive of it. Light until it packs.

Source: moby `pkg/archive/copy.go` (which links are followed); docker/cli `command/utils.go`.
"""

from __future__ import annotations

import os
import stat

from budu.cli.copy_rules import Target, keep_ending, rebase, split_entry
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from tarfile import TarInfo

_PIECE = 1 << 17
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_LINKS_MAX = 10
_CAPABILITY = "security.capability"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Source:
    """Something here that is to be copied. `name` is what it is called in the archive."""

    __slots__ = ("is_directory", "name", "path")

    def __init__(self, path: str, name: str, *, is_directory: bool) -> None:
        self.path = path
        self.name = name
        self.is_directory = is_directory


def find_source(text: str, *, follow: bool) -> Source:
    """What is at a path; links before the last name are followed, the last one when asked.

    Raises: CommandFailed in Docker's words.
    """
    path = absolute(text)
    try:
        resolved, kept = _resolve(path, follow=follow)
        status = os.lstat(resolved)
    except NotADirectoryError:
        raise CommandFailed("not a directory") from None
    except OSError as error:
        raise CommandFailed(_sentence("lstat", path, error)) from None
    is_directory = stat.S_ISDIR(status.st_mode)
    if path.endswith("/") and not is_directory:
        raise CommandFailed("not a directory")
    return Source(resolved, kept or split_entry(resolved)[1], is_directory=is_directory)


def _resolve(path: str, *, follow: bool) -> tuple[str, str]:
    if follow or path.endswith("/"):
        return rebase(path, os.path.realpath(path, strict=True))
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder, strict=True), name), ""


def absolute(text: str) -> str:
    """An absolute path that keeps the `/` or `/.` at its end."""
    return keep_ending(os.path.abspath(text), text)


def find_target(text: str) -> Target:
    """What a path is to be: links lead to what is written, which need not be there yet.

    Raises: CommandFailed in Docker's words when nothing can be written there.
    """
    path = absolute(text)
    _check_output(path)
    original = path
    try:
        for _ in range(_LINKS_MAX + 1):
            status = os.lstat(path)
            if not stat.S_ISLNK(status.st_mode):
                return Target(path, exists=True, is_directory=stat.S_ISDIR(status.st_mode))
            path = os.path.join(split_entry(path)[0], os.readlink(path.rstrip("/")))
    except FileNotFoundError:
        return _missing_target(path)
    except OSError as error:
        raise CommandFailed(_sentence("lstat", path, error)) from None
    raise CommandFailed(f"too many symlinks in {original}")


def _missing_target(path: str) -> Target:
    folder = split_entry(path)[0]
    try:
        is_directory = stat.S_ISDIR(os.stat(folder).st_mode)
    except OSError as error:
        raise CommandFailed(_sentence("stat", folder, error)) from None
    if not is_directory:
        raise CommandFailed("not a directory")
    return Target(path)


def _check_output(path: str) -> None:
    folder = os.path.dirname(os.path.normpath(path))
    if not os.path.exists(folder):
        raise CommandFailed(f'invalid output path: directory "{folder}" does not exist')
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise CommandFailed(
            f'invalid output path: "{path}" must be a directory or a regular file: got a device'
        )


def _sentence(action: str, path: str, error: OSError) -> str:
    return f"{action} {path}: {os.strerror(error.errno or 0).lower()}"


# Packing


def pack(source: Source, name: str, *, exact: bool) -> Iterator[bytes]:
    """A tar archive of something here, called `name` in it. `exact` keeps nanoseconds.

    Raises: CommandFailed when something cannot be read; the archive is not complete then.
    """
    import tarfile

    links: dict[tuple[int, int], str] = {}
    for path, member in _walk(source, name):
        try:
            status = os.lstat(path)
            info = _describe(tarfile.TarInfo(member), path, status, links=links, exact=exact)
            if info is not None:
                yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
                if info.size:
                    yield from _content(path, info.size)
        except OSError as error:
            raise CommandFailed(_sentence("open", path, error)) from None
    yield _END


def _walk(source: Source, name: str) -> Iterator[tuple[str, str]]:
    """Paths and their names in the archive, parents first; without recursion."""
    pending = [(source.path, name)]
    while pending:
        path, member = pending.pop()
        yield path, member
        if os.path.isdir(path) and not os.path.islink(path):
            above = member.rstrip("/") + "/"
            names = sorted(os.listdir(path), reverse=True)
            pending += [(os.path.join(path, each), above + each) for each in names]


def _describe(
    info: TarInfo,
    path: str,
    status: os.stat_result,
    *,
    links: dict[tuple[int, int], str],
    exact: bool,
) -> TarInfo | None:
    """The header of a member; None for a socket, which no archive holds."""
    mode = status.st_mode
    info.mode, info.uid, info.gid = stat.S_IMODE(mode), status.st_uid, status.st_gid
    info.mtime, nanoseconds = divmod(max(status.st_mtime_ns, 0), 1_000_000_000)
    if exact and nanoseconds:
        info.pax_headers = {"mtime": f"{info.mtime}.{nanoseconds:09d}"}
    if stat.S_ISDIR(mode):
        info.type = b"5"
        return info
    if stat.S_ISLNK(mode):
        info.type, info.linkname = b"2", os.readlink(path)
        return info
    first = links.setdefault((status.st_dev, status.st_ino), info.name)
    if status.st_nlink > 1 and first != info.name:
        info.type, info.linkname = b"1", first
        return info
    return _describe_file(info, path, status)


def _describe_file(info: TarInfo, path: str, status: os.stat_result) -> TarInfo | None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        info.size = status.st_size
        try:
            value = os.getxattr(path, _CAPABILITY, follow_symlinks=False)
        except (OSError, AttributeError):
            return info
        text = value.decode("utf-8", "surrogateescape")
        info.pax_headers = {**info.pax_headers, "SCHILY.xattr." + _CAPABILITY: text}
        return info
    if stat.S_ISFIFO(mode):
        info.type = b"6"
        return info
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        info.type = b"3" if stat.S_ISCHR(mode) else b"4"
        info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
        return info
    return None


def _content(path: str, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes and their padding: a file that shrinks is filled up, one that grows
    is cut."""
    fd = os.open(path, _READ)
    try:
        left = size
        while left and (piece := os.read(fd, min(left, _PIECE))):
            left -= len(piece)
            yield piece
    finally:
        os.close(fd)
    while left:
        yield bytes(part := min(left, _PIECE))
        left -= part
    yield bytes(-size % _BLOCK)
