"""Files of containers and of volumes, in and out as tar archives. See `engine.contract.files`.

    open the tree ─▶ resolve the path in it ─▶ check what is there ─▶ pack or unpack by descriptors

Each call works in a thread of its own, which closes the tree at its end: a file system that hangs
takes nobody else along. Neighbours: `rootfs` (opens a container's tree), `lookup` (paths),
`archive.write`, `archive.extract`, `engine.streams`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

from budu.archive.chunks import ChunkStream
from budu.archive.compression import decompress
from budu.archive.extract import ExtractOptions, extract
from budu.archive.faults import from_os_error
from budu.archive.tar import StreamSource
from budu.archive.write import PackOptions, TreeWriter
from budu.base.errors import BuduError, Hint, InvalidArgument, NotFound, PermissionDenied
from budu.engine.containers.lookup import clean_request, find, open_entry, path_stat
from budu.engine.containers.rootfs import ContainerRoots, RootView
from budu.engine.containers.service import ContainerService
from budu.engine.contract.files import Matches, PathStat, WriteOptions
from budu.engine.streams import MadeInThread, ThreadResult, Write, used_in_thread
from budu.engine.volumes import VolumeService
from budu.linux.libc import AT_FDCWD
from budu.linux.mount import open_tree as copy_mount
from budu.linux.paths import read_file
from budu.linux.waiting import is_virtual, open_below
from budu.runtime.users import UserNotFound, resolve_user

T = TypeVar("T")

_KEPT_XATTRS = (b"user.", b"system.posix_acl_")
_CAPABILITY = b"security.capability"


class Tree:
    """One tree that a call works on.

    `title` names it in errors (`container web`), `ref` is what the client called it. `user` is
    whom a container runs as. `tell` announces an event, in the loop.
    """

    def __init__(
        self,
        view: RootView,
        *,
        title: str,
        ref: str,
        user: str = "",
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.view = view
        self.title = title
        self.ref = ref
        self.user = user
        self.tell = tell


OpenTree = Callable[[str], Awaitable[Tree]]


class FileService:
    """Files of whatever `open_tree` opens. Implements `engine.contract.files.Files`."""

    def __init__(self, open_tree: OpenTree) -> None:
        self._open_tree = open_tree

    async def stat(self, ref: str, path: str) -> PathStat:
        """See `Files.stat`."""
        path = clean_request(path)
        return await self._look(ref, lambda tree: _stat(tree, path))

    async def find(self, ref: str, pattern: str) -> Matches:
        """See `Files.find`."""
        pattern = clean_request(pattern)
        return await self._look(ref, lambda tree: _find(tree, pattern))

    async def read(
        self, ref: str, path: str, *, sparse: bool = False
    ) -> tuple[PathStat, AsyncIterator[bytes]]:
        """See `Files.read`."""
        path = clean_request(path)
        tree = await self._open_tree(ref)
        found: list[PathStat] = []
        made = MadeInThread("archive", partial(_pack, tree, path, found, sparse))
        try:
            await made.ready()
        except BaseException:
            await made.aclose()
            raise
        tree.tell("archive-path")
        return found[0], made

    async def write(
        self, ref: str, path: str, body: AsyncIterator[bytes], *, options: WriteOptions
    ) -> None:
        """See `Files.write`."""
        path = clean_request(path)
        tree = await self._open_tree(ref)
        await used_in_thread("extract", body, partial(_unpack, tree, path, options))
        tree.tell("extract-to-dir")

    async def _look(self, ref: str, look: Callable[[Tree], T]) -> T:
        tree = await self._open_tree(ref)
        return await ThreadResult("look", partial(_look_and_close, tree, look)).wait()


def container_files(containers: ContainerService, roots: ContainerRoots) -> FileService:
    """Files of containers."""

    async def open_tree(ref: str) -> Tree:
        container = containers.get(ref)
        return Tree(
            await roots.open(container.id),
            title=f"container {ref}",
            ref=ref,
            user=container.config.user,
            tell=lambda action: containers.emit(container, action),
        )

    return FileService(open_tree)


def volume_files(volumes: VolumeService) -> FileService:
    """Files of volumes."""

    async def open_tree(ref: str) -> Tree:
        async with volumes.using(ref) as path:
            try:  # a copy of the mount, which stays when the volume is given up
                fd = copy_mount(AT_FDCWD, path, recursive=True)
            except OSError as error:
                raise from_os_error(error, f"open {path}") from error
        return Tree(RootView(fd), title=f"volume {ref}", ref=ref)

    return FileService(open_tree)


# In threads


def _look_and_close(tree: Tree, look: Callable[[Tree], T]) -> T:
    try:
        return look(tree)
    finally:
        tree.view.close()


def _stat(tree: Tree, path: str) -> PathStat:
    fd = _open(tree, path)
    try:
        return path_stat(tree.view.fd, path, fd)
    except OSError as error:
        raise _failed(tree, path, error) from error
    finally:
        os.close(fd)


def _find(tree: Tree, pattern: str) -> Matches:
    found = find(tree.view.fd, pattern)
    if not found:
        raise _missing(tree, pattern)
    return found


def _pack(tree: Tree, path: str, found: list[PathStat], sparse: bool, write: Write) -> None:
    """Tells in `found` what is there, before the first byte, and writes the archive."""
    try:
        fd = _open(tree, path)
        try:
            status = path_stat(tree.view.fd, path, fd)
            found.append(status)
            options = PackOptions(sparse=sparse, keeps_xattr=_keeps_xattr, enter=_enters)
            _write_archive(TreeWriter(write, options), fd, os.fsencode(status.name))
        except OSError as error:
            raise _failed(tree, path, error) from error
        finally:
            os.close(fd)
    finally:
        tree.view.close()


def _write_archive(writer: TreeWriter, fd: int, name: bytes) -> None:
    if _is_directory(fd) and not is_virtual(fd):
        writer.add_tree(fd, name)
    else:
        writer.add_entry(fd, name)
    writer.end()


def _keeps_xattr(name: bytes) -> bool:
    return name == _CAPABILITY or name.startswith(_KEPT_XATTRS)


def _enters(fd: int, _: os.stat_result) -> bool:
    """Whatever is mounted below belongs to the archive, but for windows into the kernel."""
    return not is_virtual(fd)


def _unpack(tree: Tree, path: str, options: WriteOptions, chunks: Iterator[bytes]) -> None:
    try:
        _check_target(tree, path)
        chosen = ExtractOptions(
            base=os.fsencode(path),
            owner=_owner(tree) if options.own else None,
            keeps_root=True,
            keeps_kinds=options.keep_kinds,
            implied_now=True,
        )
        plain = decompress(chunks)
        try:
            extract(StreamSource(ChunkStream(plain)), tree.view.fd, options=chosen)
        except OSError as error:
            raise _failed(tree, path, error) from error
        for _ in plain:  # what pads the archive
            continue
    finally:
        tree.view.close()


def _check_target(tree: Tree, path: str) -> None:
    """Raises: NotFound, InvalidArgument, PermissionDenied, each with Docker's sentence."""
    root = tree.view.fd
    try:
        fd = open_below(root, path.rstrip("/") or "/", os.O_PATH)
    except OSError as error:
        raise _failed(tree, path, error) from error
    try:
        status = os.fstat(fd)
        if not stat.S_ISDIR(status.st_mode):
            raise InvalidArgument("extraction point is not a directory", reference=path)
        if is_virtual(fd):
            raise _virtual(tree, path)
        if os.fstatvfs(fd).f_flag & os.ST_RDONLY:
            raise _read_only(is_root=status.st_dev == os.fstat(root).st_dev)
    finally:
        os.close(fd)


def _read_only(*, is_root: bool) -> PermissionDenied:
    what = "container rootfs" if is_root else "mounted volume"
    key = "files.rootfs-read-only" if is_root else "files.volume-read-only"
    return PermissionDenied(f"{what} is marked read-only", hint=Hint(key))


def _owner(tree: Tree) -> tuple[int, int] | None:
    """The uid and gid of the container's user; None when it names none."""
    if not tree.user:
        return None
    root = tree.view.fd
    passwd, group = read_file(root, "/etc/passwd"), read_file(root, "/etc/group")
    try:
        found = resolve_user(tree.user, passwd=passwd, group=group)
    except UserNotFound as error:
        raise InvalidArgument(str(error)) from error
    return found.uid, found.gid


def _open(tree: Tree, path: str) -> int:
    """What is at a path. Raises: NotFound, also for what is no data; InvalidArgument."""
    try:
        fd = open_entry(tree.view.fd, path)
    except OSError as error:
        raise _failed(tree, path, error) from error
    if is_virtual(fd) and not _is_directory(fd):
        os.close(fd)
        raise _virtual(tree, path)
    return fd


def _is_directory(fd: int) -> bool:
    return stat.S_ISDIR(os.fstat(fd).st_mode)


def _failed(tree: Tree, path: str, error: OSError) -> BuduError:
    if isinstance(error, FileNotFoundError):
        return _missing(tree, path)
    return from_os_error(error, f"lstat {path}")


def _missing(tree: Tree, path: str) -> NotFound:
    return NotFound(f"Could not find the file {path} in {tree.title}", reference=path)


def _virtual(tree: Tree, path: str) -> NotFound:
    return NotFound(
        f"Could not find the file {path} in {tree.title}",
        hint=Hint("files.virtual", path=path, ref=tree.ref),
        reference=path,
    )
