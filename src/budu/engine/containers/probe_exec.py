"""Probes that are programs of the image, run beside the container's own.

Each runs as an exec: an idle shim starts it with the rights of the container's program and writes
its output to a small log below `exec_root`, which is read and taken away at the end. A probe that
takes too long is killed with its whole session, so that nothing of it stays; so is one that an
engine left behind which was killed itself.
Source: moby 28.3 daemon/health.go (cmdProbe.run); man 2 setsid.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from budu.base.errors import BuduError, InvalidArgument, Unavailable
from budu.base.ids import new_id
from budu.engine.containers.beside import EXEC_FAILED, start_beside
from budu.engine.containers.health_config import ProbeSettings
from budu.engine.containers.model import Container
from budu.engine.containers.probes import (
    MAX_OUTPUT,
    NO_EXIT_CODE,
    ProbeResult,
    shortened,
    timed_out,
)
from budu.engine.containers.start import ProcessWish, Running
from budu.engine.paths import EnginePaths
from budu.logs.files import open_all
from budu.logs.frames import decode
from budu.runtime.cgroups.contract import Cgroup
from budu.runtime.launch import StepFailed
from budu.runtime.plan import Plan
from budu.shim.client import ShimHandle, connect_shim
from budu.shim.pool import ShimPool, StartOrder

START_S = 30.0
"""How long the start of a probe may take; it does not count towards the probe's own time."""
KILL_WAIT_S = 5.0
"""How long the end of a killed probe is waited for."""
_LOG_SIZE = 64 << 10
_FOLDER = "probes"
_KILLED = 128 + signal.SIGKILL


class ProbePlans(Protocol):
    """Who knows how a process of a container is made: `ContainerStarter`."""

    def process_plan(self, container: Container, wish: ProcessWish, cgroup: Cgroup) -> Plan:
        """The plan of one more process in a running container."""


class ProgramProbes:
    """Probes by running a program. Implements `probes.ProbeRunner`."""

    def __init__(
        self,
        paths: EnginePaths,
        shims: ShimPool,
        plans: ProbePlans,
        *,
        emit: Callable[..., None],
    ) -> None:
        self._paths = paths
        self._shims = shims
        self._plans = plans
        self._emit = emit

    async def run(
        self, container: Container, running: Running, settings: ProbeSettings
    ) -> ProbeResult:
        """Run the program and wait for it. Raises: InvalidArgument, Unavailable."""
        if not settings.argv:
            raise InvalidArgument(f"healthcheck for container {container.id} has no command")
        folder = await self._make_folder(container)
        exec_id = new_id()
        command = f"{settings.argv[0]} {' '.join(settings.argv[1:])}"
        self._emit(container, f"exec_create: {command}", execID=exec_id)
        self._emit(container, f"exec_start: {command}", execID=exec_id)
        code = _KILLED
        try:
            result, code = await self._run(container, running, settings, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._emit(container, "exec_die", execID=exec_id, exitCode=str(code))
        return result

    async def _run(
        self, container: Container, running: Running, settings: ProbeSettings, folder: Path
    ) -> tuple[ProbeResult, int]:
        """What the probe says, and the exit code of its program."""
        wish = ProcessWish(argv=settings.argv)
        plan = self._plans.process_plan(container, wish, running.cgroup)
        try:
            handle = await self._start(_order(container, folder, plan), running)
        except StepFailed as failure:
            text = EXEC_FAILED.format(detail=failure.detail)
            return ProbeResult(exit_code=NO_EXIT_CODE, output=text), failure.exit_code
        try:
            async with asyncio.timeout(settings.timeout_ns / 1e9):
                status = await handle.wait()
            return ProbeResult(exit_code=status.code, output=read_output(folder)), status.code
        except TimeoutError:
            await _kill(handle)
            return timed_out(settings, read_output(folder)), _KILLED
        finally:
            _kill_session(handle)
            handle.close()

    async def _start(self, order: StartOrder, running: Running) -> ShimHandle:
        """The started probe. Starting cannot be broken off: one that nobody wants is killed."""
        starting = asyncio.ensure_future(self._start_beside(running, order))
        try:
            async with asyncio.timeout(START_S):
                return await asyncio.shield(starting)
        except TimeoutError:
            raise Unavailable(
                f"timed out starting health check for container {running.shim.id}"
            ) from None
        finally:
            if not starting.done():
                starting.add_done_callback(_abandon)

    async def _start_beside(self, running: Running, order: StartOrder) -> ShimHandle:
        idle = await self._shims.take()
        try:
            return await start_beside(running, partial(idle.start, order))
        finally:
            idle.discard()

    async def _make_folder(self, container: Container) -> Path:
        """A folder for one probe. There is never more than one: others are from a dead engine."""
        folder = self._paths.container(container.id).exec_root / _FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in tuple(folder.iterdir()):
            await _end_left(left)
        own = folder / new_id()[:12]
        own.mkdir(mode=0o700)
        return own


def _order(container: Container, folder: Path, plan: Plan) -> StartOrder:
    return StartOrder(
        id=container.id,
        socket=str(folder / "shim.sock"),
        exit=str(folder / "exit"),
        log={"path": str(folder / "container.log"), "max_size": _LOG_SIZE, "max_files": 2},
        plan=plan,
    )


def read_output(folder: Path) -> str:
    """The beginning of what a probe wrote, to stdout and stderr alike."""
    output = b""
    for file in open_all(str(folder)):
        try:
            if len(output) <= MAX_OUTPUT:
                frames, _, _ = decode(os.pread(file.fd, 2 * _LOG_SIZE, 0))
                output += b"".join(payload for _, _, _, payload in frames)
        finally:
            file.close()
    return shortened(output)


async def _kill(handle: ShimHandle) -> None:
    """End a probe for good; what the freezer holds is left to its shim."""
    _kill_session(handle)
    with suppress(TimeoutError):
        async with asyncio.timeout(KILL_WAIT_S):
            await handle.wait()


def _kill_session(handle: ShimHandle) -> None:
    """The probe is a session of its own, so its children are in its process group."""
    if handle.status is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(handle.pid, signal.SIGKILL)
    handle.signal(signal.SIGKILL)


def _abandon(starting: asyncio.Future[ShimHandle]) -> None:
    """A probe came into being after its time."""
    if not starting.cancelled() and starting.exception() is None:
        _kill_session(starting.result())
        starting.result().close()


async def _end_left(folder: Path) -> None:
    """Kill a probe that an earlier engine started, and forget it."""
    with suppress(BuduError):
        handle = await connect_shim(str(folder / "shim.sock"))
        await _kill(handle)
        handle.close()
    shutil.rmtree(folder, ignore_errors=True)
