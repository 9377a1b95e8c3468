"""Watching over containers: probes at their times, what they tell, and healing.

One timer per container and nothing that polls; at most `PARALLEL_PROBES` probes run at once, so a
thousand containers neither wake the event loop for nothing nor flood the machine. Health lives in
the container's record, so the next engine goes on where this one stops.

    started ──▶ timer ──▶ probe ──▶ record, event ──▶ timer …
                                         └──▶ unhealthy ──▶ healing, with pauses that grow

Decisions are in `health_rules` and `health_config`; probes in `probes`. Hears of starts and ends as
a `LifeObserver` and acts through the public methods of `ContainerService`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import assert_never

import msgspec

from budu.base.clock import now_ns
from budu.base.errors import BuduError
from budu.base.units import format_duration
from budu.engine.containers import health_rules as rules
from budu.engine.containers.endings import Asker
from budu.engine.containers.health_config import OnUnhealthy, ProbeSettings, read_settings
from budu.engine.containers.health_state import HealthState, ProbeRecord
from budu.engine.containers.model import Container, Status
from budu.engine.containers.probes import NO_EXIT_CODE, ProbeResult, ProbeRunner
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import Running
from budu.engine.database import Database

PARALLEL_PROBES = 16
"""How many probes run at once in the whole engine."""
CLOSE_S = 15
"""How long a healing that is under way may take when the engine ends."""

log = logging.getLogger(__name__)


class _Watch(msgspec.Struct, kw_only=True, eq=False):
    """One life of a container with a probe. Times come from the loop's clock."""

    id: str
    run_ns: int
    running: Running
    settings: ProbeSettings
    timer: asyncio.TimerHandle | None = None
    healing: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None


class HealthService:
    """The health of all containers of one engine. Implements `LifeObserver`."""

    def __init__(
        self,
        containers: ContainerService,
        prober: ProbeRunner,
        database: Database,
        *,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._containers = containers
        self._prober = prober
        self._database = database
        self._tasks = tasks
        self._watches: dict[str, _Watch] = {}
        self._healers: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(PARALLEL_PROBES)
        self._is_closed = False

    # What happens to containers

    def started(self, container: Container, running: Running) -> None:
        """Begin with a container that was started, or go on with one that was found running."""
        self._drop(container.id)
        settings = read_settings(container.config)
        if settings is None:
            _tell_of_unknown(container)
            if container.health is not None:
                self._containers.change(container.id, health=None)
            return
        state = container.health
        if state is None or state.run_ns != container.started_ns:
            state = rules.begin(container.started_ns, before=state)
            self._containers.change(container.id, health=state)
        watch = _Watch(id=container.id, run_ns=state.run_ns, running=running, settings=settings)
        if self._is_closed:
            return
        self._watches[container.id] = watch
        self._arm(watch, rules.resume_delay_ns(state, settings, now_ns=now_ns()))
        self._consider_healing(watch, state)

    def ended(self, container: Container) -> None:
        """Its probes end with it."""
        self._drop(container.id)
        if container.health is not None:
            self._containers.change(container.id, health=rules.end(container.health))

    def removed(self, container: Container) -> None:
        """Nothing is left to watch."""
        self._drop(container.id)

    async def close(self) -> None:
        """The engine ends: no probe is running when this returns. The records are kept."""
        self._is_closed = True
        probes = [watch.task for watch in self._watches.values() if watch.task is not None]
        for id_ in tuple(self._watches):
            self._drop(id_)
        await asyncio.gather(*probes, return_exceptions=True)
        if self._healers:
            await asyncio.wait(self._healers, timeout=CLOSE_S)  # half a restart is a stop
        for task in self._healers:
            task.cancel()

    def _drop(self, id_: str) -> None:
        watch = self._watches.pop(id_, None)
        if watch is None:
            return
        for each in (watch.timer, watch.healing, watch.task):
            if each is not None:
                each.cancel()

    # Probes

    def _arm(self, watch: _Watch, delay_ns: int) -> None:
        loop = asyncio.get_running_loop()
        watch.timer = loop.call_later(delay_ns / 1e9, self._due, watch)

    def _due(self, watch: _Watch) -> None:
        watch.task = self._tasks.create_task(self._check(watch), name=f"health-{watch.id[:12]}")

    async def _check(self, watch: _Watch) -> None:
        """One probe and the timer for the next. The edge of a task: nothing may end the engine."""
        try:
            async with self._slots:
                await self._probe(watch)
        except Exception:
            log.exception("a health probe failed container=%s", watch.id)
        watch.task = None
        if self._is_current(watch):
            state = self._state(watch)
            self._arm(watch, rules.next_delay_ns(state, watch.settings, now_ns=now_ns()))

    async def _probe(self, watch: _Watch) -> None:
        container = self._watched(watch)
        if container is None:
            return
        start_ns = now_ns()
        try:
            result = await self._prober.run(container, watch.running, watch.settings)
        except BuduError as error:
            log.warning("health probe not run container=%s error=%s", watch.id, error.message)
            result = ProbeResult(exit_code=NO_EXIT_CODE, output=error.message)
        probe = ProbeRecord(
            start_ns=start_ns, end_ns=now_ns(), exit_code=result.exit_code, output=result.output
        )
        if self._watched(watch) is not None:
            self._record(watch, probe)

    def _record(self, watch: _Watch, probe: ProbeRecord) -> None:
        before = self._state(watch)
        after = rules.after_probe(before, watch.settings, probe)
        with self._database.transaction():
            container = self._containers.change(watch.id, health=after)
            if after.status is not before.status:
                self._containers.emit(container, f"health_status: {after.status}")
        self._consider_healing(watch, after)

    def _is_current(self, watch: _Watch) -> bool:
        return self._watches.get(watch.id) is watch

    def _watched(self, watch: _Watch) -> Container | None:
        """The container if it can be probed: it still lives this life and is not paused."""
        if not self._is_current(watch):
            return None
        container = self._containers.get(watch.id)
        return container if container.status is Status.RUNNING else None

    def _state(self, watch: _Watch) -> HealthState:
        health = self._containers.get(watch.id).health
        return health if health is not None else HealthState(run_ns=watch.run_ns)

    # Healing

    def _consider_healing(self, watch: _Watch, state: HealthState) -> None:
        """Plan to heal what is unhealthy, once; drop the plan for what is not any more."""
        if not rules.needs_healing(state, watch.settings):
            if watch.healing is not None:
                watch.healing.cancel()
                watch.healing = None
            return
        if watch.healing is not None:
            return
        delay_ns = rules.healing_delay_ns(state, now_ns=now_ns())
        if delay_ns:
            log.info("healing waits container=%s for=%s", watch.id, format_duration(delay_ns))
        loop = asyncio.get_running_loop()
        watch.healing = loop.call_later(delay_ns / 1e9, self._healing_due, watch)

    def _healing_due(self, watch: _Watch) -> None:
        watch.healing = None
        container = self._watched(watch)
        if container is None or container.stopped_by_user:
            return
        state = rules.healed(self._state(watch), now_ns=now_ns())
        action = watch.settings.on_unhealthy
        with self._database.transaction():
            container = self._containers.change(watch.id, health=state)
            self._containers.emit(
                container,
                f"heal: {action}",
                attempt=str(state.heals),
                nextDelay=format_duration(rules.pause_ns(state.heals)),
            )
        log.warning("healing container=%s action=%s attempt=%d", watch.id, action, state.heals)
        task = self._tasks.create_task(self._heal(watch.id, action), name=f"heal-{watch.id[:12]}")
        self._healers.add(task)
        task.add_done_callback(self._healers.discard)

    async def _heal(self, id_: str, action: OnUnhealthy) -> None:
        """Do it. The edge of a task: nothing may end the engine."""
        try:
            await self._act(id_, action)
        except BuduError as error:
            log.warning("healing failed container=%s error=%s", id_, error.message)
        except Exception:
            log.exception("healing failed container=%s", id_)

    async def _act(self, id_: str, action: OnUnhealthy) -> None:
        containers, by = self._containers, Asker.HEALTH
        match action:
            case OnUnhealthy.RESTART:
                await containers.restart(id_, timeout_s=None, signal=None, by=by)
            case OnUnhealthy.STOP:
                await containers.stop(id_, timeout_s=None, signal=None, by=by)
            case OnUnhealthy.KILL:
                await containers.kill(id_, signal=None, by=by)
            case OnUnhealthy.NONE:
                return
            case _:
                assert_never(action)


def _tell_of_unknown(container: Container) -> None:
    """As Docker: a probe of a kind that nobody knows is none, and the log says so."""
    health = container.config.healthcheck
    if health is not None and health.test and health.test[0] != "NONE":
        log.warning("unknown healthcheck container=%s test=%s", container.id, health.test)
