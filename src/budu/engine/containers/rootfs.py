"""A container's root as the container sees it, held by descriptor: for copying files.

A running container is looked at through its own mount namespace, which is kept alive meanwhile, so
that its volumes stay in place even if it ends. For a stopped one the same tree is put together
from its snapshot, its volumes and its binds, in a mount namespace that nothing but our descriptor
holds: when the descriptor is closed, or this process is killed, the kernel takes it all away.
Whoever walks the tree must expect the container to be hostile: resolve with `linux.paths`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from budu.base.errors import BuduError, Conflict, Internal
from budu.base.ids import new_id
from budu.engine.containers.model import Container, Mount, MountKind
from budu.engine.containers.mount_sources import MountSources
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import Running
from budu.engine.paths import ContainerPaths, EnginePaths
from budu.engine.streams import ThreadResult
from budu.engine.volumes import VolumeService
from budu.linux.libc import AT_FDCWD
from budu.linux.mount import (
    MNT_DETACH,
    MOUNT_ATTR_RDONLY,
    MS_PRIVATE,
    mount_setattr,
    move_mount,
    open_tree,
    pivot_root,
    umount2,
)
from budu.linux.namespaces import CLONE_NEWNS, unshare
from budu.linux.paths import make_directories, make_file
from budu.snapshot.container import ContainerSnapshots
from budu.spec.digest import Digest

_HANDLE = os.O_PATH | os.O_CLOEXEC
_DIRECTORY = _HANDLE | os.O_DIRECTORY
_ATTEMPTS = 5


class RootView:
    """A directory tree held open. `fd` is `O_PATH` on its root; `close` lets everything go."""

    def __init__(self, fd: int, *held: int) -> None:
        self.fd = fd
        self._held = [fd, *held]
        self._release: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def owe(self, release: Callable[[], None]) -> None:
        """Takes over what is to be called at the close, once."""
        self._release = release

    def close(self) -> None:
        """Closes what is held; idempotent, from any thread. The kernel may take a moment."""
        with self._lock:
            held, self._held = self._held, []
            release, self._release = self._release, None
        for fd in held:
            os.close(fd)
        if release is not None:
            release()


class ContainerRoots:
    """Opens containers' roots."""

    def __init__(
        self,
        containers: ContainerService,
        snapshots: ContainerSnapshots,
        volumes: VolumeService,
        paths: EnginePaths,
    ) -> None:
        self._containers = containers
        self._snapshots = snapshots
        self._sources = MountSources(volumes, snapshots.mount_image)
        self._paths = paths

    async def open(self, container_id: str) -> RootView:
        """The root as it is now; the caller closes it.

        Raises: NotFound when the container or its snapshot is gone; Conflict when it starts and
        ends faster than it can be looked at; Internal when something cannot be mounted.
        """
        for _ in range(_ATTEMPTS):
            try:
                container, running = self._containers.running(container_id)
            except Conflict:
                view = await self._open_stopped(container_id)
            else:
                view = open_running(container, running)
            if view is not None:
                return view
        raise Conflict(f"container {container_id} is restarting, wait until it is running")

    async def _open_stopped(self, container_id: str) -> RootView | None:
        """The tree of a container that has no process; None when it has one after all."""
        async with self._containers.holding(container_id):
            container = self._containers.get(container_id)
            if container.is_running:
                return None
            return await self._open_with_sources(container)

    async def _open_with_sources(self, container: Container) -> RootView:
        """Volumes are mounted for as long as it takes to copy their mounts."""
        layers = tuple(map(Digest, container.diff_ids))
        async with AsyncExitStack() as undo, AsyncExitStack() as fds:
            with ExitStack() as sharing:
                volatile = container.is_volatile
                rootfs = self._snapshots.share(container.id, layers, volatile=volatile)
                sharing.callback(self._snapshots.unshare, container.id)
                fds.callback(os.close, rootfs)
                ready, trees = await self._sources.open(
                    container, new_id(), rootfs=rootfs, fds=fds, undo=undo
                )
                await self._sources.fill(ready, rootfs)
                work = ThreadResult(
                    f"root-{container.short_id}", lambda: self._assemble(ready, rootfs, trees)
                )
                try:
                    view = await work.wait()
                except asyncio.CancelledError:
                    # The thread still uses the descriptors: nothing is closed before it ends.
                    with suppress(BuduError, OSError):
                        await asyncio.shield(work.wait())
                    work.abandon(RootView.close)
                    raise
                view.owe(sharing.pop_all().close)
            return view

    def _assemble(self, container: Container, rootfs: int, trees: dict[str, int]) -> RootView:
        """Blocks, and needs a thread of its own: it moves to another mount namespace for good."""
        try:
            binds = _binds(container, self._paths.container(container.id), trees)
            fd, namespace = assemble(
                rootfs,
                binds,
                place=str(self._paths.exec_root),
                read_only=container.host_config.readonly_rootfs,
            )
        except OSError as error:
            message = f"error mounting the root of container {container.id}: {error}"
            raise Internal(message, reference=container.id) from error
        return RootView(fd, namespace)


def open_running(container: Container, running: Running) -> RootView | None:
    """The root of the init process, with its mount namespace; None when it has just ended.

    The pidfd is asked afterwards: as long as it answers, nobody else can have had the number.
    """
    pid = running.shim.pid
    fds: list[int] = []
    try:
        fds.append(os.open(f"/proc/{pid}/root", _DIRECTORY))
        fds.append(os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC))
        signal.pidfd_send_signal(running.shim.pidfd, 0)
    except OSError as error:
        for fd in fds:
            os.close(fd)
        if isinstance(error, (FileNotFoundError, ProcessLookupError)):
            return None
        message = f"error opening the root of container {container.id}: {error.strerror}"
        raise Internal(message, reference=container.id) from error
    return RootView(*fds)


class Bind(NamedTuple):
    """Something of the host that the container sees in its tree."""

    source: str
    destination: str
    read_only: bool = False
    recursive: bool = True
    tree: int | None = None
    """A detached mount to use in place of the source; the caller's."""


def _binds(container: Container, files: ContainerPaths, trees: dict[str, int]) -> list[Bind]:
    """What a start would bind; parents before children. Memory file systems begin empty."""
    chosen = [_bind(each, trees) for each in container.mounts if each.kind is not MountKind.TMPFS]
    taken = {each.destination for each in container.mounts}
    own = (
        (files.resolv_conf, "/etc/resolv.conf"),
        (files.hostname, "/etc/hostname"),
        (files.hosts, "/etc/hosts"),
    )
    return [
        *(Bind(str(path), at) for path, at in own if at not in taken and path.exists()),
        *(each for each in chosen if each.tree is not None or Path(each.source).exists()),
    ]


def _bind(mount: Mount, trees: dict[str, int]) -> Bind:
    tree = trees.get(mount.source.removeprefix("fd:"))
    return Bind(mount.source, mount.destination, mount.read_only, mount.recursive, tree)


def assemble(rootfs: int, binds: Iterable[Bind], *, place: str, read_only: bool) -> tuple[int, int]:
    """Puts binds on the detached mount `rootfs`: a descriptor of its root, and of the namespace.

    The calling thread is in the new mount namespace afterwards and must end. `place` is a directory
    of the host on which the tree is put for a moment, unseen by anybody else.
    """
    trees: list[tuple[int, Bind]] = []
    with ExitStack() as fds:
        for bind in binds:
            if bind.tree is not None:
                tree = os.dup(bind.tree)
            else:
                tree = open_tree(AT_FDCWD, bind.source, recursive=bind.recursive)
            fds.callback(os.close, tree)
            trees.append((tree, bind))
        unshare(CLONE_NEWNS)
        namespace = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        with ExitStack() as undo:
            undo.callback(os.close, namespace)
            mount_setattr(AT_FDCWD, "/", propagation=MS_PRIVATE, recursive=True)
            _enter(rootfs, place)
            for tree, bind in trees:
                _attach(rootfs, tree, bind)
            if read_only:
                mount_setattr(rootfs, set=MOUNT_ATTR_RDONLY)
            root = os.open("/", _DIRECTORY)
            undo.pop_all()
    return root, namespace


def _enter(rootfs: int, place: str) -> None:
    """Makes `rootfs` the root of this thread's namespace, and lets the host's tree go."""
    move_mount(rootfs, AT_FDCWD, place)
    os.fchdir(rootfs)
    pivot_root(".", ".")
    umount2(".", MNT_DETACH)
    os.chdir("/")


def _attach(rootfs: int, tree: int, bind: Bind) -> None:
    make = make_directories if stat.S_ISDIR(os.fstat(tree).st_mode) else make_file
    target = make(rootfs, bind.destination)
    try:
        mount_setattr(tree, propagation=MS_PRIVATE, recursive=True)
        if bind.read_only:
            mount_setattr(tree, set=MOUNT_ATTR_RDONLY, recursive=bind.recursive)
        move_mount(tree, target)
    finally:
        os.close(target)
