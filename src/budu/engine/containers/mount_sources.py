"""What a container's mounts stand on, made ready for a start or for a look at its files.

Volumes are mounted by their drivers. What a path cannot name safely is handed on as a descriptor of
a detached mount, `fd:mountN`: a folder inside a volume (its parts could be replaced by links while
we look), an image, a tree with mapped owners.
Source: moby 28.5, daemon/volume/safepath, daemon/oci_linux.go (sentences).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack

import msgspec

from budu.base.errors import BuduError, Hint, Internal, InvalidArgument
from budu.engine.containers.model import Container, Mount, MountKind
from budu.engine.volumes import VolumeService
from budu.linux.idmap import map_ids, swap_ids
from budu.linux.libc import AT_FDCWD
from budu.linux.mount import open_tree
from budu.linux.mountinfo import mount_of, read_mountinfo
from budu.linux.paths import (
    RESOLVE_BENEATH,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    open_in_root,
    openat2,
    read_file,
)
from budu.linux.subtree import copy_subtree
from budu.runtime.users import UserNotFound, resolve_user
from budu.spec.digest import Digest
from budu.volume.apart import apart
from budu.volume.copy_up import fill_directory

_SAFELY = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_HANDLE = os.O_PATH | os.O_CLOEXEC

log = logging.getLogger(__name__)

MountImage = Callable[[tuple[Digest, ...]], int]


class MountSources:
    """Opens and gives up what mounts stand on."""

    def __init__(self, volumes: VolumeService, mount_image: MountImage) -> None:
        """`mount_image` makes a detached read-only mount of an image's layers."""
        self._volumes = volumes
        self._mount_image = mount_image

    async def open(
        self,
        container: Container,
        user_id: str,
        *,
        rootfs: int,
        fds: AsyncExitStack,
        undo: AsyncExitStack,
    ) -> tuple[Container, dict[str, int]]:
        """The container with sources that exist, and the descriptors that they name.

        `fds` closes the descriptors, `undo` gives the volumes up. Raises: BuduError with Docker's
        sentence.
        """
        passed: dict[str, int] = {}
        mounts: list[Mount] = []
        for number, mount in enumerate(container.mounts):
            if mount.kind is MountKind.VOLUME:
                mount = await self._mount_volume(mount, user_id, undo)
            _check_propagation(mount)
            if mount.kind is MountKind.IMAGE or mount.subpath or mount.mine:
                tree = await asyncio.to_thread(self._open_tree, mount, container, rootfs)
                name = f"mount{number}"
                passed[name] = tree
                fds.callback(os.close, tree)
                mount = msgspec.structs.replace(mount, source=f"fd:{name}")
            mounts.append(mount)
        return msgspec.structs.replace(container, mounts=tuple(mounts)), passed

    async def fill(self, container: Container, rootfs: int) -> None:
        """A volume that is still empty gets what the image has at its place, before the first
        start; of several containers that come at once the first one fills it.

        `container` is as `open` made it.
        """
        if container.started_ns:
            return
        for mount in container.mounts:
            if mount.kind is MountKind.VOLUME and not mount.no_copy and not mount.subpath:
                await self._fill_volume(mount, rootfs)

    async def _fill_volume(self, mount: Mount, rootfs: int) -> None:
        try:
            source = open_in_root(rootfs, mount.destination, _DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return

        def copy() -> None:
            try:
                fill_directory(mount.source, source)
            finally:
                os.close(source)

        async with self._volumes.holding(mount.name):
            try:
                await apart(copy)
            except OSError as error:
                if error.errno == errno.ENOSPC:  # the API has words for it
                    raise
                text = os.strerror(error.errno or 0).lower()
                raise Internal(
                    f"failed to populate volume: {text}", reference=mount.name
                ) from error

    async def _mount_volume(self, mount: Mount, user_id: str, undo: AsyncExitStack) -> Mount:
        try:
            path = await self._volumes.mount(mount.name, user_id)
        except BuduError as error:
            raise type(error)(
                f"error while mounting volume '{mount.source}': {error.message}",
                hint=error.hint,
                reference=mount.name,
            ) from error
        undo.push_async_callback(self._give_up, mount.name, user_id)
        return msgspec.structs.replace(mount, source=path)

    async def release(self, container: Container) -> None:
        """The container has ended: its volumes have a user less. What fails is logged."""
        for name in {each.name for each in container.mounts if each.kind is MountKind.VOLUME}:
            await self._give_up(name, container.id)

    async def _give_up(self, name: str, user_id: str) -> None:
        try:
            await self._volumes.unmount(name, user_id)
        except BuduError as error:
            log.warning("unmounting failed volume=%s error=%s", name, error.message)

    def _open_tree(self, mount: Mount, container: Container, rootfs: int) -> int:
        """A detached mount of what no path names safely."""
        if mount.kind is MountKind.IMAGE:
            tree = self._mount_image(tuple(map(Digest, mount.image_layers)))
            return _inside(tree, mount.subpath, f"image {mount.name}") if mount.subpath else tree
        if mount.subpath:
            tree = os.open(mount.source, _HANDLE | os.O_DIRECTORY)
            return _inside(tree, mount.subpath, mount.source)
        return _mapped(mount, container, rootfs)


def _inside(directory: int, subpath: str, base: str) -> int:
    """A detached copy of what is at `subpath`; closes `directory`. No link is followed."""
    try:
        place = openat2(directory, subpath, _HANDLE, resolve=_SAFELY)
        try:
            return copy_subtree(directory, place)
        finally:
            os.close(place)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise Internal(f"path {subpath} escapes base path {base}") from error
        text = "no such file or directory" if error.errno == errno.ENOENT else (
            "too many levels of symbolic links" if error.errno == errno.ELOOP
            else os.strerror(error.errno or 0).lower()
        )  # fmt: skip
        raise Internal(f"cannot access path {os.path.join(base, subpath)}: {text}") from error
    finally:
        os.close(directory)


def _mapped(mount: Mount, container: Container, rootfs: int) -> int:
    """The tree of a `:mine` bind: its owner on the host is the container's user inside."""
    try:
        tree = open_tree(AT_FDCWD, mount.source)
    except OSError as error:
        raise _not_mapped(mount, os.strerror(error.errno or 0).lower()) from error
    try:
        owner = os.fstat(tree)
        user = resolve_user(
            container.config.user,
            passwd=read_file(rootfs, "/etc/passwd"),
            group=read_file(rootfs, "/etc/group"),
        )
        if (owner.st_uid, owner.st_gid) != (user.uid, user.gid):
            map_ids(
                tree,
                users=swap_ids(owner.st_uid, user.uid),
                groups=swap_ids(owner.st_gid, user.gid),
            )
    except (OSError, UserNotFound) as error:
        os.close(tree)
        if isinstance(error, OSError) and error.errno == errno.EINVAL:
            raise _not_mapped(mount, "the file system has no id-mapped mounts") from error
        raise _not_mapped(mount, str(error)) from error
    return tree


def _not_mapped(mount: Mount, reason: str) -> InvalidArgument:
    return InvalidArgument(
        f"cannot map the owner of {mount.source}: {reason}",
        hint=Hint("volume.not-mine", path=mount.source),
    )


def _check_propagation(mount: Mount) -> None:
    """Raises: Internal when the host's mount cannot pass mounts on as asked."""
    word = mount.propagation.removeprefix("r")
    if mount.kind is not MountKind.BIND or word not in ("shared", "slave"):
        return
    place = mount_of(os.path.realpath(mount.source), read_mountinfo())
    tags = place.tags if place else ()
    wanted = ("shared:",) if word == "shared" else ("shared:", "master:")
    if not any(tag.startswith(wanted) for tag in tags):
        kind = "shared" if word == "shared" else "shared or slave"
        raise Internal(
            f"path {mount.source} is mounted on {place.target if place else '/'} "
            f"but it is not a {kind} mount"
        )
