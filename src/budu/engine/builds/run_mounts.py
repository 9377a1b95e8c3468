"""What `RUN --mount` asks for, made ready for a container.

    bind    a folder or file of the context, or of another stage or image; nothing is written back
    cache   a folder of the engine's that stays from build to build
    tmpfs   memory

Secrets and agents come from a client's session, which this engine does not have: such a mount is
left out, unless it is required.
Source: Dockerfile reference, "RUN --mount"; buildkit 0.23 frontend/dockerfile/dockerfile2llb
convert_runmount.go.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from budu.base.clock import now_ns
from budu.base.errors import Hint, InvalidArgument, NotImplementedHere
from budu.build.copying import CopyPlan, copy_digest
from budu.build.mounts import RunMount, RunMountKind
from budu.engine.builds.origins import Origin
from budu.engine.builds.records import StepRecord, StepRecords
from budu.engine.locks import Locks
from budu.linux.paths import open_in_root
from budu.spec.api.host_config import ImageOptions, Mount, TmpfsOptions
from budu.volume.copy_up import copy_tree

_HANDLE = os.O_PATH | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FindOrigin = Callable[[str], Awaitable[Origin]]


class PreparedMounts(msgspec.Struct, frozen=True, kw_only=True):
    """The mounts of one command."""

    mounts: tuple[Mount, ...] = ()
    places: tuple[str, ...] = ()
    """Paths, parents first, that are missing in the image and are made only to mount there."""


class RunMounts:
    """Prepares mounts for commands, and keeps the folders of cache mounts."""

    def __init__(self, caches: Path, records: StepRecords) -> None:
        """`caches` is where kept folders lie."""
        self._caches = caches
        self._records = records
        self._locks = Locks()
        self._busy: set[str] = set()

    async def reads(self, mounts: Sequence[RunMount], find: FindOrigin) -> list[str]:
        """What a command depends on that is mounted: a digest for each bind."""
        found: list[str] = []
        for mount in mounts:
            if mount.kind is RunMountKind.BIND:
                origin = await find(mount.origin)
                plan = CopyPlan(
                    sources=(mount.source or "/",),
                    is_context=origin.image is None,
                    target="/",
                    keeps_owners=True,
                )
                found.append(await asyncio.to_thread(copy_digest, origin.root, plan))
        return found

    async def prepare(
        self,
        mounts: Sequence[RunMount],
        find: FindOrigin,
        *,
        root: int,
        folder: Path,
        command: str,
        held: AsyncExitStack,
    ) -> PreparedMounts:
        """Make the mounts ready; `held` lets go of them after the command.

        `root` is the root below the command, `folder` the build's own. Raises: InvalidArgument for
        a source that is not there; NotImplementedHere for what only a client could bring.
        """
        ready = [
            await self._ready(each, find, folder=folder, command=command, held=held)
            for each in mounts
        ]
        chosen = tuple(each for each in ready if each is not None)
        return PreparedMounts(mounts=chosen, places=_places(root, [each.target for each in chosen]))

    async def _ready(
        self,
        mount: RunMount,
        find: FindOrigin,
        *,
        folder: Path,
        command: str,
        held: AsyncExitStack,
    ) -> Mount | None:
        match mount.kind:
            case RunMountKind.TMPFS:
                options = TmpfsOptions(size_bytes=mount.size)
                return Mount(type="tmpfs", target=mount.target, tmpfs_options=options)
            case RunMountKind.BIND:
                return await self._bind(mount, await find(mount.origin), folder)
            case RunMountKind.CACHE:
                origin = await find(mount.origin) if mount.origin else None
                kept = await self._kept(mount, origin, command, held)
                return Mount(
                    type="bind",
                    source=str(kept),
                    target=mount.target,
                    read_only=mount.is_read_only,
                )
            case _ if mount.is_required:
                name = "SSH agent" if mount.kind is RunMountKind.SSH else f"secret {mount.id}"
                raise NotImplementedHere(f"{name}: not found", hint=Hint("build.no-session"))
            case _:
                return None

    async def _bind(self, mount: RunMount, origin: Origin, folder: Path) -> Mount:
        source, root = mount.source or "/", origin.root
        if origin.unpacked is not None:
            root = await asyncio.to_thread(origin.unpacked)
        fd = _open(root, source)
        try:
            if not mount.is_read_only:
                copy = await asyncio.to_thread(_copied, fd, folder)
                return Mount(type="bind", source=copy, target=mount.target)
            inside = os.readlink(f"/proc/self/fd/{fd}")
            if origin.image is None:
                return Mount(type="bind", source=inside, target=mount.target, read_only=True)
            below = os.path.relpath(inside, os.readlink(f"/proc/self/fd/{root}"))
            return Mount(
                type="image",
                source=origin.image.id,
                target=mount.target,
                image_options=ImageOptions(subpath="" if below == "." else below),
            )
        finally:
            os.close(fd)

    async def _kept(
        self, mount: RunMount, origin: Origin | None, command: str, held: AsyncExitStack
    ) -> Path:
        """The folder of a cache mount, made when it is not there."""
        name = hashlib.sha256(mount.id.encode("utf-8", "surrogateescape")).hexdigest()
        if mount.sharing == "locked":
            await held.enter_async_context(self._locks.holding(name))
        elif mount.sharing == "private":
            name = self._free_name(name)
        if name not in self._busy:
            self._busy.add(name)
            held.callback(self._busy.discard, name)
        place = self._caches / name
        if not place.exists():
            await asyncio.to_thread(_make, place, mount, origin)
        self._note(name, mount, command)
        return place / "tree"

    def _free_name(self, name: str) -> str:
        number, free = 0, name
        while free in self._busy:
            number += 1
            free = f"{name}.{number}"
        return free

    def _note(self, name: str, mount: RunMount, command: str) -> None:
        now = now_ns()
        record = self._records.get(name) or StepRecord(
            key=name,
            description=f'cached mount {mount.target} from exec {command} with id "{mount.id}"',
            created_ns=now,
        )
        count = record.usage_count + 1
        self._records.put(msgspec.structs.replace(record, last_used_ns=now, usage_count=count))

    def is_busy(self, name: str) -> bool:
        """Whether a command that runs has the folder."""
        return name in self._busy

    def place(self, name: str) -> Path:
        """Where a kept folder lies."""
        return self._caches / name


def _open(root: int, path: str) -> int:
    try:
        return open_in_root(root, path, _HANDLE)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise InvalidArgument(f'failed to compute cache key: "{path}": {reason}') from error


def _copied(fd: int, folder: Path) -> str:
    """A copy that may be written and is thrown away with the build."""
    number = len(os.listdir(folder))
    target = folder / f"mount{number}"
    kind = stat.S_IFMT(os.fstat(fd).st_mode)
    if kind == stat.S_IFDIR:
        _copy_directory(fd, target)
    elif kind == stat.S_IFREG:
        shutil.copyfile(f"/proc/self/fd/{fd}", target)
    else:
        raise InvalidArgument("the source of a mount is neither a folder nor a file")
    return str(target)


def _copy_directory(fd: int, target: Path) -> None:
    target.mkdir()
    source = os.open(".", _LIST, dir_fd=fd)
    try:
        opened = os.open(target, _LIST)
        try:
            copy_tree(source, opened)
        finally:
            os.close(opened)
    finally:
        os.close(source)


def _make(place: Path, mount: RunMount, origin: Origin | None) -> None:
    """A new folder, with what it shall begin with; it appears whole."""
    making = place.with_name(f"{place.name}.new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True, mode=0o700)
    tree = making / "tree"
    if origin is None:
        tree.mkdir()
        tree.chmod(0o755 if mount.mode is None else mount.mode)
        os.chown(tree, mount.uid, mount.gid)
    else:
        fd = _open(origin.root, mount.source or "/")
        try:
            _copy_directory(fd, tree)
        finally:
            os.close(fd)
    making.rename(place)


def _places(root: int, targets: Sequence[str]) -> tuple[str, ...]:
    """The parts of mount targets that are missing below `root`, parents first."""
    missing: list[str] = []
    for target in targets:
        path = ""
        for name in target.strip("/").split("/"):
            path = f"{path}/{name}"
            try:
                os.close(open_in_root(root, path, _HANDLE))
            except OSError:
                missing.append(path)
    return tuple(dict.fromkeys(missing))
