"""Build contexts: an archive that a client sent, or files that the engine fetched, as a folder.

    FOLDER/            mode 0700: nobody else gets to what lies in it
    FOLDER/context/    the root of the context, mode 0755 as new folders of images have

Everything in it may be hostile. Members cannot leave the root (`archive.extract`), what they may
hold is bounded, and the files are only ever reached by descriptors below the root. Blocking.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from budu.archive.chunks import ChunkStream
from budu.archive.compression import decompress
from budu.archive.extract import ExtractOptions, extract
from budu.archive.faults import from_os_error, os_errors
from budu.archive.ignore import Ignore, read_patterns
from budu.archive.limits import MemberCount, MemberLimits
from budu.archive.remove import remove_entries, remove_entry
from budu.archive.tar import StreamSource
from budu.archive.walk import handle_path, walk
from budu.base.errors import InvalidArgument, NotFound
from budu.linux.paths import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2
from budu.linux.waiting import open_below

READ_MAX = 16 << 20
"""Longest file that `Context.read` reads, in bytes: Dockerfiles and lists of patterns."""

ROOT_NAME = "context"
IGNORE_NAME = ".dockerignore"

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class Context:
    """A context on disk. `close` takes it away; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Takes over `folder`, with the files below `context` in it. Raises: OSError."""
        self._folder = folder
        self.path = folder / ROOT_NAME
        """The root. For people and programs; our own code goes by `root`."""
        self.root = os.open(self.path, _DIRECTORY)
        """An `O_PATH` descriptor of the root, valid until `close`."""

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, path: str) -> bytes:
        """A file's content; links lead to what is below the root.

        Raises: NotFound; InvalidArgument for what is no file, or is longer than `READ_MAX`.
        """
        return read_below(self.root, path)

    def leave_out(self, dockerfile: str, *, everything: bool = False) -> None:
        """Remove what the context's ignore file says, after the Dockerfile has been read.

        The Dockerfile and the ignore file themselves come with every context and go now where
        they are ignored; with `everything` all else goes, too: whoever packed the context did not
        look. An ignore file beside the Dockerfile goes before the one in the root. Raises:
        InvalidArgument for a broken pattern. Source: Dockerfile reference, ".dockerignore file".
        """
        ignore = find_ignore(self.root, dockerfile)
        if ignore is None:
            return
        if everything:
            remove_ignored(self.root, ignore)
            return
        for name in ignored_names(ignore, dockerfile):
            remove_below(self.root, os.fsencode(name))

    def unpacked(self) -> int:
        """The root, which lies on the host as it is."""
        return self.root

    def close(self) -> None:
        """Remove the folder and all that is in it. Raises: OSError."""
        os.close(self.root)
        discard(self._folder)


def read_below(root: int, path: str) -> bytes:
    """A file's content below a root: see `Context.read`."""
    if "\0" in path:
        raise InvalidArgument(f"stat {path.partition(chr(0))[0]}: invalid argument")
    try:
        fd = open_below(root, path, os.O_PATH)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"stat {path}: file does not exist", reference=path) from error
    except OSError as error:
        raise from_os_error(error, f"stat {path}") from error
    try:
        return _read_file(fd, path)
    finally:
        os.close(fd)


def find_ignore(root: int, dockerfile: str) -> Ignore | None:
    """What the ignore file of a context says; one beside the Dockerfile goes before the one in the
    root. Raises: InvalidArgument for a broken pattern."""
    for name in (f"{dockerfile}{IGNORE_NAME}", IGNORE_NAME):
        try:
            text = read_below(root, name).decode(errors="surrogateescape")
        except NotFound:
            continue
        return Ignore(read_patterns(text))
    return None


def ignored_names(ignore: Ignore, dockerfile: str) -> list[str]:
    """Those of the files that come with every context which are ignored nevertheless."""
    names = (dockerfile, f"{dockerfile}{IGNORE_NAME}", IGNORE_NAME)
    return [name for name in names if ignore.ignores(name)]


def receive(
    pieces: Iterator[bytes], folder: Path, *, limits: MemberLimits | None = None
) -> Context:
    """Unpack a context, plain or packed, into `folder`, which is made where it is missing.

    On an error nothing of it stays. Raises: InvalidArgument, DataLoss, ResourceExhausted,
    PermissionDenied as `archive.extract` does; whatever `pieces` raises.
    """
    root = make_root(folder)
    try:
        count = MemberCount(limits)
        plain = decompress(pieces)
        # docker leaves off the end of a context to which it added a Dockerfile from elsewhere.
        options = ExtractOptions(owners=False, keeps_root=True, admit=count.admit, unpadded=True)
        fd = os.open(root, _DIRECTORY)
        try:
            extract(StreamSource(ChunkStream(plain)), fd, options=options)
        finally:
            os.close(fd)
        for _ in plain:  # what pads the archive
            continue
        # As new as what is in it, so that the same context always makes the same folder.
        os.utime(root, ns=(count.newest_ns, count.newest_ns))
        return Context(folder)
    except BaseException:
        discard(folder)
        raise


def make_root(folder: Path) -> Path:
    """The empty root of a context to come in `folder`. Raises: ResourceExhausted and the like."""
    root = folder / ROOT_NAME
    with os_errors(f"mkdir {root}"):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        root.mkdir()
        root.chmod(0o755)
    return root


def remove_ignored(root: int, ignore: Ignore) -> None:
    """Remove what is ignored below a root; a folder with something to keep in it stays."""
    gone: list[bytes] = []
    emptied: list[bytes] = []

    def prunes(path: bytes) -> bool:
        return ignore.prunes(os.fsdecode(path))

    for found in walk(root, prunes=prunes):
        path = os.fsdecode(found.path)
        if not ignore.ignores(path):
            continue
        is_kept = stat.S_ISDIR(found.status.st_mode) and not ignore.prunes(path)
        (emptied if is_kept else gone).append(found.path)
    for each in gone:
        remove_below(root, each)
    for each in reversed(emptied):
        with suppress(OSError):  # something in it is kept
            _remove_directory(root, each)


def _read_file(fd: int, path: str) -> bytes:
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):
        raise InvalidArgument(f"read {path}: is a directory", reference=path)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidArgument(f"read {path}: not a regular file", reference=path)
    if status.st_size > READ_MAX:
        raise InvalidArgument(f"read {path}: file too large", reference=path)
    try:
        with open(handle_path(fd), "rb", opener=lambda name, _: os.open(name, _READ)) as file:
            return file.read(READ_MAX)
    except OSError as error:
        raise from_os_error(error, f"read {path}") from error


def _parent(root: int, path: bytes) -> tuple[int, bytes]:
    """The folder that a path without links is in, to be closed; and the last name."""
    folder, _, name = path.rpartition(b"/")
    resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
    return openat2(root, os.fsdecode(folder or b"."), _DIRECTORY, resolve=resolve), name


def remove_below(root: int, path: bytes) -> None:
    """Remove whatever is at a path without links; nothing where nothing is."""
    with suppress(FileNotFoundError, NotADirectoryError):
        parent, name = _parent(root, path)
        try:
            remove_entry(name, dir_fd=parent)
        finally:
            os.close(parent)


def _remove_directory(root: int, path: bytes) -> None:
    parent, name = _parent(root, path)
    try:
        os.rmdir(name, dir_fd=parent)
    finally:
        os.close(parent)


def discard(folder: Path) -> None:
    """Remove a context's folder with all that is in it; nothing where there is none."""
    with suppress(FileNotFoundError):
        remove_entries(folder)
        folder.rmdir()
