"""What may be done with execs.

    create ─▶ waiting ─▶ start ─▶ running ─▶ ended ─▶ forgotten: with its container, or in time
                           └─ it cannot be run: ended with 126, 127 or 128

They live in memory: an engine's end leaves the process to its shim, but nobody can connect to it
any more, as with Docker. All of a container's execs end with it.
Source: Engine API 1.51, "Exec"; moby 28.3, daemon/exec.go (order of checks, sentences).
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from budu.base.errors import BuduError, Conflict, Hint, Internal, InvalidArgument, NotFound
from budu.base.ids import new_id
from budu.engine.containers.beside import CWD_NOT_ABSOLUTE, EXEC_FAILED, start_beside
from budu.engine.containers.detach import parse_detach_keys
from budu.engine.containers.model import Container, Status
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import ContainerStarter, ProcessWish, Running, added_words
from budu.engine.execs.streams import ExecStreams
from budu.logs.frames import STDERR, STDOUT
from budu.runtime.failure import EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND
from budu.runtime.launch import StepFailed
from budu.runtime.plan import Plan
from budu.shim.client import ExitStatus, ShimHandle
from budu.shim.execs import ExecKeepers, ExecOrder
from budu.spec.api.exec import ExecCreateBody, ExecInspection, ExecStartBody, ProcessConfig

_Size = tuple[int, int] | None
KEEP_S = 300.0
"""How long an ended exec can be inspected. Source: moby, daemon/exec.go, execCommandGC"""
OPEN_S = 10.0
"""How long a change of the terminal's size waits for the process to begin."""
_PROGRAM_FAILED = (EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND)


class _Exec:
    """One exec of this engine's life."""

    def __init__(self, id_: str, container_id: str, body: ExecCreateBody) -> None:
        self.id = id_
        self.container_id = container_id
        self.body = body
        self.is_started = False
        self.opened: asyncio.Future[ShimHandle] = asyncio.get_running_loop().create_future()
        self.pid = 0
        self.exit_code: int | None = None
        self.ended_s = 0.0
        self.planned: _Planned | None = None

    @property
    def is_running(self) -> bool:
        return self.is_started and self.exit_code is None

    @property
    def command(self) -> str:
        """The program as events have it."""
        first, *rest = self.body.cmd or [""]
        return f"{first} {' '.join(rest)}"


class _Planned(NamedTuple):
    """A plan, and what it was made from."""

    container: Container
    running: Running
    size: _Size
    plan: Plan

    def fits(self, container: Container, running: Running, size: _Size) -> bool:
        """Whether it would be the same now."""
        return self.container is container and self.running is running and self.size == size


class ExecService:
    """See `engine.contract.execs.Execs`; a `LifeObserver`."""

    def __init__(
        self,
        containers: ContainerService,
        starter: ContainerStarter,
        keepers: ExecKeepers,
        *,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._containers = containers
        self._starter = starter
        self._keepers = keepers
        self._tasks = tasks
        self._execs: OrderedDict[str, _Exec] = OrderedDict()
        self._watchers: set[asyncio.Task[None]] = set()
        self._abandoned: set[asyncio.Future[ExecStreams]] = set()

    def create(self, ref: str, body: ExecCreateBody) -> str:
        """See `Execs.create`."""
        container = self._ready(ref)
        if not body.cmd or not body.cmd[0]:
            raise InvalidArgument("No exec command specified")
        parse_detach_keys(body.detach_keys or None, called="escape keys")
        self._forget_old()
        made = _Exec(new_id(), container.id, body)
        self._execs[made.id] = made
        self._containers.emit(container, f"exec_create: {made.command}", execID=made.id)
        asyncio.get_running_loop().call_soon(self._plan_ahead, made)
        return made.id

    def _plan_ahead(self, made: _Exec) -> None:
        """Make the plan while the client reads that the exec was made."""
        with suppress(BuduError):  # its start says so
            container, running = self._containers.running(made.container_id)
            made.planned = self._plan(made.body, container, running, made.body.console_size)

    def check_start(self, id_: str) -> None:
        """See `Execs.check_start`."""
        found = self._find(id_)
        if found.exit_code is not None:
            raise Conflict(f"error: exec command {id_} has already run")
        if found.is_started:
            raise Conflict(f"error: exec command {id_} is already running")
        self._ready(found.container_id)

    async def start(self, id_: str, options: ExecStartBody) -> ExecStreams:
        """See `Execs.start`."""
        self.check_start(id_)
        found = self._find(id_)
        found.is_started = True
        beginning = asyncio.ensure_future(self._begin(found, options))
        try:
            return await asyncio.shield(beginning)
        finally:
            if not beginning.done():  # the client left meanwhile; the process begins all the same
                self._abandoned.add(beginning)
                beginning.add_done_callback(self._let_go)

    def _let_go(self, beginning: asyncio.Future[ExecStreams]) -> None:
        self._abandoned.discard(beginning)
        if not beginning.cancelled() and beginning.exception() is None:
            self._run(beginning.result().aclose(), "exec-left")

    async def _begin(self, found: _Exec, options: ExecStartBody) -> ExecStreams:
        container, running = self._containers.running(found.container_id)
        self._containers.emit(container, f"exec_start: {found.command}", execID=found.id)
        try:
            handle = await self._launch(found, container, running, options)
        except StepFailed as failure:
            self._ended(found, _exit_code(failure))
            raise _failure(failure, container) from failure
        except BuduError:
            self._ended(found, EXIT_NOT_EXECUTABLE)
            raise
        found.pid = handle.pid
        found.opened.set_result(handle)
        streams = self._streams(found, handle, options)
        self._run(self._watch(found, handle, streams), f"exec-{found.id[:12]}")
        return streams

    def inspect(self, id_: str) -> ExecInspection:
        """See `Execs.inspect`."""
        found = self._find(id_)
        body = found.body
        first, *rest = body.cmd or [""]
        return ExecInspection(
            id=found.id,
            running=found.is_running,
            exit_code=found.exit_code,
            process_config=ProcessConfig(
                tty=body.tty,
                entrypoint=first,
                arguments=rest,
                privileged=body.privileged,
                user=body.user,
            ),
            open_stdin=body.attach_stdin,
            open_stderr=body.attach_stderr,
            open_stdout=body.attach_stdout,
            can_remove=found.exit_code is not None,
            container_id=found.container_id,
            detach_keys=parse_detach_keys(body.detach_keys).keys if body.detach_keys else b"",
            pid=found.pid,
        )

    async def resize(self, id_: str, *, height: int, width: int) -> None:
        """See `Execs.resize`."""
        found = self._find(id_)
        if not found.is_running:
            raise Conflict(f"exec process {id_} is not running")
        await asyncio.wait([found.opened], timeout=OPEN_S)
        if not found.opened.done() or found.exit_code is not None:
            raise Conflict(f"exec process {id_} is not running")
        found.opened.result().resize(height, width)

    def ids_of(self, container_id: str) -> list[str]:
        """See `Execs.ids_of`."""
        return [
            each.id
            for each in self._execs.values()
            if each.container_id == container_id and each.is_running
        ]

    # A container's life

    def started(self, container: Container, running: Running) -> None:
        """Nothing: an exec begins when it is asked for."""

    def ended(self, container: Container) -> None:
        """Its execs are over; those that ran are told by their shims."""

    def removed(self, container: Container) -> None:
        """Forget its execs."""
        for each in tuple(self._execs.values()):
            if each.container_id == container.id:
                del self._execs[each.id]

    def close(self) -> None:
        """The engine ends: the processes go on without anybody connected."""
        for task in tuple(self._watchers):
            task.cancel()
        self._keepers.close()

    # Within

    def _ready(self, ref: str) -> Container:
        """A container in which a process can be started now. Raises: NotFound, Conflict."""
        container = self._containers.get(ref)
        if container.status is Status.PAUSED:
            raise Conflict(
                f"Container {ref} is paused, unpause the container before exec",
                reference=container.id,
            )
        if container.status is Status.RESTARTING:
            raise Conflict(
                f"Container {container.id} is restarting, wait until the container is running",
                reference=container.id,
            )
        if not container.is_running:
            raise Conflict(f"container {container.id} is not running", reference=container.id)
        return container

    def _find(self, id_: str) -> _Exec:
        found = self._execs.get(id_)
        if found is None:
            raise NotFound(f"No such exec instance: {id_}", reference=id_)
        return found

    def _forget_old(self) -> None:
        limit = time.monotonic() - KEEP_S
        for each in tuple(self._execs.values()):
            if each.exit_code is not None and each.ended_s < limit:
                del self._execs[each.id]

    async def _launch(
        self,
        found: _Exec,
        container: Container,
        running: Running,
        options: ExecStartBody,
    ) -> ShimHandle:
        body = found.body
        size = options.console_size or body.console_size
        planned, found.planned = found.planned, None
        if planned is None or not planned.fits(container, running, size):
            planned = self._plan(body, container, running, size)
        order = ExecOrder(
            id=container.id,
            stdin=body.attach_stdin and not options.detach,
            tty=body.tty,
            plan=planned.plan,
        )
        return await start_beside(running, partial(self._keepers.start, order))

    def _plan(
        self, body: ExecCreateBody, container: Container, running: Running, size: _Size
    ) -> _Planned:
        if body.working_dir and not body.working_dir.startswith("/"):
            raise Internal(CWD_NOT_ABSOLUTE)
        wish = ProcessWish(
            argv=tuple(body.cmd or ()),
            env=tuple(body.env or ()),
            user=body.user,
            cwd=body.working_dir,
            tty=body.tty,
            privileged=body.privileged,
            size=size,
        )
        plan = self._starter.process_plan(container, wish, running.cgroup)
        return _Planned(container, running, size, plan)

    def _streams(self, found: _Exec, handle: ShimHandle, options: ExecStartBody) -> ExecStreams:
        body = found.body
        streams = {STDOUT} if body.attach_stdout else set()
        streams |= {STDERR} if body.attach_stderr else set()
        return ExecStreams(
            handle,
            keys=parse_detach_keys(body.detach_keys or None),
            wanted=frozenset() if options.detach else frozenset(streams),
            takes_input=body.attach_stdin and not options.detach,
            framed=not options.tty,
            discard=lambda each: self._run(each.drain(), f"exec-rest-{found.id[:12]}"),
            on_detach=lambda: self._detached(found),
        )

    async def _watch(self, found: _Exec, handle: ShimHandle, streams: ExecStreams) -> None:
        try:
            status: ExitStatus = await handle.wait()
            self._ended(found, status.code)
        finally:
            handle.close()
            if not streams.ended.done():
                streams.ended.set_result(None)

    def _detached(self, found: _Exec) -> None:
        container = self._containers.get(found.container_id)
        self._containers.emit(container, "exec_detach", execID=found.id)

    def _ended(self, found: _Exec, code: int) -> None:
        found.exit_code = code
        found.ended_s = time.monotonic()
        if not found.opened.done():
            found.opened.cancel()
        try:
            container = self._containers.get(found.container_id)
        except NotFound:
            return
        self._containers.emit(container, "exec_die", execID=found.id, exitCode=str(code))

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._tasks.create_task(work, name=name)
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)


def _exit_code(failure: StepFailed) -> int:
    """Docker's exit code of an exec that did not begin.

    Source: moby 28.5, daemon/exec.go (ContainerExecStart), daemon/errors.go (setExitCodeFromError).
    """
    if _is_of_user(failure):
        return EXIT_NOT_EXECUTABLE
    return EXIT_NOT_FOUND if failure.errno == errno.ENOENT else failure.exit_code


def _is_of_user(failure: StepFailed) -> bool:
    return failure.step.startswith("find-user")


def _failure(failure: StepFailed, container: Container) -> BuduError:
    text = EXEC_FAILED.format(detail=failure.detail) + added_words(failure)
    if _is_of_user(failure):
        return InvalidArgument(failure.detail)
    if failure.exit_code in _PROGRAM_FAILED:
        return InvalidArgument(text, hint=Hint("engine.exec-not-found", image=container.image_name))
    return Internal(text)
