"""The face of everything that happens to containers. See `engine.contract.Containers`.

    service ─┬─ create       a new record
             ├─ supervisor   starts, watches, buries, starts again
             ├─ stopping     stop, kill, restart, pause
             ├─ removing     rm, --rm, prune
             └─ stdio        logs and attached clients

All of them share one `lives`: records, locks and what runs now. Other services (`execs`, `health`,
`monitor` …) use the methods under "For other services" and never a record of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager

from budu.base.errors import AlreadyExists, BuduError, Conflict, Hint, InvalidArgument
from budu.base.filters import Filters
from budu.base.ids import check_name
from budu.engine.containers.create import ContainerCreator
from budu.engine.containers.endings import Asker
from budu.engine.containers.joined import JoinedEvents
from budu.engine.containers.lifecycle import Event
from budu.engine.containers.links import forget_linked, remove_link, tell_linked
from budu.engine.containers.listing import select
from budu.engine.containers.lives import Lives
from budu.engine.containers.model import Container, Status
from budu.engine.containers.observers import LifeObserver
from budu.engine.containers.removing import Remover
from budu.engine.containers.repository import ContainerRepository
from budu.engine.containers.start import ContainerStarter, Running
from budu.engine.containers.stdio import Stdio
from budu.engine.containers.stopping import Stopper
from budu.engine.containers.supervisor import Supervisor
from budu.engine.contract import (
    Attachment,
    AttachOptions,
    ContainerFiles,
    ContainerList,
    Created,
    LogOptions,
    Texts,
    WaitResult,
)
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.engine.networks import NetworkService
from budu.engine.paths import EnginePaths
from budu.engine.volumes import VolumeService
from budu.image.model import ImageRecord
from budu.runtime.cgroups.contract import Cgroup
from budu.shim.client import ExitStatus
from budu.snapshot.container import ContainerSnapshots
from budu.spec.api.container import ContainerCreateBody
from budu.spec.image import ExecConfig
from budu.spec.platform import Platform


class ContainerService:
    """All containers of one engine."""

    def __init__(
        self,
        *,
        database: Database,
        repository: ContainerRepository,
        creator: ContainerCreator,
        starter: ContainerStarter,
        snapshots: ContainerSnapshots,
        images: ImageRepository,
        image_storage: ImageStorage,
        networks: NetworkService,
        volumes: VolumeService,
        events: EventLog,
        stdio: Stdio,
        paths: EnginePaths,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._repository = repository
        self._creator = creator
        self._snapshots = snapshots
        self._images = images
        self._image_storage = image_storage
        self._stdio = stdio
        self._paths = paths
        self._lives = lives = Lives(database, repository, events)
        self._remover = Remover(lives, snapshots, images, image_storage, volumes, stdio, paths)
        self._supervisor = Supervisor(
            lives,
            starter,
            networks,
            stdio,
            JoinedEvents(events, networks),
            tasks,
            remove_ended=self._remover.remove_ended,
        )
        self._stopper = Stopper(lives, self._supervisor)

    # Looking

    def get(self, ref: str) -> Container:
        """The container that `ref` means. Raises: NotFound, InvalidArgument."""
        return self._repository.get(ref)

    def list(self, *, everything: bool, limit: int, filters: Filters) -> ContainerList:
        """Containers, newest first. Raises: InvalidArgument for an unknown filter."""
        return select(
            self._repository.all(),
            everything=everything,
            limit=limit,
            filters=filters,
            find=self._repository.get,
            image_ids=self._image_ids,
        )

    def _image_ids(self, ref: str) -> set[str]:
        """The image that an `ancestor` value names, and those that stand on its layers."""
        try:
            base = self._images.get(ref)
        except BuduError:
            return set()
        depth = len(base.diff_ids)
        return {
            each.id for each in self._images.all() if each.diff_ids[:depth] == base.diff_ids
        } | {base.id}

    def size(self, container: Container) -> tuple[int, int]:
        """Bytes of the writable layer, and of that with the image."""
        writable = self._snapshots.usage(container.id)
        image = sum(self._image_storage.unpacked_size(each) for each in container.diff_ids)
        return writable, writable + image

    def files(self, container: Container) -> ContainerFiles:
        """The container's files on the host."""
        paths = self._paths.container(container.id)
        return ContainerFiles(
            hosts=str(paths.hosts),
            hostname=str(paths.hostname),
            resolv_conf=str(paths.resolv_conf),
            log=str(paths.json_log) if container.log_driver == "json-file" else "",
        )

    # Life

    async def create(
        self, body: ContainerCreateBody, *, name: str | None, platform: Platform | None
    ) -> Created:
        """Store a new container. Raises: InvalidArgument, NotFound, AlreadyExists."""
        return await self._creator.create(body, name=name, platform=platform)

    async def create_of(
        self, image: ImageRecord, config: ExecConfig, body: ContainerCreateBody
    ) -> Created:
        """Store a new container of `image`, a step of a build; `config` stands for the image's."""
        return await self._creator.create_of(image, config, body)

    async def start(self, ref: str) -> None:
        """Run a container. Raises: NotModified, Conflict, InvalidArgument (program), …"""
        await self._supervisor.start(ref)

    async def start_anew(self, ref: str) -> None:
        """Run a container that may wait for a start; its starts are counted anew. Raises: as
        `start`."""
        await self._supervisor.start(ref, waiting=True)

    async def stop(
        self, ref: str, *, timeout_s: int | None, signal: str | None, by: str = Asker.STOP
    ) -> Hint | None:
        """Ask, wait, kill. What is worth telling about it.

        Raises: NotModified when it does not run, InvalidArgument for the signal.
        """
        return await self._stopper.stop(ref, timeout_s=timeout_s, signal=signal, by=by)

    async def kill(self, ref: str, *, signal: str | None, by: str = Asker.KILL) -> None:
        """Send a signal. Raises: Conflict when it does not run, InvalidArgument."""
        await self._stopper.kill(ref, signal=signal, by=by)

    async def restart(
        self, ref: str, *, timeout_s: int | None, signal: str | None, by: str = Asker.RESTART
    ) -> Hint | None:
        """Stop it when it runs, then start it. What is worth telling about the stop."""
        return await self._stopper.restart(ref, timeout_s=timeout_s, signal=signal, by=by)

    async def pause(self, ref: str) -> None:
        """Freeze all processes. Raises: Conflict."""
        await self._stopper.freeze(ref, Event.PAUSE)

    async def unpause(self, ref: str) -> None:
        """Let them go on. Raises: Conflict."""
        await self._stopper.freeze(ref, Event.UNPAUSE)

    async def rename(self, ref: str, name: str) -> None:
        """Raises: InvalidArgument, AlreadyExists."""
        if not name:
            raise InvalidArgument("Neither old nor new names may be empty")
        container = self.get(ref)
        slashed = f"/{name.removeprefix('/')}"
        if slashed == f"/{container.name}":
            raise InvalidArgument("Renaming a container with the same name as its current name")
        try:
            self._rename(container, check_name(slashed))
        except (InvalidArgument, AlreadyExists) as error:
            raise error.after("Error when allocating new name: ") from error

    def _rename(self, container: Container, name: str) -> None:
        with self._lives.database.transaction():
            renamed = self._lives.change(container.id, name=name)
            forget_linked(renamed, self._repository, name=container.name)
            tell_linked(renamed, self._repository)
            self.emit(renamed, "rename", oldName=f"/{container.name}")

    async def remove(self, ref: str, *, force: bool, volumes: bool, link: bool) -> None:
        """Delete a container. Raises: Conflict unless `force` when it runs."""
        if link:
            remove_link(ref, self._repository)
            return
        container = self.get(ref)
        if force and not container.is_running:
            container = await self._supervisor.settle(container)
        if force and container.is_running:
            await self._stopper.kill_to_remove(container)
        async with self.holding(container.id):
            if force and container.id not in self._repository:
                return
            await self._remover.remove(self._repository.get(container.id), volumes=volumes)

    async def prune(self, filters: Filters) -> tuple[Texts, int]:
        """Remove stopped containers; their ids and the bytes that became free."""
        return await self._remover.prune(filters)

    # Streams

    def wait(self, ref: str, condition: str) -> Awaitable[WaitResult]:
        """Arm a wait now; await the answer later."""
        return self._lives.waits.arm(self.get(ref), condition)

    def logs(self, ref: str, options: LogOptions) -> tuple[bool, AsyncIterator[bytes]]:
        """Whether there is a terminal, and the log's bytes for the wire."""
        container = self.get(ref)
        if not options.stdout and not options.stderr:
            raise InvalidArgument("Bad parameters: you must choose at least one stream")
        if container.status in (Status.REMOVING, Status.DEAD):
            raise Conflict(
                "can not get logs from container which is dead or marked for removal",
                reference=container.id,
            )
        return container.tty, self._stdio.logs(container, options)

    async def attach(self, ref: str, options: AttachOptions) -> Attachment:
        """Join a client to a container's streams. Raises: Conflict when paused or restarting."""
        container = self.get(ref)
        if container.status is Status.PAUSED:
            raise Conflict(
                f"container {container.id} is paused, unpause the container before attach"
            )
        if container.status is Status.RESTARTING:
            raise Conflict(
                f"container {container.id} is restarting, wait until the container is running"
            )
        self.emit(container, "attach")
        return self._stdio.attach(
            container, options, on_detach=lambda: self.emit(container, "detach")
        )

    async def resize(self, ref: str, *, height: int, width: int) -> None:
        """Tell the terminal its size. Raises: Conflict when it does not run."""
        container = self.get(ref)
        running = self._lives.find_running(container.id)
        if running is None:
            raise Conflict(f"container {container.id} is not running")
        if container.tty:
            running.shim.resize(height, width)
        self.emit(container, "resize", height=str(height), width=str(width))

    # For other services

    def running(self, ref: str) -> tuple[Container, Running]:
        """A container that has processes, and what the engine holds of them.

        Raises: NotFound; Conflict when it does not run.
        """
        return self._lives.running(ref)

    def observe(self, observer: LifeObserver) -> None:
        """Tell `observer` of what happens to containers from now on."""
        self._lives.observers.append(observer)

    def holding(self, id_: str) -> AbstractAsyncContextManager[None]:
        """Wait until nothing else changes the container, and keep it so inside the block."""
        return self._lives.holding(id_)

    def change(self, id_: str, **fields: object) -> Container:
        """Store new values of fields that no state follows from. The new record."""
        return self._lives.change(id_, **fields)

    def heed_policy(self, container: Container) -> None:
        """Give up a start that a changed policy does not want any more. With its lock held."""
        self._supervisor.heed_policy(container)

    def emit(self, container: Container, action: str, **attributes: str) -> None:
        """Tell that `action` happened, with the attributes that every event of it carries."""
        self._lives.emit(container, action, **attributes)

    # For the engine's start and end

    def adopt(self, container: Container, running: Running) -> None:
        """Go on with a container that an earlier engine started."""
        self._supervisor.adopt(container, running)

    async def bury(self, container: Container, status: ExitStatus, cgroup: Cgroup) -> None:
        """Record the end of a container that ended while no engine ran; nothing is started."""
        await self._supervisor.bury(container, status, cgroup)

    def go_on_restarting(self, ref: str) -> None:
        """Plan the start of a container that waits for it since an earlier engine."""
        self._supervisor.go_on_restarting(ref)

    def close(self) -> None:
        """The engine is ending: nothing is started again from now on."""
        self._supervisor.is_closing = True

    def forget(self) -> None:
        """Stop watching. The containers live on."""
        self._supervisor.forget()
