"""The local driver: a volume is a directory `<root>/<name>/_data`.

The directory holds the data, a row in the engine's database the rest (labels, options, time). A
volume with options has them in `opts.json` too, as with Docker: the driver needs them to mount.
What is mounted is asked of the kernel each time; only who uses it is kept here.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from budu.archive.usage import tree_size
from budu.base import faults
from budu.base.errors import Conflict, Internal, InvalidArgument, NotFound
from budu.base.files import write_atomic
from budu.volume import sized
from budu.volume.apart import apart
from budu.volume.contract import LOCAL, DriverVolume
from budu.volume.mounting import mount_volume, mounted_places, unmount_volume
from budu.volume.options import LocalOptions, parse_local_options

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_TRASH_PREFIX = ".removed-"
_OPTIONS = "opts.json"
_BLOCK_BYTES = 512  # man 2 stat, st_blocks
_options_decoder = msgspec.json.Decoder(LocalOptions)


def check_name(name: str) -> None:
    """Raises: InvalidArgument with Docker's sentence for a name that no volume may have."""
    if len(name) == 1:
        raise InvalidArgument(
            "volume name is too short, names should be at least two alphanumeric characters"
        )
    if not _NAME.match(name):
        raise InvalidArgument(
            f'"{name}" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, '
            "use absolute path"
        )


class LocalVolumes:
    """All directories of one engine's local volumes. Implements `volume.contract.VolumeDriver`."""

    name = LOCAL
    scope = LOCAL

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o701, parents=True, exist_ok=True)
        self._users: dict[str, set[str]] = {}
        self._sweep()

    def _sweep(self) -> None:
        for left in self._root.glob(_TRASH_PREFIX + "*"):
            shutil.rmtree(left, ignore_errors=True)

    def names(self) -> set[str]:
        """The names of all volumes that have a directory."""
        return {each.name for each in self._root.iterdir() if _NAME.match(each.name)}

    def remove_if_empty(self, name: str) -> bool:
        """Remove the volume's directories if they never held anything; whether they are gone."""
        folder = self._root / name
        if sized.has_image(folder):
            return False
        try:
            with suppress(FileNotFoundError):
                self.data_path(name).rmdir()
            sized.drop_new_image(folder)
            (folder / _OPTIONS).unlink(missing_ok=True)
            folder.rmdir()
        except OSError:
            return False
        return True

    def data_path(self, name: str) -> Path:
        """Where the volume's files are."""
        return self._root / name / "_data"

    async def create(self, name: str, options: Mapping[str, str]) -> None:
        """See `VolumeDriver.create`."""
        check_name(name)
        chosen = parse_local_options(options)
        if not options:
            self.make(name)
        elif not (self._root / name / _OPTIONS).exists():
            await asyncio.to_thread(self._make_with_options, name, chosen)

    def make(self, name: str) -> None:
        """Make the volume's directories where they are missing."""
        path = self.data_path(name)
        path.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o701)
        path.chmod(0o755)

    def _make_with_options(self, name: str, options: LocalOptions) -> None:
        self.make(name)
        try:
            if options.size and not options.is_mounted_type:
                options = self._limit(name, options)
            write_atomic(self._root / name / _OPTIONS, msgspec.json.encode(options))
        except BaseException:
            self.delete(name)
            raise

    def _limit(self, name: str, options: LocalOptions) -> LocalOptions:
        if not sized.quotas_work(self._root):
            sized.make_image(self._root / name, options.size)
            return options
        taken = {self.options(each).project for each in self.names()}
        project = sized.limit_directory(self.data_path(name), options.size, options.project, taken)
        return msgspec.structs.replace(options, project=project)

    def options(self, name: str) -> LocalOptions:
        """What a volume was made with."""
        try:
            return _options_decoder.decode((self._root / name / _OPTIONS).read_bytes())
        except FileNotFoundError:
            return LocalOptions()

    async def resize(self, name: str, size: int) -> None:
        """Let a volume hold `size` bytes from now on.

        Raises: InvalidArgument when it has no limit, or cannot shrink; ResourceExhausted when it
        holds more.
        """
        await asyncio.to_thread(self._resize, name, size)

    def _resize(self, name: str, size: int) -> None:
        options = self.options(name)
        folder = self._root / name
        if options.project:
            sized.limit_directory(self.data_path(name), size, options.project, set())
        elif sized.has_image(folder) or sized.has_new_image(folder):
            sized.grow_image(folder, size, is_mounted=self._is_mounted(name))
        else:
            raise InvalidArgument("volume was made without a size")
        changed = msgspec.structs.replace(options, size=size)
        write_atomic(folder / _OPTIONS, msgspec.json.encode(changed))

    def _is_mounted(self, name: str) -> bool:
        return str(self.data_path(name)) in mounted_places(str(self._root))

    def needs_mount(self, name: str) -> bool:
        """Whether the data is to be seen only while the volume is mounted."""
        folder = self._root / name
        return (
            sized.has_image(folder)
            or sized.has_new_image(folder)
            or self.options(name).is_mounted_type
        )

    async def mount(self, name: str, user_id: str) -> str:
        """See `VolumeDriver.mount`."""
        if not (self._root / name).exists():
            raise NotFound("no such volume", reference=name)
        if self.needs_mount(name):
            await apart(partial(self._mount, name))
            self._users.setdefault(name, set()).add(user_id)
        faults.at("start.volume-mounted")
        return str(self.data_path(name))

    def _mount(self, name: str) -> None:
        if self._is_mounted(name):
            return
        folder, target = self._root / name, self.data_path(name)
        options = self.options(name)
        if options.is_mounted_type:
            mount_volume(_resolved(options), str(target))
            return
        try:
            sized.mount_image(folder, target)
        except OSError as error:
            raise Internal(
                f"failed to mount local volume: mount {folder}/image:{target}: "
                f"{os.strerror(error.errno or 0).lower()}"
            ) from error

    async def unmount(self, name: str, user_id: str) -> None:
        """See `VolumeDriver.unmount`."""
        users = self._users.get(name)
        if users is None:
            return
        users.discard(user_id)
        if not users:
            del self._users[name]
            await apart(partial(unmount_volume, str(self.data_path(name))))

    async def recover(self, users: Mapping[str, frozenset[str]]) -> None:
        """See `VolumeDriver.recover`."""
        self._users = {
            name: set(users[name])
            for name in self.names()
            if users.get(name) and self.needs_mount(name)
        }
        places = await asyncio.to_thread(mounted_places, str(self._root))
        for name in self.names() - self._users.keys():
            if str(self.data_path(name)) in places:
                await apart(partial(unmount_volume, str(self.data_path(name))))

    async def path(self, name: str) -> str:
        """See `VolumeDriver.path`."""
        return str(self.data_path(name))

    async def get(self, name: str) -> DriverVolume:
        """See `VolumeDriver.get`."""
        if not (self._root / name).exists():
            raise NotFound("no such volume", reference=name)
        return DriverVolume(name=name, mountpoint=str(self.data_path(name)))

    async def list(self) -> tuple[DriverVolume, ...]:
        """See `VolumeDriver.list`."""
        return tuple(
            DriverVolume(name=name, mountpoint=str(self.data_path(name)))
            for name in sorted(self.names())
        )

    async def remove(self, name: str) -> None:
        """See `VolumeDriver.remove`."""
        if self._users.get(name):
            raise Conflict("volume has active mounts", reference=name)
        await apart(partial(self.delete, name))

    def delete(self, name: str) -> None:
        """Delete the volume's files. The name is free at once: the tree is renamed away first."""
        path = self._root / name
        if self._is_mounted(name):  # else its data would be deleted where it comes from
            unmount_volume(str(self.data_path(name)))
        trash = self._root / f"{_TRASH_PREFIX}{name}-{os.urandom(4).hex()}"
        try:
            path.rename(trash)
        except FileNotFoundError:
            return
        shutil.rmtree(trash)

    def size(self, name: str) -> int:
        """Bytes of the volume's files as `ls` shows them, hard links counted once. Blocks."""
        return tree_size(self.data_path(name))

    def size_at_rest(self, name: str) -> int | None:
        """As `size`, of any local volume; blocks.

        An image file that nobody has mounted counts for what it takes of the disk. None for data
        that comes from elsewhere: a dead server would keep whoever looks.
        """
        if self.options(name).is_mounted_type:
            return None
        image = sized.image_path(self._root / name)
        if image is not None and not self._is_mounted(name):
            return image.stat().st_blocks * _BLOCK_BYTES
        return self.size(name)


def _resolved(options: LocalOptions) -> LocalOptions:
    """With the server's address: the kernel does not look names up."""
    return options.with_address(_address(options.host)) if options.host else options


def _address(host: str) -> str:
    """The first IPv4 address of a name, else its first. Source: Go, net.ResolveIPAddr.

    Both are asked for: without "multi on" in host.conf, of all lines of the hosts file only the
    first counts when any family will do.
    """
    try:
        with suppress(OSError):
            found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
            return str(found[0][4][0])
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise Internal(
            "failed to mount local volume: error resolving passed in network volume address: "
            f"lookup {host}: {error.strerror or error}"
        ) from error
