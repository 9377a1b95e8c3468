"""Whole volumes: renamed, cloned, kept as snapshots and put back; looked into.

An engine that is killed leaves word of what it did (`volume.folders`): the next one finishes a
rename whose record was stored and takes back everything else, before records meet folders.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from budu.archive.faults import from_os_error, os_errors
from budu.base import faults
from budu.base.clock import now_ns
from budu.base.errors import AlreadyExists, Conflict, Hint, NotFound, NotImplementedHere
from budu.engine.containers.model import Container, MountKind
from budu.engine.containers.repository import ContainerRepository
from budu.engine.contract.volume_copies import Entries, PathEntry, Snapshots
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.volumes.record import ANONYMOUS_LABEL, VolumeRecord
from budu.engine.volumes.service import VolumeService
from budu.linux.paths import O_PATH, open_in_root
from budu.spec.api.volume import Volume
from budu.volume.contract import LOCAL
from budu.volume.folders import VolumeFolders, Work, clone_folder
from budu.volume.local import LocalVolumes, check_name

log = logging.getLogger(__name__)

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}
RENAME, CLONE = "rename", "clone"


class VolumeCopies:
    """See `engine.contract.volume_copies.VolumeCopies`."""

    def __init__(
        self,
        volumes: VolumeService,
        local: LocalVolumes,
        folders: VolumeFolders,
        containers: ContainerRepository,
        database: Database,
        events: EventLog,
        *,
        is_running: Callable[[Container], bool] = lambda container: container.is_running,
    ) -> None:
        self._volumes = volumes
        self._local = local
        self._folders = folders
        self._containers = containers
        self._database = database
        self._events = events
        self._is_running = is_running

    def recover(self) -> None:
        """Once, at an engine's start, before records meet folders. Blocks."""
        self._folders.sweep()
        stored = {each.name for each in self._volumes.records()}
        for work in self._folders.broken_off():
            log.warning("volume %s: %s to %s was broken off", work.old, work.operation, work.new)
            if work.operation == RENAME:
                if work.old in stored and self._folders.exists(work.new):
                    self._folders.rename(work.new, work.old)
            elif work.new not in stored:
                self._local.delete(work.new)
            self._folders.forget(work)

    # Rename

    async def rename(self, name: str, new: str) -> Volume:
        """Give a volume another name; the records of its containers follow."""
        check_name(new)
        first, second = sorted((name, new))
        if name == new:
            raise AlreadyExists(f"rename {name}: volume name must be unique: {new}", reference=new)
        async with self._volumes.holding(first), self._volumes.holding(second):
            record = self._local_record(name, "rename")
            self._check_idle(name, "rename")
            self._check_free(new, f"rename {name}")
            with self._folders.working(Work(operation=RENAME, old=name, new=new)):
                self._rename(record, new)
        return await self._volumes.get(new)

    def _rename(self, record: VolumeRecord, new: str) -> None:
        name = record.name
        self._folders.rename(name, new)
        faults.at("volume.folder-renamed")
        try:
            with self._database.transaction():
                self._volumes.rename_record(
                    record, msgspec.structs.replace(record, name=new, labels=_named(record))
                )
                for container in self._volumes.users(name):
                    self._containers.update(self._following(container, name, new))
                self._events.emit("volume", "rename", new, driver=LOCAL, oldName=name)
        except BaseException:
            self._folders.rename(new, name)
            raise
        faults.at("volume.renamed")

    def _following(self, container: Container, name: str, new: str) -> Container:
        """The container with the volume's new name everywhere it stands."""
        source = str(self._local.data_path(new))
        mounts = tuple(
            msgspec.structs.replace(each, name=new, source=source if each.source else "")
            if each.kind is MountKind.VOLUME and each.name == name
            else each
            for each in container.mounts
        )
        host = container.host_config
        binds = [
            f"{new}{text[len(name) :]}" if text.startswith(f"{name}:") else text
            for text in host.binds or ()
        ]
        wishes = [
            msgspec.structs.replace(each, source=new)
            if each.type == "volume" and each.source == name
            else each
            for each in host.mounts or ()
        ]
        host = msgspec.structs.replace(
            host,
            binds=binds if host.binds is not None else None,
            mounts=wishes if host.mounts is not None else None,
        )
        return msgspec.structs.replace(container, mounts=mounts, host_config=host)

    # Clone

    async def clone(self, name: str, new: str) -> Volume:
        """Make a second volume with the same data, options and labels."""
        check_name(new)
        record = self._local_record(name, "clone")
        if record.options.keys() - {"size"}:
            raise NotImplementedHere(
                f"clone {name}: a volume with options of its own cannot be cloned: both would have"
                " the same data"
            )
        async with self._volumes.holding(new):
            self._check_free(new, f"clone {name}")
            with self._folders.working(Work(operation=CLONE, old=name, new=new)):
                await self._clone(record, new)
        self._events.emit("volume", "clone", new, driver=LOCAL, source=name)
        return await self._volumes.get(new)

    async def _clone(self, record: VolumeRecord, new: str) -> None:
        wanted = msgspec.structs.replace(
            record, name=new, created_ns=now_ns(), last_used_ns=0, labels=_named(record)
        )
        made, _ = await self._volumes.provide(wanted)
        try:
            driver = await self._volumes.drivers.get(made.driver)
            target = await driver.mount(new, CLONE)
            try:
                async with self._volumes.using(record.name) as source:
                    await self._copy(source, target, f"clone {record.name}")
            finally:
                await driver.unmount(new, CLONE)
            faults.at("volume.cloned")
            self._volumes.store_new(made)
        except BaseException:
            await asyncio.shield(self._volumes.withdraw(made))
            raise

    @staticmethod
    async def _copy(source: str, target: str, what: str) -> None:
        with os_errors(what):
            await asyncio.to_thread(clone_folder, Path(source), Path(target))

    # Snapshots

    async def snapshots(self, name: str) -> Snapshots:
        """A volume's snapshots, oldest first."""
        self._plain_record(name)
        return await asyncio.to_thread(self._folders.snapshots, name)

    async def keep(self, name: str, snapshot: str) -> str:
        """Make a snapshot, named by the time when it has no name."""
        async with self._volumes.holding(name):
            self._plain_record(name)
            snapshot = snapshot or _moment()
            with os_errors(f"snapshot {name}"):
                await asyncio.to_thread(self._folders.keep, name, snapshot)
        self._events.emit("volume", "snapshot", name, driver=LOCAL, snapshot=snapshot)
        return snapshot

    async def put_back(self, name: str, snapshot: str) -> None:
        """Make a volume what it was, all at once."""
        async with self._volumes.holding(name):
            self._plain_record(name)
            self._check_idle(name, "restore")
            with os_errors(f"restore {name}"):
                await asyncio.to_thread(self._folders.put_back, name, snapshot)
        self._events.emit("volume", "restore", name, driver=LOCAL, snapshot=snapshot)

    async def drop(self, name: str, snapshot: str) -> None:
        """Remove a snapshot."""
        async with self._volumes.holding(name):
            self._plain_record(name)
            await asyncio.to_thread(self._folders.drop, name, snapshot)

    # Looking

    async def browse(self, name: str, path: str) -> Entries:
        """What is in a directory of the volume; links never lead out of it."""
        self._volumes.record(name)
        async with self._volumes.using(name) as data:
            return await asyncio.to_thread(_browse, name, data, path)

    # Rules

    def _local_record(self, name: str, what: str) -> VolumeRecord:
        record = self._volumes.record(name)
        if record.driver != LOCAL:
            raise NotImplementedHere(
                f"{what} {name}: volumes of the driver {record.driver} cannot do this",
                hint=Hint("copies.local-only", driver=record.driver),
            )
        return record

    def _plain_record(self, name: str) -> VolumeRecord:
        record = self._local_record(name, "snapshot")
        if record.options or record.size_limit:
            raise NotImplementedHere(
                f"snapshot {name}: volumes with options or a size cannot do this",
                hint=Hint("copies.plain-only", name=name),
            )
        return record

    def _check_idle(self, name: str, what: str) -> None:
        users = [each for each in self._volumes.users(name) if self._is_running(each)]
        if users:
            names = ", ".join(each.name for each in users)
            raise Conflict(
                f"{what} {name}: volume is in use by running containers - [{names}]",
                hint=Hint("copies.stop-first", names=" ".join(each.name for each in users)),
            )

    def _check_free(self, new: str, what: str) -> None:
        if any(each.name == new for each in self._volumes.records()) or self._folders.exists(new):
            raise AlreadyExists(f"{what}: volume name must be unique: {new}", reference=new)


def _named(record: VolumeRecord) -> dict[str, str]:
    """A volume that somebody named is anonymous no more."""
    return {key: value for key, value in record.labels.items() if key != ANONYMOUS_LABEL}


def _moment() -> str:
    return datetime.fromtimestamp(now_ns() / 10**9, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _browse(name: str, data: str, path: str) -> Entries:
    """In a thread. Raises: NotFound."""
    root = os.open(data, _DIRECTORY)
    try:
        place = open_in_root(root, path or "/", O_PATH)
        try:
            return _entries(root, place, path)
        finally:
            os.close(place)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"Could not find the file {path} in volume {name}", reference=path
        ) from error
    except OSError as error:
        raise from_os_error(error, f"browse {name}") from error
    finally:
        os.close(root)


def _entries(root: int, place: int, path: str) -> Entries:
    status = os.fstat(place)
    if not stat.S_ISDIR(status.st_mode):
        return [_entry(os.path.basename(path.rstrip("/")), status, "")]
    fd = open_in_root(root, path or "/", _DIRECTORY)
    try:
        found = []
        for name in sorted(os.listdir(fd)):
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            link = os.readlink(name, dir_fd=fd) if stat.S_ISLNK(status.st_mode) else ""
            found.append(_entry(name, status, link))
        return found
    finally:
        os.close(fd)


def _entry(name: str, status: os.stat_result, link: str) -> PathEntry:
    return PathEntry(
        name=_text(name),
        kind=_FILE_KINDS.get(stat.S_IFMT(status.st_mode), "other"),
        size=status.st_size,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime_ns=status.st_mtime_ns,
        link_target=_text(link),
    )


def _text(name: str) -> str:
    """A file's name as text that JSON can hold."""
    return os.fsencode(name).decode(errors="replace")
