"""Volumes: records in the database, files with the local driver."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from budu.base import faults
from budu.base.clock import format_time, now_ns
from budu.base.errors import Conflict, InvalidArgument, NotFound
from budu.base.filters import Filters
from budu.base.ids import new_id
from budu.engine.containers.model import Container
from budu.engine.contract import Texts, VolumeList
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.spec.api.volume import Volume
from budu.volume.local import LocalVolumes, check_name

log = logging.getLogger(__name__)

_FILTER_KEYS = frozenset(["dangling", "driver", "label", "name"])
_PRUNE_KEYS = frozenset(["all", "label", "label!"])
_DRIVER = "local"
ANONYMOUS_LABEL = "com.docker.volume.anonymous"


class VolumeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One volume. `created_ns` in unix nanoseconds."""

    name: str
    created_ns: int
    driver: str = _DRIVER
    labels: dict[str, str] = {}
    options: dict[str, str] = {}


_decoder = msgspec.json.Decoder(VolumeRecord)


class VolumeService:
    """All volumes of one engine. See `engine.contract.Volumes`."""

    def __init__(
        self,
        database: Database,
        files: LocalVolumes,
        events: EventLog,
        *,
        containers: Callable[[], Iterable[Container]],
    ) -> None:
        self._database = database
        self._files = files
        self._events = events
        self._containers = containers
        self._is_pruning = False
        self._records: dict[str, VolumeRecord] = {}
        for (record,) in database.execute("SELECT record FROM volumes"):
            volume = _decoder.decode(record)
            self._records[volume.name] = volume

    def get(self, name: str) -> Volume:
        """Raises: NotFound."""
        return self._render(self._record(name))

    def _record(self, name: str) -> VolumeRecord:
        record = self._records.get(name)
        if record is None:
            raise NotFound(f"get {name}: no such volume", reference=name)
        return record

    def _render(self, record: VolumeRecord) -> Volume:
        return Volume(
            created_at=format_time(record.created_ns // 10**9 * 10**9),
            driver=record.driver,
            labels=dict(record.labels) or None,
            mountpoint=str(self._files.data_path(record.name)),
            name=record.name,
            options=dict(record.options) or None,
            scope="local",
        )

    def list(self, filters: Filters) -> tuple[VolumeList, Texts]:
        """Volumes by name, and warnings. Raises: InvalidArgument for an unknown filter."""
        filters.check_keys(_FILTER_KEYS)
        used = {mount.name for each in self._containers() for mount in each.mounts}
        dangling = filters.boolean("dangling", default=True)
        chosen = [
            record
            for record in self._records.values()
            if filters.matches_pattern("name", record.name)
            and filters.matches_exactly("driver", record.driver)
            and filters.matches_labels("label", record.labels)
            and ("dangling" not in filters or (record.name not in used) == dangling)
        ]
        return [self._render(each) for each in sorted(chosen, key=lambda each: each.name)], []

    async def create(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> Volume:
        """Make a volume, or return the one that has the name already; without a name, an anonymous
        one.

        Raises: InvalidArgument for a bad name, an unknown driver or options it does not have.
        """
        if options:
            raise InvalidArgument(f'create {name}: invalid option: "{next(iter(options))}"')
        chosen = name or new_id()
        self.ensure(chosen, driver=driver, anonymous=not name, labels=labels)
        return self.get(chosen)

    def ensure(
        self,
        name: str,
        *,
        driver: str,
        anonymous: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> tuple[Path, bool]:
        """The data path of a volume, and whether it had to be made."""
        if driver not in ("", _DRIVER):
            raise NotFound(f'plugin "{driver}" not found', reference=driver)
        if name in self._records:
            return self._files.data_path(name), False
        check_name(name)
        path = self._files.create(name)
        faults.at("create.volume-folder-made")
        marks = {ANONYMOUS_LABEL: ""} if anonymous else {}
        record = VolumeRecord(name=name, created_ns=now_ns(), labels={**marks, **(labels or {})})
        self._database.execute(
            "INSERT INTO volumes (name, record) VALUES (?, ?)",
            (name, msgspec.json.encode(record)),
        )
        self._records[name] = record
        self._events.emit("volume", "create", name, driver=_DRIVER)
        return path, True

    def meet_folders(self) -> None:
        """After an engine start: bring records and folders together.

        A record without a folder is a removal that was broken off. A folder without a record is a
        volume again when it holds something, as with Docker, and otherwise a creation that was
        broken off.
        """
        folders = self._files.names()
        used = {mount.name for each in self._containers() for mount in each.mounts}
        for name in self._records.keys() - folders - used:
            self._forget(name)
        for name in folders - self._records.keys():
            if not self._files.remove_if_empty(name):
                log.warning("volume %s had no record and has one again", name)
                self.ensure(name, driver=_DRIVER)

    def fill(self, name: str, source_fd: int) -> None:
        """Copy what the image has at the mount point into the volume while it is empty."""
        self._files.fill(name, source_fd)

    def discard(self, name: str) -> None:
        """Remove a volume and its files; nothing happens when there is none."""
        if name not in self._records:
            return
        self._files.remove(name)
        faults.at("remove.volume-files-removed")
        self._forget(name)

    def _forget(self, name: str) -> None:
        with self._database.transaction():
            self._database.execute("DELETE FROM volumes WHERE name = ?", (name,))
            self._events.emit("volume", "destroy", name, driver=_DRIVER)
        self._records.pop(name, None)

    async def remove(self, name: str, *, force: bool) -> None:
        """Raises: NotFound unless `force`; Conflict while a container has it."""
        if name not in self._records:
            if force:
                return
            raise NotFound(f"get {name}: no such volume", reference=name)
        users = [each.id for each in self._containers() if any(m.name == name for m in each.mounts)]
        if users:
            raise Conflict(f"remove {name}: volume is in use - [{', '.join(users)}]")
        await asyncio.to_thread(self._files.remove, name)
        self.discard(name)

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
        removed: Texts = []
        freed = 0
        for record in sorted(self._records.values(), key=lambda each: each.name):
            is_meant = everything or ANONYMOUS_LABEL in record.labels
            if not is_meant or record.options or not filters.matches_prune_labels(record.labels):
                continue
            size = await asyncio.to_thread(self._files.size, record.name)
            try:
                await self.remove(record.name, force=False)
            except (Conflict, NotFound):
                continue
            removed.append(record.name)
            freed += size
        return removed, freed
