"""What a volume driver does: the contract of `local` and of plugins.

Life of a volume: `create` makes it, `mount` makes its data reachable at a path of the host for one
user, `unmount` says that this user is done, `remove` deletes it. A user is an id that the engine
chooses: a container's, or that of a copy under way. The first user of a volume makes the driver
mount, the last one unmount; both may be told twice of the same user and then do nothing more.

After an engine that was killed nobody tells of its users: the engine tells the driver by `recover`
which ones there are by the facts, and the driver lets go of what else it finds mounted.

Every method may wait for a disk or a network and is called with the volume's lock held. Errors are
`base.errors` with the driver's own sentence; the service puts `create NAME: ` and the like before.
Source: Docker docs, "Docker volume plugins", which these methods mirror.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

LOCAL = "local"
"""Name of the driver that is always there."""


class DriverVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume as its driver tells of it.

    `mountpoint` is where its data is, empty while a driver does not say; `created_at` is RFC 3339,
    empty when unknown; `status` is what `inspect` prints under `Status`.
    """

    name: str
    mountpoint: str = ""
    created_at: str = ""
    status: dict[str, object] | None = None


class VolumeDriver(Protocol):
    """A driver. `local` is one; each plugin is one."""

    @property
    def name(self) -> str:
        """As `volume create --driver` has it."""

    @property
    def scope(self) -> str:
        """`local` for volumes of this machine, `global` for those that other machines see too."""

    async def create(self, name: str, options: Mapping[str, str]) -> None:
        """Make a volume; one that is there already stays as it is.

        Raises: InvalidArgument for the name or the options. Nothing is left behind then.
        """

    async def remove(self, name: str) -> None:
        """Delete a volume and its data; one that is not there is no error.

        Raises: Conflict while it is mounted.
        """

    async def mount(self, name: str, user_id: str) -> str:
        """Make the data reachable for a user; the path of the host where it is.

        Raises: BuduError when it cannot be; nothing is left mounted then.
        """

    async def unmount(self, name: str, user_id: str) -> None:
        """The user is done; the last one's end unmounts. Unknown users are no error."""

    async def recover(self, users: Mapping[str, frozenset[str]]) -> None:
        """After an engine start: the users of each volume that are left, by volume name."""

    async def path(self, name: str) -> str:
        """Where the data is or will be; empty when it is known only while mounted."""

    async def get(self, name: str) -> DriverVolume:
        """Raises: NotFound."""

    async def list(self) -> tuple[DriverVolume, ...]:
        """All volumes of this driver."""


class DriverSource(Protocol):
    """Where drivers besides `local` come from: plugins found by their sockets and spec files."""

    async def find(self, name: str) -> VolumeDriver | None:
        """The driver with that name; None when there is none.

        Raises: Unavailable when it is there and does not answer.
        """

    async def names(self) -> tuple[str, ...]:
        """The names of all drivers that can be found now."""
