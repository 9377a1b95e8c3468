"""Starts containers, waits for their ends, buries them, and starts them again by their policy.

    start ──▶ running ──exit──▶ bury ──policy──▶ restart later ──▶ start
                                  └── otherwise: exited, or removed with --rm

A task per running container waits for its shim's word. Neighbours: `start` makes the effects,
`restart` and `endings` decide, `reconcile` hands over what an earlier engine left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from budu.base import faults
from budu.base.clock import now_ns
from budu.base.errors import BuduError, NotModified, ResourceExhausted
from budu.engine.containers.endings import Asked, judge, not_started
from budu.engine.containers.joined import JoinedEvents
from budu.engine.containers.lifecycle import Event, next_status
from budu.engine.containers.lives import Lives
from budu.engine.containers.model import Container, Status
from budu.engine.containers.restart import next_delay, should_restart, still_restarts
from budu.engine.containers.start import ContainerStarter, Running, StartFailed
from budu.engine.containers.stdio import Stdio
from budu.engine.networks import NetworkService
from budu.linux.system import boot_id
from budu.runtime.cgroups.actions import clear
from budu.runtime.cgroups.contract import Cgroup
from budu.shim.client import ExitStatus

_FAILED = 128
"""Exit code of a container that could not be started, but for its program."""

_TRY_AGAIN_S = 1.0
"""How long an end waits that could not be recorded, because the disk is full."""

log = logging.getLogger(__name__)


class Supervisor:
    """Keeps what runs in step with what is recorded."""

    def __init__(
        self,
        lives: Lives,
        starter: ContainerStarter,
        networks: NetworkService,
        stdio: Stdio,
        joined: JoinedEvents,
        tasks: asyncio.TaskGroup,
        *,
        remove_ended: Callable[[Container], Awaitable[None]],
    ) -> None:
        self._lives = lives
        self._starter = starter
        self._networks = networks
        self._stdio = stdio
        self._joined = joined
        self._tasks = tasks
        self._remove_ended = remove_ended
        self._asked: dict[str, Asked] = {}
        self._delays: dict[str, float] = {}
        self._pending_restarts: dict[str, asyncio.Task[None]] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._spared: set[str] = set()
        self.is_closing = False
        """True once the engine is ending: nothing is started again then."""

    def expect_end(self, id_: str, asked: Asked) -> None:
        """An end of the container that comes next is one that this engine asked for."""
        self._asked[id_] = asked

    # Starting

    async def start(self, ref: str, *, waiting: bool = False) -> None:
        """Run a container. Raises: NotModified, Conflict, InvalidArgument (program), …

        One that waits for its next start counts as running, as Docker has it, unless `waiting`
        ones are to be started too.
        """
        container = self._lives.repository.get(ref)
        async with self._lives.holding(container.id):
            container = self._lives.repository.get(container.id)
            if container.status is Status.RESTARTING and not waiting:
                raise NotModified("container is already running", reference=container.id)
            self._cancel_restart(container.id)
            await self._start(container, restart_count=0)

    async def _start(self, container: Container, *, restart_count: int) -> None:
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
        self._asked.pop(container.id, None)
        with self._lives.database.transaction():
            container = self._lives.change(
                container.id,
                status=status,
                restart_count=restart_count,
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
            self._joined.joined(container)
            self._lives.emit(container, "start")
            faults.at("start.record-written")
        faults.at("start.record-stored")
        self.adopt(container, running)

    async def _start_failed(self, container: Container, failure: StartFailed) -> None:
        with self._lives.database.transaction():
            failed = self._store_failure(
                container, failure.error.message, exit_code=failure.exit_code
            )
            self._lives.emit(failed, "die", exitCode=str(failure.exit_code), execDuration="0")
        await self._remove_after_failure(container)

    def _store_failure(self, container: Container, error: str, *, exit_code: int) -> Container:
        """A start came to nothing; whoever waits for a container that restarts is answered."""
        was_restarting = container.status is Status.RESTARTING
        container = self._lives.advance(
            container,
            Event.START_FAILED,
            error=error,
            exit_code=exit_code,
            ending=not_started(container, exit_code),
        )
        if was_restarting:
            self._lives.waits.exited(container)
        return container

    async def _remove_after_failure(self, container: Container) -> None:
        if container.host_config.auto_remove:
            await self._remove_ended(self._lives.repository.get(container.id))

    # Watching

    def adopt(self, container: Container, running: Running) -> None:
        """Watch a container that runs. Used after a start and by `reconcile`."""
        self._stdio.opened(container.id, running.shim)
        self._lives.begin(container, running)
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
            while not await self._record_exit(id_, running, status):
                await asyncio.sleep(_TRY_AGAIN_S)
        except Exception:
            log.exception("recording an exit failed container=%s", id_)

    async def _record_exit(self, id_: str, running: Running, status: ExitStatus) -> bool:
        try:
            async with self._lives.holding(id_):
                await self._exited(id_, running, status)
        except ResourceExhausted as error:
            log.error("recording an exit has to wait container=%s error=%s", id_, error.message)
            return False
        return True

    async def _exited(self, id_: str, running: Running, status: ExitStatus) -> None:
        faults.at("end.seen")
        self._lives.finish(id_)
        self._networks.disconnect(running.endpoints)
        faults.at("end.network-disconnected")
        running.shim.close()
        ended = await self.bury(self._lives.repository.get(id_), status, running.cgroup)
        if ended.status is Status.RESTARTING:
            self._schedule_restart(ended)

    async def bury(self, container: Container, status: ExitStatus, cgroup: Cgroup) -> Container:
        """Record how a container ended; with `--rm` it goes.

        A start that its policy owes is the caller's to plan: after an engine start it has to wait
        until all are buried, and after a machine start it is another one.
        """
        oom_kills = cgroup.oom_kills() or int(status.oom)
        await clear(cgroup)
        faults.at("end.cgroup-removed")
        await self._starter.release(container)
        faults.at("end.volumes-given-up")
        container = self._lives.repository.get(container.id)  # stopped or renamed meanwhile
        again = not self.is_closing and should_restart(
            container.host_config.restart_policy, container, exit_code=status.code
        )
        ended = self._record_end(container, status, oom_kills=oom_kills, again=again)
        faults.at("end.record-stored")
        self._stdio.ended(container.id)
        for observer in self._lives.observers:
            observer.ended(ended)
        self._lives.waits.exited(ended)
        if not again and self._is_removed_now(ended):
            await self._remove_ended(ended)
        return ended

    def _is_removed_now(self, ended: Container) -> bool:
        wanted = ended.host_config.auto_remove and ended.id not in self._spared
        return wanted and not self.is_closing

    @contextmanager
    def sparing(self, id_: str) -> Iterator[None]:
        """A container with `--rm` outlives an end inside: the stop that is half of a restart."""
        self._spared.add(id_)
        try:
            yield
        finally:
            self._spared.discard(id_)

    def _record_end(
        self, container: Container, status: ExitStatus, *, oom_kills: int, again: bool
    ) -> Container:
        asked = self._asked.get(container.id)
        with self._lives.database.transaction():
            ended = self._lives.advance(
                container,
                Event.EXIT_TO_RESTART if again else Event.EXIT,
                pid=0,
                endpoints={},
                exit_code=status.code,
                oom_killed=oom_kills > 0,
                finished_ns=status.finished_ns,
                restart_count=container.restart_count + again,
                ending=judge(container, status, oom_kills=oom_kills, asked=asked),
            )
            if oom_kills and not container.oom_killed:
                self._lives.emit(ended, "oom")
            duration = str(int(_lived_s(ended)))
            self._lives.emit(ended, "die", exitCode=str(status.code), execDuration=duration)
            self._joined.left(ended)
        self._asked.pop(container.id, None)
        return ended

    # Restarting

    def go_on_restarting(self, ref: str) -> None:
        """Plan the start that a policy owes, unless it is planned already."""
        container = self._lives.repository.get(ref)
        if container.status is Status.RESTARTING and container.id not in self._pending_restarts:
            self._schedule_restart(container)

    def _schedule_restart(self, container: Container) -> None:
        previous = self._delays.get(container.id, 0.0)
        delay = next_delay(previous, lived_s=_lived_s(container))
        self._delays[container.id] = delay
        task = self._tasks.create_task(
            self._restart_later(container.id, delay), name=f"restart-{container.short_id}"
        )
        self._pending_restarts[container.id] = task

    async def _restart_later(self, id_: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        async with self._lives.holding(id_):
            self._pending_restarts.pop(id_, None)
            container = self._lives.repository.get(id_)
            if container.status is not Status.RESTARTING or self.is_closing:
                return
            if not still_restarts(container.host_config.restart_policy, container):
                self._give_up_restart(container)
                return
            try:
                await self._start(container, restart_count=container.restart_count)
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

    async def settle(self, container: Container) -> Container:
        """Wait for what is under way, and give up a start that was still to come."""
        async with self._lives.holding(container.id):
            container = self._lives.repository.get(container.id)
            if container.status is not Status.RESTARTING:
                return container
            self._cancel_restart(container.id)
            return self._give_up_restart(container, stopped_by_user=True)

    def heed_policy(self, container: Container) -> None:
        """Give up a start that the container's policy, which was changed, does not want any more.
        With its lock held."""
        wanted = still_restarts(container.host_config.restart_policy, container)
        if container.status is Status.RESTARTING and not wanted:
            self._cancel_restart(container.id)
            self._give_up_restart(container)

    def _give_up_restart(self, container: Container, **fields: object) -> Container:
        stopped = self._lives.advance(container, Event.GIVE_UP_RESTART, **fields)
        self._lives.waits.exited(stopped)
        return stopped

    async def find_running(self, ref: str) -> Container | None:
        """The container once no start is under way; None when it only waited for its next one."""
        container = self._lives.repository.get(ref)
        if container.is_running:
            return container
        waited = container.status is Status.RESTARTING
        container = await self.settle(container)
        return container if container.is_running or not waited else None


def _lived_s(container: Container) -> float:
    return (container.finished_ns - container.started_ns) / 1e9
