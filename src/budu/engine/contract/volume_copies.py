"""What may be done with whole volumes beyond Docker's calls. See `engine.volumes.copies`."""

from __future__ import annotations

from typing import Protocol

import msgspec

from budu.spec.api.volume import Volume
from budu.volume.folders import Kept

Snapshots = list[Kept]


class PathEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One name in a directory of a volume. `kind` is `file`, `directory`, `link` or `other`; times
    in unix nanoseconds, `mode` the permission bits."""

    name: str
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    link_target: str = ""


Entries = list[PathEntry]


class VolumeCopies(Protocol):
    """Whole volumes; all raise NotFound for a volume that is not there."""

    async def rename(self, name: str, new: str) -> Volume:
        """Raises: Conflict while a container that runs has it; AlreadyExists, InvalidArgument for
        the new name."""

    async def clone(self, name: str, new: str) -> Volume:
        """Raises: AlreadyExists, InvalidArgument for the new name; ResourceExhausted."""

    async def snapshots(self, name: str) -> Snapshots:
        """Oldest first."""

    async def keep(self, name: str, snapshot: str) -> str:
        """Make a snapshot; its name. Raises: AlreadyExists, InvalidArgument."""

    async def put_back(self, name: str, snapshot: str) -> None:
        """Raises: NotFound; Conflict while a container that runs has the volume."""

    async def drop(self, name: str, snapshot: str) -> None:
        """Remove a snapshot. Raises: NotFound."""

    async def browse(self, name: str, path: str) -> Entries:
        """What is in a directory of the volume, or the one file at the path. Raises: NotFound."""
