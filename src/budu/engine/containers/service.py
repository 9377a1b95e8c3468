"""Everything that happens to containers: the one place that changes their records.

Each operation takes the container's lock, checks `lifecycle`, acts, and stores record and event in
one transaction. What runs is held in `_running`; a task per running container waits for its end.
Neighbours: `create`, `start` make the effects; `restart`, `listing`, `waits` decide; `stdio` joins
clients to a container's streams; `reconcile` fills this service again after an engine start.
See `engine.contract.Containers`.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal as signals
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, suppress

import msgspec

from budu.base.clock import now_ns, parse_time_argument
from budu.base.errors import BuduError, Conflict, InvalidArgument, NotFound, NotModified
from budu.base.filters import Filters
from budu.base.ids import check_name
from budu.engine.containers.create import ContainerCreator, event_attributes
from budu.engine.containers.lifecycle import Event, can, next_status
from budu.engine.containers.listing import select
from budu.engine.containers.model import Container, MountKind, Status
from budu.engine.containers.observers import LifeObserver
from budu.engine.containers.repository import ContainerRepository
from budu.engine.containers.restart import next_delay, should_restart
from budu.engine.containers.signals import parse_signal
from budu.engine.containers.start import ContainerStarter, Running, StartFailed
from budu.engine.containers.stdio import Stdio
from budu.engine.containers.waits import Waits
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
from budu.engine.locks import Locks
from budu.engine.networks import NetworkService
from budu.engine.paths import EnginePaths
from budu.engine.volumes import VolumeService
from budu.linux.system import boot_id
from budu.runtime.cgroups.actions import freeze, remove
from budu.runtime.cgroups.contract import Cgroup
from budu.shim.client import ExitStatus
from budu.snapshot.container import ContainerSnapshots
from budu.spec.api.container import ContainerCreateBody
from budu.spec.platform import Platform

DEFAULT_STOP_TIMEOUT_S = 10
_KILL_WAIT_S = 10
_FAILED = 128
"""Exit code of a container that could not be started, but for its program."""
_PRUNE_KEYS = frozenset(["label", "label!", "until"])

log = logging.getLogger(__name__)


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
        self._database = database
        self._repository = repository
        self._creator = creator
        self._starter = starter
        self._snapshots = snapshots
        self._images = images
        self._image_storage = image_storage
        self._networks = networks
        self._volumes = volumes
        self._events = events
        self._stdio = stdio
        self._paths = paths
        self._tasks = tasks
        self._locks = Locks()
        self._waits = Waits()
        self._running: dict[str, Running] = {}
        self._delays: dict[str, float] = {}
        self._pending_restarts: dict[str, asyncio.Task[None]] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._observers: list[LifeObserver] = []
        self.is_closing = False
        """True once the engine is ending: nothing is started again then."""

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

    def running(self, ref: str) -> tuple[Container, Running]:
        """A container that has processes, and what the engine holds of them.

        Raises: NotFound; Conflict when it does not run.
        """
        container = self.get(ref)
        running = self._running.get(container.id)
        if running is None or not container.is_running:
            raise Conflict(f"container {container.id} is not running")
        return container, running

    def observe(self, observer: LifeObserver) -> None:
        """Tell `observer` of what happens to containers from now on."""
        self._observers.append(observer)

    def holding(self, id_: str) -> AbstractAsyncContextManager[None]:
        """Wait until nothing else changes the container, and keep it so inside the block."""
        return self._locks.holding(id_)

    def change(self, id_: str, **fields: object) -> Container:
        """Store new values of fields that no state follows from. The new record."""
        return self._repository.update(msgspec.structs.replace(self._repository.get(id_), **fields))

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
        image = sum(self._image_storage.layer_size(each) for each in container.diff_ids)
        return writable, writable + image

    def files(self, container: Container) -> ContainerFiles:
        """The container's files on the host."""
        paths = self._paths.container(container.id)
        return ContainerFiles(
            hosts=str(paths.hosts),
            hostname=str(paths.hostname),
            resolv_conf=str(paths.resolv_conf),
            log=str(paths.log),
        )

    # Life

    async def create(
        self, body: ContainerCreateBody, *, name: str | None, platform: Platform | None
    ) -> Created:
        """Store a new container. Raises: InvalidArgument, NotFound, AlreadyExists."""
        return self._creator.create(body, name=name, platform=platform)

    async def start(self, ref: str) -> None:
        """Run a container. Raises: NotModified, Conflict, InvalidArgument (program), …"""
        container = self.get(ref)
        self._cancel_restart(container.id)
        async with self._locks.holding(container.id):
            container = self._repository.get(container.id)
            await self._start(msgspec.structs.replace(container, restart_count=0))

    async def _start(self, container: Container) -> None:
        status = next_status(container, Event.START)
        try:
            started = await self._starter.start(container)
        except StartFailed as failure:
            await self._start_failed(container, failure)
            raise failure.error from failure
        except BuduError as error:
            self._store_failure(container, error.message, exit_code=_FAILED)
            await self._remove_after_failure(container)
            raise
        running = started.running
        container = msgspec.structs.replace(
            self._repository.get(container.id),  # it may have been renamed meanwhile
            status=status,
            restart_count=container.restart_count,
            pid=running.shim.pid,
            pid_started=running.shim.start_ticks,
            boot_id=boot_id(),
            endpoints=running.endpoints,
            started_ns=now_ns(),
            exit_code=0,
            error="",
            oom_killed=False,
            stopped_by_user=False,
            warnings=started.warnings,
        )
        with self._database.transaction():
            self._repository.update(container)
            self.emit(container, "start")
        self.adopt(container, running)

    async def _start_failed(self, container: Container, failure: StartFailed) -> None:
        with self._database.transaction():
            failed = self._store_failure(
                container, failure.error.message, exit_code=failure.exit_code
            )
            self.emit(failed, "die", exitCode=str(failure.exit_code), execDuration="0")
        await self._remove_after_failure(container)

    def _store_failure(self, container: Container, error: str, *, exit_code: int) -> Container:
        """A start came to nothing; whoever waits for a container that restarts is answered."""
        was_restarting = container.status is Status.RESTARTING
        container = self._repository.update(
            msgspec.structs.replace(
                self._repository.get(container.id),
                status=next_status(container, Event.START_FAILED),
                error=error,
                exit_code=exit_code,
            )
        )
        if was_restarting:
            self._waits.exited(container)
        return container

    async def _remove_after_failure(self, container: Container) -> None:
        if container.host_config.auto_remove:
            await self._remove(self._repository.get(container.id), volumes=True)

    def adopt(self, container: Container, running: Running) -> None:
        """Watch a container that runs. Used after a start and by `reconcile`."""
        self._running[container.id] = running
        self._stdio.opened(container.id, running.shim)
        for observer in self._observers:
            observer.started(container, running)
        task = self._tasks.create_task(
            self._watch(container.id, running), name=f"watch-{container.short_id}"
        )
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    def forget(self) -> None:
        """The engine ends: stop watching. The containers live on."""
        for task in (*self._watchers, *self._pending_restarts.values()):
            task.cancel()

    async def _watch(self, id_: str, running: Running) -> None:
        """Wait for the end. The edge of a task: what goes wrong here must not end the engine."""
        status = await running.shim.wait()
        try:
            async with self._locks.holding(id_):
                await self._exited(id_, running, status)
        except Exception:
            log.exception("recording an exit failed container=%s", id_)

    async def _exited(self, id_: str, running: Running, status: ExitStatus) -> None:
        self._running.pop(id_, None)
        self._networks.disconnect(running.endpoints)
        running.shim.close()
        await self.bury(self._repository.get(id_), status, running.cgroup)

    async def bury(self, container: Container, status: ExitStatus, cgroup: Cgroup) -> None:
        """Record how a container ended, and do what its policy says then."""
        out_of_memory = status.oom or cgroup.oom_kills() > 0
        await remove(cgroup)
        container = self._repository.get(container.id)  # stopped or renamed meanwhile
        again = not self.is_closing and should_restart(
            container.host_config.restart_policy, container, exit_code=status.code
        )
        event = Event.EXIT_TO_RESTART if again else Event.EXIT
        container = msgspec.structs.replace(
            container,
            status=next_status(container, event),
            pid=0,
            endpoints={},
            exit_code=status.code,
            oom_killed=out_of_memory,
            finished_ns=status.finished_ns,
        )
        lived_s = (container.finished_ns - container.started_ns) / 1e9
        with self._database.transaction():
            self._repository.update(container)
            if out_of_memory:
                self.emit(container, "oom")
            self.emit(
                container,
                "die",
                exitCode=str(status.code),
                execDuration=str(int(lived_s)),
            )
        self._stdio.ended(container.id)
        for observer in self._observers:
            observer.ended(container)
        self._waits.exited(container)
        if again:
            self._schedule_restart(container, lived_s)
        elif container.host_config.auto_remove and not self.is_closing:
            await self._remove(container, volumes=True)

    # Restarting

    def _schedule_restart(self, container: Container, lived_s: float) -> None:
        delay = next_delay(self._delays.get(container.id, 0.0), lived_s=lived_s)
        self._delays[container.id] = delay
        task = self._tasks.create_task(
            self._restart_later(container.id, delay), name=f"restart-{container.short_id}"
        )
        self._pending_restarts[container.id] = task

    async def _restart_later(self, id_: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        async with self._locks.holding(id_):
            self._pending_restarts.pop(id_, None)
            container = self._repository.get(id_)
            if container.status is not Status.RESTARTING or self.is_closing:
                return
            again = msgspec.structs.replace(container, restart_count=container.restart_count + 1)
            try:
                await self._start(again)
            except BuduError as error:
                log.warning("restart failed container=%s error=%s", id_, error.message)
            except Exception as error:
                log.exception("restart failed container=%s", id_)
                self._store_failure(container, str(error), exit_code=_FAILED)

    def _cancel_restart(self, id_: str) -> None:
        task = self._pending_restarts.pop(id_, None)
        if task is not None:
            task.cancel()
        self._delays.pop(id_, None)

    def _give_up_restart(self, container: Container) -> Container:
        """A container that waits for its next start is simply stopped."""
        self._cancel_restart(container.id)
        container = self._repository.update(
            msgspec.structs.replace(
                container,
                status=next_status(container, Event.GIVE_UP_RESTART),
                stopped_by_user=True,
            )
        )
        self._waits.exited(container)
        return container

    async def _settle(self, container: Container) -> Container:
        """Wait for what is under way, and give up a start that was still to come."""
        async with self._locks.holding(container.id):
            container = self._repository.get(container.id)
            if container.status is Status.RESTARTING:
                return self._give_up_restart(container)
            return container

    async def _find_running(self, ref: str) -> Container | None:
        """The container once no start is under way; None when it only waited for its next one."""
        container = self.get(ref)
        if container.is_running:
            return container
        waited = container.status is Status.RESTARTING
        container = await self._settle(container)
        return container if container.is_running or not waited else None

    # Stopping

    async def stop(self, ref: str, *, timeout_s: int | None, signal: str | None) -> None:
        """Ask, wait, kill. Raises: NotModified when it does not run."""
        container = await self._find_running(ref)
        if container is None:
            return
        if not container.is_running:
            raise NotModified(f"container {container.id} is already stopped")
        await self._stop(container, timeout_s=timeout_s, signal=signal)
        if container.id in self._repository:
            self.emit(self._repository.get(container.id), "stop")

    async def _stop(
        self, container: Container, *, timeout_s: int | None, signal: str | None
    ) -> None:
        number = parse_signal(signal or container.config.stop_signal or "SIGTERM")
        timeout = timeout_s if timeout_s is not None else container.config.stop_timeout
        if timeout is None:
            timeout = DEFAULT_STOP_TIMEOUT_S
        ended = asyncio.ensure_future(self._waits.arm(container, "not-running"))
        self._mark_stopped(container.id)
        self._signal(container, number)
        if not await _done_within(ended, None if timeout < 0 else timeout):
            self._signal(container, signals.SIGKILL)
            if not await _done_within(ended, _KILL_WAIT_S):
                raise Conflict(
                    f"cannot stop container: {container.id}: tried to kill container, but did not "
                    "receive an exit event"
                )
        async with self._locks.holding(container.id):
            pass

    def _mark_stopped(self, id_: str) -> None:
        container = self._repository.get(id_)
        self._repository.update(msgspec.structs.replace(container, stopped_by_user=True))

    def _signal(self, container: Container, number: int) -> None:
        running = self._running.get(container.id)
        if running is None:
            return
        running.shim.signal(number)
        if container.status is Status.PAUSED and _means_stop(container, number):
            running.cgroup.thaw()
        self.emit(container, "kill", signal=str(int(number)))

    async def kill(self, ref: str, *, signal: str | None) -> None:
        """Send a signal. Raises: Conflict when it does not run, InvalidArgument."""
        number = parse_signal(signal or "SIGKILL")
        container = await self._find_running(ref)
        if container is None:
            return
        if not container.is_running:
            raise Conflict(f"cannot kill container: {ref}: container {container.id} is not running")
        if _means_stop(container, number):
            self._mark_stopped(container.id)
        ended = self._waits.arm(container, "not-running")
        self._signal(container, number)
        if number == signals.SIGKILL:
            await _done_within(ended, _KILL_WAIT_S)

    async def restart(self, ref: str, *, timeout_s: int | None, signal: str | None) -> None:
        """Stop it when it runs, then start it."""
        container = self.get(ref)
        if container.status is Status.RESTARTING:
            container = await self._settle(container)
        if container.is_running:
            kept = msgspec.structs.replace(container.host_config, auto_remove=False)
            if container.host_config.auto_remove:
                self._repository.update(msgspec.structs.replace(container, host_config=kept))
            await self._stop(container, timeout_s=timeout_s, signal=signal)
            if container.host_config.auto_remove:
                stopped = self._repository.get(container.id)
                self._repository.update(
                    msgspec.structs.replace(stopped, host_config=container.host_config)
                )
        await self.start(container.id)
        self.emit(self._repository.get(container.id), "restart")

    async def pause(self, ref: str) -> None:
        """Freeze all processes. Raises: Conflict."""
        await self._freeze(ref, Event.PAUSE)

    async def unpause(self, ref: str) -> None:
        """Let them go on. Raises: Conflict."""
        await self._freeze(ref, Event.UNPAUSE)

    async def _freeze(self, ref: str, event: Event) -> None:
        container = self.get(ref)
        async with self._locks.holding(container.id):
            container = self._repository.get(container.id)
            status = next_status(container, event)
            cgroup = self._running[container.id].cgroup
            if event is Event.PAUSE:
                await freeze(cgroup)
            else:
                cgroup.thaw()
            with self._database.transaction():
                self._repository.update(msgspec.structs.replace(container, status=status))
                self.emit(container, str(event))

    async def rename(self, ref: str, name: str) -> None:
        """Raises: InvalidArgument, AlreadyExists."""
        container = self.get(ref)
        if not name:
            raise InvalidArgument("Neither old nor new names may be empty")
        bare = check_name(name)
        if bare == container.name:
            raise InvalidArgument("Renaming a container with the same name as its current name")
        with self._database.transaction():
            renamed = self._repository.update(msgspec.structs.replace(container, name=bare))
            self.emit(renamed, "rename", oldName=f"/{container.name}")

    # Removing

    async def remove(self, ref: str, *, force: bool, volumes: bool, link: bool) -> None:
        """Delete a container. Raises: Conflict unless `force` when it runs."""
        container = self.get(ref)
        if link:
            raise InvalidArgument(f"Cannot get parent {ref} for link removal", reference=ref)
        if force and not container.is_running:
            container = await self._settle(container)
        if force and container.is_running:
            ended = self._waits.arm(container, "not-running")
            self._mark_stopped(container.id)
            self._signal(container, signals.SIGKILL)
            await _done_within(ended, _KILL_WAIT_S)
        async with self._locks.holding(container.id):
            if force and container.id not in self._repository:
                return
            await self._remove(self._repository.get(container.id), volumes=volumes)

    async def _remove(self, container: Container, *, volumes: bool) -> None:
        """Take everything of a stopped container away; the lock is held."""
        removing = self._repository.update(
            msgspec.structs.replace(container, status=next_status(container, Event.REMOVE))
        )
        paths = self._paths.container(container.id)
        try:
            with suppress(NotFound):
                self._snapshots.remove(container.id)
            shutil.rmtree(paths.exec_root, ignore_errors=True)
            with suppress(FileNotFoundError):
                shutil.rmtree(paths.root)
        except OSError as error:
            self._repository.update(
                msgspec.structs.replace(
                    removing, status=next_status(removing, Event.REMOVE_FAILED), error=str(error)
                )
            )
            raise
        with self._database.transaction():
            self._repository.remove(container)
            self.emit(container, "destroy")
        self._stdio.removed(container.id)
        for observer in self._observers:
            observer.removed(container)
        self._waits.removed(container)
        self._image_storage.release_layers(
            container.diff_ids, images=self._images.all(), containers=self._repository.all()
        )
        if volumes:
            self._discard_volumes(container)

    def _discard_volumes(self, container: Container) -> None:
        used = {mount.name for each in self._repository.all() for mount in each.mounts}
        for mount in container.mounts:
            if mount.kind is MountKind.VOLUME and mount.anonymous and mount.name not in used:
                self._volumes.discard(mount.name)

    async def prune(self, filters: Filters) -> tuple[Texts, int]:
        """Remove stopped containers; their ids and the bytes that became free."""
        filters.check_keys(_PRUNE_KEYS)
        limits = [parse_time_argument(each, now_ns=now_ns()) for each in filters.get("until")]
        removed, freed = [], 0
        for container in self._repository.all():
            labels = container.config.labels or {}
            unwanted = filters.get("label!") and Filters({"label": filters.get("label!")})
            if (
                not can(container, Event.REMOVE)
                or any(container.created_ns >= limit for limit in limits)
                or not filters.matches_labels("label", labels)
                or (unwanted and unwanted.matches_labels("label", labels))
            ):
                continue
            size, _ = self.size(container)
            await self.remove(container.id, force=False, volumes=False, link=False)
            removed.append(container.id)
            freed += size
        return removed, freed

    # Streams

    def wait(self, ref: str, condition: str) -> Awaitable[WaitResult]:
        """Arm a wait now; await the answer later."""
        return self._waits.arm(self.get(ref), condition)

    def logs(self, ref: str, options: LogOptions) -> tuple[bool, AsyncIterator[bytes]]:
        """Whether there is a terminal, and the log's bytes for the wire."""
        container = self.get(ref)
        if not options.stdout and not options.stderr:
            raise InvalidArgument("Bad parameters: you must choose at least one stream")
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
        return self._stdio.attach(container, options)

    async def resize(self, ref: str, *, height: int, width: int) -> None:
        """Tell the terminal its size. Raises: Conflict when it does not run."""
        container = self.get(ref)
        running = self._running.get(container.id)
        if running is None:
            raise Conflict(f"container {container.id} is not running")
        if container.tty:
            running.shim.resize(height, width)
        self.emit(container, "resize", height=str(height), width=str(width))

    def emit(self, container: Container, action: str, **attributes: str) -> None:
        """Tell that `action` happened, with the attributes that every event of it carries."""
        self._events.emit(
            "container", action, container.id, **event_attributes(container) | attributes
        )


def _means_stop(container: Container, number: int) -> bool:
    """Whether a signal is one that ends the container for good."""
    return number in (signals.SIGKILL, parse_signal(container.config.stop_signal or "SIGTERM"))


async def _done_within(future: asyncio.Future[WaitResult], timeout_s: float | None) -> bool:
    done, _ = await asyncio.wait([future], timeout=timeout_s)
    return bool(done)
