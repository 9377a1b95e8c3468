"""Volumes: records in the database, data with their drivers.

One lock per volume is held around everything that changes it or its mounts. Records are in memory
too, so looking never waits; asking a driver does. Who uses a volume is not stored: its containers
tell, and mounts that are not theirs (a copy under way) are known to the driver only.
Source: moby 28.5, daemon/volume/service (order and sentences).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from budu.base import faults
from budu.base.clock import format_time, now_ns
from budu.base.errors import BuduError, Conflict, InvalidArgument, NotFound
from budu.base.filters import Filters
from budu.base.ids import new_id
from budu.base.units import parse_bytes
from budu.engine.containers.model import Container
from budu.engine.contract import Texts, VolumeList
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.locks import Locks
from budu.engine.volumes import pruning
from budu.engine.volumes.drivers import VolumeDrivers
from budu.engine.volumes.record import (
    ANONYMOUS_LABEL,
    VolumeRecord,
    decode_record,
    encode_record,
)
from budu.spec.api.volume import Volume
from budu.volume.contract import LOCAL, DriverVolume
from budu.volume.local import LocalVolumes

log = logging.getLogger(__name__)

_FILTER_KEYS = frozenset(["dangling", "driver", "label", "name"])
_PRUNE_KEYS = frozenset(["all", "label", "label!"]) | pruning.KEYS


class VolumeService:
    """All volumes of one engine. See `engine.contract.Volumes`."""

    def __init__(
        self,
        database: Database,
        local: LocalVolumes,
        drivers: VolumeDrivers,
        events: EventLog,
        *,
        containers: Callable[[], Iterable[Container]],
    ) -> None:
        self._database = database
        self._local = local
        self.drivers = drivers
        """The table of drivers; plugins add their source to it."""
        self._events = events
        self._containers = containers
        self._is_pruning = False
        self._locks = Locks()
        self._records: dict[str, VolumeRecord] = {}
        for (row,) in database.execute("SELECT record FROM volumes"):
            record = decode_record(row)
            self._records[record.name] = record

    # Looking

    def record(self, name: str) -> VolumeRecord:
        """What is stored of a volume. Raises: NotFound."""
        record = self._records.get(name)
        if record is None:
            raise NotFound(f"get {name}: no such volume", reference=name)
        return record

    def records(self) -> tuple[VolumeRecord, ...]:
        """All that are stored, by name."""
        return tuple(sorted(self._records.values(), key=lambda each: each.name))

    def users(self, name: str) -> tuple[Container, ...]:
        """The containers that have the volume, running or not."""
        return tuple(
            each for each in self._containers() if any(mount.name == name for mount in each.mounts)
        )

    def holding(self, name: str) -> AbstractAsyncContextManager[None]:
        """Wait until nothing else changes the volume or its mounts, and keep it so inside."""
        return self._locks.holding(name)

    async def get(self, name: str) -> Volume:
        """A volume as its driver tells of it now. Raises: NotFound, Unavailable."""
        record = self.record(name)
        driver = await self.drivers.get(record.driver)
        return render(record, await driver.get(name))

    async def list(self, filters: Filters) -> tuple[VolumeList, Texts]:
        """Volumes by name, and warnings. Raises: InvalidArgument for an unknown filter."""
        filters.check_keys(_FILTER_KEYS)
        used = {mount.name for each in self._containers() for mount in each.mounts}
        dangling = filters.boolean("dangling", default=True)
        chosen = [
            record
            for record in self.records()
            if filters.matches_pattern("name", record.name)
            and filters.matches_exactly("driver", record.driver)
            and filters.matches_labels("label", record.labels)
            and ("dangling" not in filters or (record.name not in used) == dangling)
        ]
        warnings: Texts = []
        told = await self._told({each.driver for each in chosen}, warnings)
        return [
            render(each, told.get(each.name, DriverVolume(name=each.name))) for each in chosen
        ], warnings

    async def _told(self, names: set[str], warnings: Texts) -> dict[str, DriverVolume]:
        """What the drivers tell of their volumes; those that do not answer become warnings."""
        told: dict[str, DriverVolume] = {}
        for name in sorted(names):
            try:
                driver = await self.drivers.get(name)
                told |= {each.name: each for each in await driver.list()}
            except BuduError as error:
                warnings.append(f"list {name}: {error.message}")
        return told

    # Making

    async def create(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> Volume:
        """Make a volume, or return the one that has the name already; without a name, an anonymous
        one.

        Raises: InvalidArgument for a bad name or options; NotFound for an unknown driver; Conflict
        when the name is another driver's.
        """
        marks = {} if name else {ANONYMOUS_LABEL: ""}
        wanted = VolumeRecord(
            name=name or new_id(),
            created_ns=now_ns(),
            driver=driver,
            options=dict(options),
            labels={**labels, **marks},
        )
        async with self.holding(wanted.name):
            record, is_new = await self.provide(wanted)
            if is_new:
                self.store_new(record)
        return await self.get(record.name)

    async def provide(self, wanted: VolumeRecord) -> tuple[VolumeRecord, bool]:
        """The volume that has the name, or a new one of the driver, which is not yet stored.

        The caller holds the lock, and stores what is new or has it removed with `withdraw`.
        Raises: as `create`.
        """
        try:
            return await self._provide(wanted)
        except BuduError as error:
            raise error.after(f"create {wanted.name}: ") from error

    async def _provide(self, wanted: VolumeRecord) -> tuple[VolumeRecord, bool]:
        driver = await self.drivers.get(wanted.driver or LOCAL)
        existing = self._records.get(wanted.name)
        if existing is not None:
            if wanted.driver and existing.driver != driver.name:
                raise Conflict(
                    f"driver '{existing.driver}' already has volume '{wanted.name}': "
                    "volume name must be unique"
                )
            return existing, False
        await driver.create(wanted.name, wanted.options)
        faults.at("create.volume-folder-made")
        size = (
            parse_bytes(wanted.options["size"])
            if driver is self._local and ("size" in wanted.options)
            else 0
        )
        return msgspec.structs.replace(
            wanted, driver=driver.name, scope=driver.scope, size_limit=size
        ), True

    def store_new(self, record: VolumeRecord) -> None:
        """Store a volume that its driver has made, with its event; the caller holds the lock."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO volumes (name, record) VALUES (?, ?)",
                (record.name, encode_record(record)),
            )
            self._records[record.name] = record
            self._database.on_rollback(lambda: self._records.pop(record.name, None))
            self._events.emit("volume", "create", record.name, driver=record.driver)

    def store(self, record: VolumeRecord) -> None:
        """Store new values of a volume's fields."""
        before = self._records.get(record.name)
        self._database.execute(
            "UPDATE volumes SET record = ? WHERE name = ?", (encode_record(record), record.name)
        )
        self._records[record.name] = record
        if before is not None:
            self._database.on_rollback(lambda: self._records.update({before.name: before}))

    def rename_record(self, old: VolumeRecord, new: VolumeRecord) -> None:
        """Store a volume under another name; the caller holds both locks."""
        self._database.execute(
            "UPDATE volumes SET name = ?, record = ? WHERE name = ?",
            (new.name, encode_record(new), old.name),
        )
        del self._records[old.name]
        self._records[new.name] = new
        self._database.on_rollback(lambda: self._records.pop(new.name, None))
        self._database.on_rollback(lambda: self._records.update({old.name: old}))

    async def withdraw(self, record: VolumeRecord) -> None:
        """Take back what `provide` made and nobody stored; the caller holds the lock."""
        if record.name not in self._records:
            driver = await self.drivers.get(record.driver)
            await driver.remove(record.name)

    # Using

    async def mount(self, name: str, user_id: str) -> str:
        """Make a volume's data reachable for a user; the path of the host where it is.

        Raises: NotFound; whatever the driver refuses, with nothing left mounted.
        """
        async with self.holding(name):
            record = self.record(name)
            driver = await self.drivers.get(record.driver)
            path = await driver.mount(name, user_id)
            self.store(msgspec.structs.replace(record, last_used_ns=now_ns()))
        return path

    async def unmount(self, name: str, user_id: str) -> None:
        """A user is done with a volume. Raises: whatever the driver refuses."""
        async with self.holding(name):
            record = self._records.get(name)
            if record is None:
                return
            driver = await self.drivers.get(record.driver)
            await driver.unmount(name, user_id)
            self.store(msgspec.structs.replace(record, last_used_ns=now_ns()))

    @asynccontextmanager
    async def using(self, name: str) -> AsyncIterator[str]:
        """The data's path, mounted inside the block: for copies and looks from outside."""
        user = new_id()
        path = await self.mount(name, user)
        try:
            yield path
        finally:
            await asyncio.shield(self.unmount(name, user))

    async def resize(self, name: str, size: int) -> None:
        """Let a local volume hold `size` bytes. Raises: NotFound, InvalidArgument."""
        async with self.holding(name):
            record = self.record(name)
            if record.driver != LOCAL:
                raise InvalidArgument(f"volume {name}: driver {record.driver} cannot resize")
            await self._local.resize(name, size)
            self.store(msgspec.structs.replace(record, size_limit=size))

    # After an engine start

    async def recover(self, running: Iterable[Container]) -> None:
        """Tell the local driver who uses volumes, by the facts. What fails is logged.

        Plugins are told behind the engine's start, which must not wait for them: see
        `volume.plugin.PluginVolumes.recover`.
        """
        users: dict[str, frozenset[str]] = {}
        for container in running:
            for mount in container.mounts:
                if mount.name in self._records:
                    users[mount.name] = users.get(mount.name, frozenset()) | {container.id}
        own = {key: ids for key, ids in users.items() if self._records[key].driver == LOCAL}
        try:
            await self._local.recover(own)
        except BuduError as error:
            log.warning("volumes are not told of their users: %s", error.message)

    async def meet_folders(self) -> None:
        """Bring records and folders of the local driver together.

        A record without a folder is a removal that was broken off. A folder without a record is a
        volume again when it holds something, as with Docker, and otherwise a creation that was
        broken off.
        """
        folders = self._local.names()
        local = {each.name for each in self._records.values() if each.driver == LOCAL}
        used = {mount.name for each in self._containers() for mount in each.mounts}
        for name in local - folders - used:
            self._forget(name)
        for name in folders - self._records.keys():
            if not self._local.remove_if_empty(name):
                log.warning("volume %s had no record and has one again", name)
                self.store_new(VolumeRecord(name=name, created_ns=now_ns()))

    # Removing

    async def discard(self, name: str) -> None:
        """Remove a volume and its data; nothing happens when there is none."""
        async with self.holding(name):
            record = self._records.get(name)
            if record is None:
                return
            driver = await self.drivers.get(record.driver)
            await driver.remove(name)
            faults.at("remove.volume-files-removed")
            self._forget(name)

    def _forget(self, name: str) -> None:
        driver = self._records[name].driver
        with self._database.transaction():
            self._database.execute("DELETE FROM volumes WHERE name = ?", (name,))
            self._events.emit("volume", "destroy", name, driver=driver)
        self._records.pop(name, None)

    async def remove(self, name: str, *, force: bool) -> None:
        """Raises: NotFound unless `force`; Conflict while a container has it."""
        async with self.holding(name):
            if name not in self._records:
                if force:
                    return
                raise NotFound(f"get {name}: no such volume", reference=name)
            await self._remove(self._records[name], force=force)

    async def _remove(self, record: VolumeRecord, *, force: bool) -> None:
        users = self.users(record.name)
        if users:
            ids = ", ".join(each.id for each in users)
            raise Conflict(f"remove {record.name}: volume is in use - [{ids}]")
        try:
            driver = await self.drivers.get(record.driver)
            await driver.remove(record.name)
        except BuduError as error:
            if not force or isinstance(error, Conflict):
                raise error.after(f"remove {record.name}: ") from error
            log.warning("volume %s is forgotten: %s", record.name, error.message)
        faults.at("remove.volume-files-removed")
        self._forget(record.name)

    async def prune(self, filters: Filters) -> tuple[Texts, int]:
        """Remove volumes that no container has: anonymous ones, or all with the filter `all`.

        Their names and the bytes that became free. Raises: InvalidArgument for a filter; Conflict
        while another prune runs.
        """
        filters.check_keys(_PRUNE_KEYS)
        everything = filters.boolean("all", default=False)
        if self._is_pruning:
            raise Conflict("a prune operation is already running")
        self._is_pruning = True
        try:
            removed, freed = await self._prune(filters, everything=everything)
        finally:
            self._is_pruning = False
        self._events.emit("volume", "prune", "", reclaimed=str(freed))
        return removed, freed

    async def _prune(self, filters: Filters, *, everything: bool) -> tuple[Texts, int]:
        """Volumes with options are not pruned: their data may be elsewhere, or precious."""
        rule = pruning.read_rule(filters, now_ns=now_ns())
        candidates = []
        for record in self.records():
            is_meant = record.driver == LOCAL and (everything or record.is_anonymous)
            if not is_meant or record.options or not filters.matches_prune_labels(record.labels):
                continue
            if rule.allows(record) and not self.users(record.name):
                size = await asyncio.to_thread(self._local.size, record.name)
                candidates.append(pruning.Sized(record=record, size=size))
        removed: Texts = []
        freed = 0
        for each in pruning.within_budget(candidates, rule):
            try:
                await self.remove(each.record.name, force=False)
            except (Conflict, NotFound):
                continue
            removed.append(each.record.name)
            freed += each.size
        return removed, freed


def render(record: VolumeRecord, told: DriverVolume) -> Volume:
    """The API's body of a volume."""
    return Volume(
        created_at=told.created_at or format_time(record.created_ns // 10**9 * 10**9),
        driver=record.driver,
        labels=dict(record.labels) or None,
        mountpoint=told.mountpoint,
        name=record.name,
        options=dict(record.options) or None,
        scope=record.scope,
        status=told.status,
    )
