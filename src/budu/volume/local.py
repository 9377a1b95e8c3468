"""The local driver: a volume is a directory `<root>/<name>/_data`.

The directory holds the data, a row in the engine's database the rest (labels, options, time).
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from budu.archive.usage import tree_size
from budu.base.errors import InvalidArgument, NotFound
from budu.volume.contract import LOCAL, DriverVolume
from budu.volume.copy_up import copy_tree, is_empty

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_TRASH_PREFIX = ".removed-"


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
        self._sweep()

    def _sweep(self) -> None:
        for left in self._root.glob(_TRASH_PREFIX + "*"):
            shutil.rmtree(left, ignore_errors=True)

    def names(self) -> set[str]:
        """The names of all volumes that have a directory."""
        return {each.name for each in self._root.iterdir() if _NAME.match(each.name)}

    def remove_if_empty(self, name: str) -> bool:
        """Remove the volume's directories if they never held anything; whether they are gone."""
        try:
            with suppress(FileNotFoundError):
                self.data_path(name).rmdir()
            (self._root / name).rmdir()
        except OSError:
            return False
        return True

    def data_path(self, name: str) -> Path:
        """Where the volume's files are."""
        return self._root / name / "_data"

    async def create(self, name: str, options: Mapping[str, str]) -> None:
        """See `VolumeDriver.create`."""
        check_name(name)
        for option in options:
            raise InvalidArgument(f'invalid option: "{option}"')
        self.make(name)

    def make(self, name: str) -> None:
        """Make the volume's directories where they are missing."""
        path = self.data_path(name)
        path.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o701)
        path.chmod(0o755)

    async def mount(self, name: str, user_id: str) -> str:
        """See `VolumeDriver.mount`."""
        return str(self.data_path(name))

    async def unmount(self, name: str, user_id: str) -> None:
        """See `VolumeDriver.unmount`."""

    async def recover(self, users: Mapping[str, frozenset[str]]) -> None:
        """See `VolumeDriver.recover`."""

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
        await asyncio.to_thread(self.delete, name)

    def delete(self, name: str) -> None:
        """Delete the volume's files. The name is free at once: the tree is renamed away first."""
        path = self._root / name
        trash = self._root / f"{_TRASH_PREFIX}{name}-{os.urandom(4).hex()}"
        try:
            path.rename(trash)
        except FileNotFoundError:
            return
        shutil.rmtree(trash)

    def size(self, name: str) -> int:
        """Bytes of the volume's files as `ls` shows them, hard links counted once. Blocks."""
        return tree_size(self.data_path(name))

    def fill(self, name: str, source_fd: int) -> None:
        """Copy a directory of the image into the volume, when the volume is still empty.

        `source_fd` is open on the mount point inside the container's root; a file there is left
        alone, as Docker does.
        """
        if not stat.S_ISDIR(os.fstat(source_fd).st_mode):
            return
        target = os.open(self.data_path(name), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if is_empty(target):
                copy_tree(source_fd, target)
        finally:
            os.close(target)
