"""Volume drivers that are plugins.

Docker tells a plugin of each user of a volume by an id of its own; so does this. Which users a
plugin was told of is kept in a file of the run-time folder: after an engine that was killed the
plugin is told of the end of those that are gone.
Source: Docker docs, "Docker volume plugins"; moby 28.3, daemon/volume/drivers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from budu.base.errors import BuduError, Hint, Internal, NotFound
from budu.base.files import write_atomic
from budu.plugin.client import Reply, is_refusal
from budu.plugin.registry import VOLUME_DRIVER, Plugins
from budu.volume.contract import LOCAL, DriverVolume

GLOBAL = "global"
_SCOPES = (LOCAL, GLOBAL)
_LONGEST_PATH = 4095

log = logging.getLogger(__name__)

Volumes = tuple[DriverVolume, ...]
R = TypeVar("R", bound=Reply)


class _Named(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    name: str


class _Creation(_Named, frozen=True, kw_only=True, rename="pascal"):
    opts: dict[str, str]


class _Use(msgspec.Struct, frozen=True, kw_only=True, rename={"name": "Name", "id": "ID"}):
    name: str
    id: str


class _Place(Reply, frozen=True, kw_only=True, rename="pascal"):
    mountpoint: str = ""


class _Told(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    name: str = ""
    mountpoint: str = ""
    created_at: str = ""
    status: dict[str, object] | None = None

    def volume(self) -> DriverVolume:
        return DriverVolume(
            name=self.name,
            mountpoint=self.mountpoint,
            created_at=self.created_at,
            status=self.status,
        )


class _One(Reply, frozen=True, kw_only=True, rename="pascal"):
    volume: _Told | None = None


class _All(Reply, frozen=True, kw_only=True, rename="pascal"):
    volumes: list[_Told] | None = None


class _Capability(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    scope: str = ""


class _Capabilities(Reply, frozen=True, kw_only=True, rename="pascal"):
    capabilities: _Capability | None = None


Uses = dict[str, dict[str, list[str]]]
"""User ids by volume, by driver."""


class MountBook:
    """Which users plugins were told of, in one file that does not survive a reboot."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._uses: Uses = {}
        if path.exists():
            try:
                self._uses = msgspec.json.decode(path.read_bytes(), type=Uses)
            except msgspec.MsgspecError as error:
                log.warning("%s is unreadable: %s", path, error)

    def drivers(self) -> list[str]:
        """Names of the drivers that were told of anybody."""
        return sorted(self._uses)

    def users(self, driver: str) -> list[tuple[str, str]]:
        """Volume and user of everything that a driver was told."""
        volumes = self._uses.get(driver, {})
        return [(volume, user) for volume, users in volumes.items() for user in users]

    def add(self, driver: str, volume: str, user: str) -> None:
        """A driver is told that a user comes. Raises: OSError."""
        users = self._uses.setdefault(driver, {}).setdefault(volume, [])
        if user not in users:
            users.append(user)
            self._write()

    def remove(self, driver: str, volume: str, user: str) -> None:
        """A driver was told that a user went. Raises: OSError."""
        users = self._uses.get(driver, {}).get(volume, [])
        if user not in users:
            return
        users.remove(user)
        if not users:
            del self._uses[driver][volume]
        if not self._uses[driver]:
            del self._uses[driver]
        self._write()

    def _write(self) -> None:
        write_atomic(self._path, msgspec.json.encode(self._uses))


class PluginVolumeDriver:
    """One plugin's volumes. Implements `contract.VolumeDriver`."""

    def __init__(self, name: str, scope: str, plugins: Plugins, book: MountBook) -> None:
        self._name = name
        self._scope = scope
        self._plugins = plugins
        self._book = book

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self._name

    @property
    def scope(self) -> str:
        """`local` or `global`, as the plugin says."""
        return self._scope

    async def create(self, name: str, options: Mapping[str, str]) -> None:
        """Have the plugin make a volume. Raises: Internal with its own words, Unavailable."""
        await self._call("Create", _Creation(name=name, opts=dict(options)), Reply, long=True)

    async def remove(self, name: str) -> None:
        """Have the plugin delete a volume. Raises: as `create`."""
        await self._call("Remove", _Named(name=name), Reply)

    async def mount(self, name: str, user_id: str) -> str:
        """Have the plugin make the data reachable. Raises: as `create`.

        Who does not answer may have mounted all the same: the user stays in the book, and is told
        to be gone.
        """
        self._book.add(self._name, name, user_id)
        try:
            place = await self._call("Mount", _Use(name=name, id=user_id), _Place, long=True)
        except BuduError as error:
            if is_refusal(error):
                self._book.remove(self._name, name, user_id)
            raise
        try:
            return self._checked(place.mountpoint)
        except BuduError:
            await self.unmount(name, user_id)
            raise

    def _checked(self, path: str) -> str:
        if path.startswith("/") and "\0" not in path and len(path) <= _LONGEST_PATH:
            return path
        raise Internal(
            f'plugin "{self._name}": VolumeDriver.Mount: not an absolute path: "{path[:200]}"',
            hint=Hint("plugin.broken", name=self._name),
        )

    async def unmount(self, name: str, user_id: str) -> None:
        """Tell the plugin that a user is done. Raises: as `create`."""
        if (name, user_id) not in self._book.users(self._name):
            return
        try:
            await self._call("Unmount", _Use(name=name, id=user_id), Reply)
        except BuduError as error:
            if is_refusal(error):
                self._book.remove(self._name, name, user_id)
            raise
        self._book.remove(self._name, name, user_id)

    async def recover(self, users: Mapping[str, frozenset[str]]) -> None:
        """Tell the plugin of users that went while no engine ran; it may be down itself."""
        for name, user in self._book.users(self._name):
            if user in users.get(name, ()):
                continue
            try:
                await self.unmount(name, user)
            except BuduError as error:
                log.warning("volume %s of %s: %s", name, self._name, error.message)

    async def path(self, name: str) -> str:
        """Where the plugin says that the data is."""
        return (await self._call("Path", _Named(name=name), _Place)).mountpoint

    async def get(self, name: str) -> DriverVolume:
        """Raises: NotFound when the plugin does not know it."""
        try:
            found = (await self._call("Get", _Named(name=name), _One)).volume
        except Internal as error:
            if not is_refusal(error):
                raise
            raise NotFound(f"get {name}: no such volume", reference=name) from error
        if found is None or not found.name:
            raise NotFound(f"get {name}: no such volume", reference=name)
        return msgspec.structs.replace(found.volume(), name=name)

    async def list(self) -> Volumes:
        """Every volume that the plugin has, whoever made it."""
        found = (await self._call("List", {}, _All)).volumes
        return tuple(each.volume() for each in found or () if each.name)

    async def _call(
        self, method: str, arguments: object, kind: type[R], *, long: bool = False
    ) -> R:
        client = await self._plugins.get(self._name, VOLUME_DRIVER)
        return await client.call(f"{VOLUME_DRIVER}.{method}", arguments, kind, long=long)


class PluginVolumes:
    """Volume drivers that plugins bring. Implements `contract.DriverSource`."""

    def __init__(self, plugins: Plugins, book: MountBook) -> None:
        self._plugins = plugins
        self._book = book
        self._drivers: dict[str, PluginVolumeDriver] = {}

    async def find(self, name: str) -> PluginVolumeDriver | None:
        """The driver with that name; None when there is no such plugin.

        Raises: Unavailable, DeadlineExceeded when it does not answer; Internal when it is no
        volume driver.
        """
        known = self._drivers.get(name)
        if known is not None:
            return known
        try:
            client = await self._plugins.get(name, VOLUME_DRIVER)
        except NotFound:
            return None
        told = await client.call(
            f"{VOLUME_DRIVER}.Capabilities", {}, _Capabilities, optional=True, retry=False
        )
        scope = told.capabilities.scope.lower() if told.capabilities else ""
        if scope and scope not in _SCOPES:
            raise Internal(f'Driver "{name}" provided an invalid capability scope: {scope}')
        driver = PluginVolumeDriver(name, scope or LOCAL, self._plugins, self._book)
        return self._drivers.setdefault(name, driver)

    async def names(self) -> tuple[str, ...]:
        """The volume plugins that were greeted."""
        return tuple(self._plugins.names(VOLUME_DRIVER))

    async def recover(self, users: Mapping[str, frozenset[str]]) -> None:
        """Tell all plugins of users that went while no engine ran, at the same time."""
        async with asyncio.TaskGroup() as tasks:
            for name in self._book.drivers():
                driver = PluginVolumeDriver(name, LOCAL, self._plugins, self._book)
                tasks.create_task(driver.recover(users), name=f"volumes of {name}")
