"""Ends containers: stop, kill, restart; and freezes them.

A stop asks with the stop signal, waits, and kills. Where process 1 has no handler for that signal
the kernel drops it, so waiting is in vain: then the kill comes at once, unless the caller or the
container names a time of its own, and the first caller is told.
"""

from __future__ import annotations

import asyncio
import signal as signals
from contextlib import suppress

from budu.base import faults
from budu.base.clock import now_ns
from budu.base.errors import BuduError, Conflict, Hint, NotModified
from budu.engine.containers.endings import Asked, Asker, Force, signal_name
from budu.engine.containers.lifecycle import Event, next_status
from budu.engine.containers.lives import Lives
from budu.engine.containers.model import Container, Status
from budu.engine.containers.signals import parse_signal, parse_signal_to_send
from budu.engine.containers.supervisor import Supervisor
from budu.engine.contract import WaitResult
from budu.linux.signals import is_deaf_to
from budu.runtime.cgroups.actions import freeze

DEFAULT_STOP_TIMEOUT_S = 10
_SETTLING_NS = 1_000_000_000
_LOOK_AGAIN_S = 0.02
KILL_WAIT_S = 10
"""How long the end after a SIGKILL may take."""


class Stopper:
    """Every way to end or freeze what runs."""

    def __init__(self, lives: Lives, supervisor: Supervisor) -> None:
        self._lives = lives
        self._supervisor = supervisor

    async def stop(
        self, ref: str, *, timeout_s: int | None, signal: str | None, by: str = Asker.STOP
    ) -> Hint | None:
        """Ask, wait, kill. What is worth telling about it. Raises: NotModified, Conflict."""
        container = await self._supervisor.find_running(ref)
        if container is None:
            return None
        if not container.is_running:
            raise NotModified(f"container {container.id} is already stopped")
        notice = await self._stop(container, timeout_s=timeout_s, signal=signal, by=by)
        faults.at("stop.ended")
        if container.id in self._lives.repository:
            self._lives.emit(self._lives.repository.get(container.id), "stop")
        return notice

    async def _stop(
        self, container: Container, *, timeout_s: int | None, signal: str | None, by: str
    ) -> Hint | None:
        number = parse_signal(signal or container.config.stop_signal or "SIGTERM")
        wanted_s = timeout_s if timeout_s is not None else container.config.stop_timeout
        timeout = DEFAULT_STOP_TIMEOUT_S if wanted_s is None else wanted_s
        ended = asyncio.ensure_future(self._lives.waits.arm(container, "not-running"))
        is_deaf = wanted_s is None and await _stays_deaf(container, number)
        self._lives.change(container.id, stopped_by_user=True)
        faults.at("stop.wish-stored")
        self._ask(container, number, by=by)
        faults.at("stop.signal-sent")
        if is_deaf:
            await self._force(container, ended, Force.NO_HANDLER, by=by)
        elif not await _done_within(ended, None if timeout < 0 else timeout):
            await self._force(container, ended, Force.TIMEOUT, by=by)
        async with self._lives.holding(container.id):
            return self._tell_once(container, number) if is_deaf else None

    async def _force(
        self, container: Container, ended: asyncio.Future[WaitResult], force: Force, *, by: str
    ) -> None:
        self._ask(container, signals.SIGKILL, by=by, force=force)
        faults.at("stop.killed")
        if not await _done_within(ended, KILL_WAIT_S):
            raise Conflict(
                f"cannot stop container: {container.id}: tried to kill container, but did not "
                "receive an exit event"
            )

    def _tell_once(self, container: Container, number: int) -> Hint | None:
        if container.told_deaf:
            return None
        if container.id in self._lives.repository:
            self._lives.change(container.id, told_deaf=True)
        return Hint("engine.deaf", name=container.name, signal=signal_name(number))

    def _ask(self, container: Container, number: int, *, by: str, force: str = "") -> None:
        """Send a signal that is meant to end the container, and remember who wanted it."""
        asked = Asked(by=by, signal=int(number), force=force)
        self._supervisor.expect_end(container.id, asked)
        self._signal(container, number)

    def _signal(self, container: Container, number: int) -> None:
        running = self._lives.find_running(container.id)
        if running is None:
            return
        running.shim.signal(number)
        if container.status is Status.PAUSED and _means_stop(container, number):
            running.cgroup.thaw()
        self._lives.emit(container, "kill", signal=str(int(number)))

    async def kill(self, ref: str, *, signal: str | None, by: str = Asker.KILL) -> None:
        """Send a signal. Raises: NotFound, Conflict when it does not run, InvalidArgument.

        A kill by the health service is like a crash: the restart policy decides what follows.
        """
        try:
            await self._kill(ref, signal=signal, by=by)
        except BuduError as error:
            raise error.after(f"cannot kill container: {ref}: ") from error

    async def _kill(self, ref: str, *, signal: str | None, by: str) -> None:
        number = parse_signal_to_send(signal or "SIGKILL")
        container = await self._supervisor.find_running(ref)
        if container is None:
            return
        if not container.is_running:
            raise Conflict(f"container {container.id} is not running")
        if _means_stop(container, number) and by != Asker.HEALTH:
            self._lives.change(container.id, stopped_by_user=True)
        ended = self._lives.waits.arm(container, "not-running")
        self._ask(container, number, by=by)
        if number == signals.SIGKILL:
            await _done_within(ended, KILL_WAIT_S)

    async def kill_to_remove(self, container: Container) -> None:
        """End a container that is about to be removed."""
        ended = self._lives.waits.arm(container, "not-running")
        self._lives.change(container.id, stopped_by_user=True)
        self._ask(container, signals.SIGKILL, by=Asker.REMOVE)
        faults.at("remove.killed")
        await _done_within(ended, KILL_WAIT_S)

    async def restart(
        self, ref: str, *, timeout_s: int | None, signal: str | None, by: str = Asker.RESTART
    ) -> Hint | None:
        """Stop it when it runs, then start it. What is worth telling about the stop."""
        container = self._lives.repository.get(ref)
        if container.status is Status.RESTARTING:
            container = await self._supervisor.settle(container)
        notice = None
        if container.is_running:
            with self._supervisor.sparing(container.id):
                notice = await self._stop(container, timeout_s=timeout_s, signal=signal, by=by)
            self._lives.emit(self._lives.repository.get(container.id), "stop")
        faults.at("restart.stopped")
        with suppress(NotModified):  # somebody else was faster
            await self._supervisor.start(container.id)
        self._lives.emit(self._lives.repository.get(container.id), "restart")
        return notice

    async def freeze(self, ref: str, event: Event) -> None:
        """Pause or unpause all processes of a container. Raises: Conflict."""
        container = self._lives.repository.get(ref)
        async with self._lives.holding(container.id):
            container = self._lives.repository.get(container.id)
            next_status(container, event)
            _, running = self._lives.running(container.id)
            if event is Event.PAUSE:
                await freeze(running.cgroup)
                faults.at("pause.frozen")
            else:
                running.cgroup.thaw()
                faults.at("unpause.thawed")
            with self._lives.database.transaction():
                self._lives.emit(self._lives.advance(container, event), str(event))


def _means_stop(container: Container, number: int) -> bool:
    """Whether a signal is one that ends the container for good."""
    return number in (signals.SIGKILL, parse_signal(container.config.stop_signal or "SIGTERM"))


async def _stays_deaf(container: Container, number: int) -> bool:
    """Whether process 1 cannot hear the signal; a program that has just begun gets a moment to
    install its handlers."""
    while is_deaf_to(container.pid, number):
        if now_ns() - container.started_ns > _SETTLING_NS:
            return True
        await asyncio.sleep(_LOOK_AGAIN_S)
    return False


async def _done_within(future: asyncio.Future[WaitResult], timeout_s: float | None) -> bool:
    done, _ = await asyncio.wait([future], timeout=timeout_s)
    return bool(done)
