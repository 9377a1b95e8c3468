"""The process that starts an engine's execs, one after the other, and takes their exit statuses.

    engine ──order, descriptors──▶ keeper ──clone3──▶ exec 1, exec 2, …   (its children)
           ◀──started, pidfd and streams──┘
           ◀──exit───────────────────────┘

A shim stays for one container and is cold when its order comes: every page that it writes is copied
first. Execs are short and many, so one process does all of them and has its memory warm. It keeps
nothing of their streams. When its engine is gone it stays until its last child has ended.
Light: it is an idle shim that was told to be this. Neighbours: `shim.execs` (the engine's side).
"""

from __future__ import annotations

import _socket
import gc
import os
import select
import time

from budu.linux.process import wait_pidfd
from budu.logs.frames import STDOUT
from budu.runtime.exec import launch_exec
from budu.runtime.failure import StepFailed, as_failure
from budu.shim import protocol
from budu.shim.process import start_ticks
from budu.shim.stdio import open_stdio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.runtime.launch import Launched
    from budu.shim.protocol import Message
    from budu.shim.stdio import Stdio


class Keeper:
    """Serves one engine until it is gone and every exec has ended."""

    def __init__(self, engine: _socket.socket) -> None:
        self._engine: _socket.socket | None = engine
        self._engine_fd = engine.fileno()
        self._running: dict[int, int] = {}
        self._poll = select.epoll()
        self._poll.register(self._engine_fd, select.EPOLLIN)

    def run(self) -> None:
        """Its whole life."""
        gc.enable()  # a shim does without, but this one may live for months
        while self._engine is not None or self._running:
            for fd, _ in self._poll.poll():
                if fd in self._running:
                    self._ended(fd)
                else:
                    self._receive()

    def _receive(self) -> None:
        assert self._engine is not None
        try:
            received = protocol.receive(self._engine)
        except (protocol.ProtocolError, OSError):
            received = None
        if received is None:
            self._leave_engine()
            return
        order, fds = received
        named = dict(zip(order["fds"], fds, strict=True))
        try:
            self._start(order, named)
        except Exception as error:  # the process's edge: the engine hears of a bug as of a failure
            failure = as_failure("start the exec", error).as_tuple()
            self._tell({"op": "failed", "key": order["key"], "failure": failure}, [])
        finally:
            for fd in fds:
                os.close(fd)

    def _start(self, order: Message, fds: dict[str, int]) -> None:
        plan = protocol.unpack_plan(order["plan"])
        stdio = open_stdio(tty=order["tty"], stdin=order["stdin"])
        try:
            launched = launch_exec(plan, fds.pop("target"), stdio.theirs, fds)
        except StepFailed:
            stdio.close()
            raise
        stdio.started(launched.console)
        self._greet(order, stdio, launched)
        stdio.close()
        self._running[launched.pidfd] = order["key"]
        self._poll.register(launched.pidfd, select.EPOLLIN)

    def _greet(self, order: Message, stdio: Stdio, launched: Launched) -> None:
        """Give the streams away: from now on they are the engine's alone."""
        outputs = {
            "stdout" if stream == STDOUT else "stderr": fd
            for fd, stream in stdio.outputs.items()
            if fd != stdio.input
        }
        facts = {
            "op": "started",
            "key": order["key"],
            "id": order["id"],
            "pid": launched.pid,
            "shim_pid": os.getpid(),
            "start_ticks": start_ticks(launched.pid),
            "tty": order["tty"],
            "exit": "",
            "warnings": launched.warnings,
            "kept": tuple(outputs),
        }
        given = [launched.pidfd] if stdio.input < 0 else [launched.pidfd, stdio.input]
        self._tell(facts, [*given, *outputs.values()])

    def _ended(self, pidfd: int) -> None:
        status = wait_pidfd(pidfd, block=False)
        if status is None:
            return
        code, signal = status
        key = self._running.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        exit_ = {"code": code, "signal": signal, "finished_ns": time.time_ns()}
        self._tell({"op": "exit", "key": key, **exit_}, [])

    def _tell(self, message: Message, fds: list[int]) -> None:
        """Waits while the engine does not read: it never waits for this process."""
        if self._engine is None:
            return
        try:
            protocol.send(self._engine, message, fds)
        except OSError:
            self._leave_engine()

    def _leave_engine(self) -> None:
        if self._engine is not None:
            self._poll.unregister(self._engine_fd)
            self._engine.close()
            self._engine = None
            self._engine_fd = -1
