"""A folder as a build context: the tar that docker would send of it.

Owners are root, times whole seconds, members in the order of their names, `.dockerignore` is heeded
and files of ours may be added. Nothing is held but a piece: the archive is made while it is sent.
The folder may change meanwhile. What vanished is left out; a file that became shorter than its
header said ends the build, because nothing that is true could be sent in its place.
Source: docker/cli 28.2 `cli/command/image/build/context.go`; moby `pkg/archive` (TarWithOptions).
"""

from __future__ import annotations

import os
import stat

from budu.archive.tar import TarEntry, TarKind
from budu.archive.tar_headers import END, padding, render_header
from budu.base.errors import Hint
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from budu.archive.ignore import Ignore

_PIECE = 1 << 16
"""More than malloc's 128 KiB would come in pages that are new, and slow, each time."""
_SECOND_NS = 1_000_000_000
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CAPABILITY = "security.capability"
_ADDED_MODE = 0o644
_GONE = (FileNotFoundError, NotADirectoryError)


def pack(
    root: str,
    ignore: Ignore,
    added: Mapping[str, bytes],
    *,
    weights: dict[str, int] | None = None,
) -> Iterator[bytes]:
    """The archive of the folder `root`, in pieces.

    `added` are files, by name, that stand in place of those of the folder or beside them.
    `weights` gets the bytes of the files that were sent, by the first name of their paths.
    Raises: CommandFailed in Docker's words for what cannot be read.
    """
    return _gather(_Packer(root, ignore, added, {} if weights is None else weights).parts())


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """Members for files of ours, without the archive's end."""
    return b"".join(_whole_file(name, data) for name, data in files.items())


def _gather(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth a message each, and the archive's end."""
    held = bytearray()
    for part in parts:
        held += part
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held) + END


class _Packer:
    def __init__(
        self, root: str, ignore: Ignore, added: Mapping[str, bytes], weights: dict[str, int]
    ) -> None:
        self._root = root
        self._ignore = ignore
        self._added = dict(added)
        self._weights = weights
        self._links: dict[tuple[int, int], bytes] = {}

    def parts(self) -> Iterator[bytes]:
        """Headers and contents, in order."""
        for name, status in self._walk():
            if name in self._added:
                yield _whole_file(name, self._added.pop(name), status)
                continue
            try:
                yield from self._member(name, status)
            except _GONE:
                continue
            except PermissionError:
                path = os.path.join(self._root, name)
                raise _unreadable(f"no permission to read from '{path}'", name) from None
        for name, data in self._added.items():
            yield _whole_file(name, data)

    def _walk(self) -> Iterator[tuple[str, os.stat_result]]:
        """What goes along, parents first, by name; without recursion."""
        pending = [iter(self._list(""))]
        while pending:
            found = next(pending[-1], None)
            if found is None:
                pending.pop()
                continue
            name, entry = found
            is_folder = entry.is_dir(follow_symlinks=False)
            ignored = self._ignore.ignores(name)
            if not ignored:
                try:
                    yield name, entry.stat(follow_symlinks=False)
                except _GONE:
                    continue
            if is_folder and not (ignored and self._ignore.prunes(name)):
                pending.append(iter(self._list(name)))

    def _list(self, folder: str) -> list[tuple[str, os.DirEntry[str]]]:
        path = os.path.join(self._root, folder)
        above = f"{folder}/" if folder else ""
        try:
            with os.scandir(path) as entries:
                return [
                    (above + entry.name, entry)
                    for entry in sorted(entries, key=lambda entry: entry.name)
                ]
        except _GONE:
            return []
        except PermissionError:
            raise _unreadable(f"can't stat '{path}'", folder) from None

    def _member(self, name: str, status: os.stat_result) -> Iterator[bytes]:
        mode, path = status.st_mode, os.path.join(self._root, name)
        if stat.S_ISREG(mode):
            yield from self._file(name, path)
        elif stat.S_ISDIR(mode):
            yield _header(f"{name}/", status, TarKind.DIRECTORY)
        elif stat.S_ISLNK(mode):
            yield _header(name, status, TarKind.SYMLINK, link=os.fsencode(os.readlink(path)))
        elif stat.S_ISFIFO(mode):
            yield _header(name, status, TarKind.FIFO)
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            kind = TarKind.CHAR_DEVICE if stat.S_ISCHR(mode) else TarKind.BLOCK_DEVICE
            yield _header(name, status, kind, device=status.st_rdev)

    def _file(self, name: str, path: str) -> Iterator[bytes]:
        fd = os.open(path, _READ)
        try:
            status = os.fstat(fd)
            first = self._linked(name, status)
            if first:
                yield _header(name, status, TarKind.HARD_LINK, link=first)
            elif stat.S_ISREG(status.st_mode):
                top = name.partition("/")[0]
                self._weights[top] = self._weights.get(top, 0) + status.st_size
                yield from _content(name, fd, status)
        finally:
            os.close(fd)

    def _linked(self, name: str, status: os.stat_result) -> bytes:
        """The name under which the archive has the same file already; empty for none."""
        if status.st_nlink < 2:
            return b""
        own = os.fsencode(name)
        first = self._links.setdefault((status.st_dev, status.st_ino), own)
        return b"" if first == own else first


def _content(name: str, fd: int, status: os.stat_result) -> Iterator[bytes]:
    """A file's header and content: its first piece is read before the header is made."""
    first = _read(fd, min(status.st_size, _PIECE))
    size = status.st_size if len(first) == _PIECE else len(first)
    yield _header(name, status, TarKind.FILE, size=size, xattrs=_capability(fd)) + first
    left = size - len(first)
    while left:
        piece = os.read(fd, min(left, _PIECE))
        if not piece:
            raise _unreadable(f"'{name}' became shorter while it was read", name, "changed")
        left -= len(piece)
        yield piece
    yield padding(size)


def _read(fd: int, size: int) -> bytes:
    """Up to `size` bytes; fewer only at the end."""
    data = os.read(fd, size)
    while len(data) < size and (more := os.read(fd, size - len(data))):
        data += more
    return data


def _capability(fd: int) -> tuple[tuple[bytes, bytes], ...]:
    try:
        return ((_CAPABILITY.encode(), os.getxattr(fd, _CAPABILITY)),)
    except OSError:  # has none, or none can be had here
        return ()


def _header(
    name: str,
    status: os.stat_result,
    kind: TarKind,
    *,
    size: int = 0,
    link: bytes = b"",
    device: int = 0,
    xattrs: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
    entry = TarEntry(
        path=os.fsencode(name),
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        mtime_ns=int(status.st_mtime) * _SECOND_NS,
        size=size,
        link=link,
        major=os.major(device),
        minor=os.minor(device),
        xattrs=xattrs,
    )
    return render_header(entry)


def _whole_file(name: str, data: bytes, status: os.stat_result | None = None) -> bytes:
    """A file of ours, with the mode and the time of the one that it replaces."""
    if status is not None:
        head = _header(name, status, TarKind.FILE, size=len(data))
    else:
        path, size = os.fsencode(name), len(data)
        head = render_header(TarEntry(path=path, kind=TarKind.FILE, mode=_ADDED_MODE, size=size))
    return head + data + padding(len(data))


def _unreadable(message: str, name: str, why: str = "unreadable") -> CommandFailed:
    return CommandFailed(
        f"error checking context: {message}", hint=Hint(f"cli.build-{why}", path=name or ".")
    )
