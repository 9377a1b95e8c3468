"""Idle shims, kept ready by a zygote: a container's start waits for no fork.

The engine never forks: `spawn_zygote()` runs posix_spawn before the event loop begins, and again
when the zygote is gone. A shim that was taken is replaced after its container has started.
Neighbours: `shim.zygote`, `shim.client`.
"""

from __future__ import annotations

import _socket
import asyncio
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs

from budu.base import faults
from budu.base.errors import Hint, Unavailable
from budu.runtime.launch import StepFailed
from budu.shim import protocol
from budu.shim.client import ShimHandle, make_handle
from budu.shim.link import Link
from budu.shim.zygote import zygote_command

TAKE_S = 10.0
"""How long `take` waits for a shim."""
_REFILL_AFTER_S = 0.005
_RESPAWN_PAUSE_S = 1.0
_ZYGOTE_FD = 3


class StartOrder(Struct, frozen=True, kw_only=True):
    """What a shim needs to know to start a container and keep it."""

    id: str
    """The container's id."""
    socket: str
    """Path at which later engines reach the shim; its folder exists and is private."""
    exit: str
    """Path of the exit file; an old one is removed."""
    log: dict[str, object] | None
    """`path`, `max_size`, `max_files` (`logs.driver.LogSettings.shim_order`); None keeps nothing,
    and nothing can be attached to then."""
    stdin: bool = False
    """Keep an input open; otherwise the container reads from /dev/null."""
    stdin_once: bool = False
    """End the input when no engine is connected any more."""
    tty: bool = False
    """The plan makes a terminal."""
    window: int | None = None
    """Bytes of output to take before `ShimHandle.allow_output` allows more; None is no limit."""
    plan: dict[str, Any]
    """`runtime.plan.Plan`."""
    keep: tuple[str, ...] = ()
    """Names of descriptors that are not for the container: the shim holds them for later engines
    (`ShimHandle.take_kept`)."""


class IdleShim:
    """A shim that waits for its order. Either `start` or `discard` it."""

    def __init__(self, sock: _socket.socket, pid: int, *, on_used: Callable[[], None]) -> None:
        self.pid = pid
        """The shim's process id."""
        self._sock: _socket.socket | None = sock
        self._on_used = on_used

    def is_alive(self) -> bool:
        """Whether the process still waits."""
        if self._sock is None:
            return False
        try:
            return bool(self._sock.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def start(self, order: StartOrder, fds: dict[str, int]) -> ShimHandle:
        """Start the container; the descriptors stay the caller's.

        With a descriptor `target`, the pidfd of a container's init, the process runs beside it.
        Has no deadline of its own: mounting may take its time, and the end of the shim ends it.
        When cancelled, the shim is killed; kill the container's cgroup then.
        Raises: StepFailed when the container cannot start; nothing of it is left then.
            Unavailable when the shim died.
        """
        assert self._sock is not None, "an idle shim starts one container"
        started: asyncio.Future[ShimHandle] = asyncio.get_running_loop().create_future()

        def receive(message: dict[str, Any], received: list[int]) -> None:
            if message["op"] == "failed":
                link.close()
                failure = StepFailed.from_tuple(message["failure"])
                if not started.done():
                    started.set_exception(failure)
                return
            handle = make_handle(link, message, received)
            if started.done():
                handle.close()
            else:
                started.set_result(handle)

        def end() -> None:
            if not started.done():
                started.set_exception(_died(self.pid))

        link = Link(self._sock, on_message=receive, on_end=end)
        self._sock = None
        fields = structs.asdict(order) | {"plan": protocol.pack_plan(order.plan)}
        message = {"op": "start", **fields, "fds": tuple(fds)}
        try:
            if not link.send(message, list(fds.values())):
                raise _died(self.pid)
            faults.at("start.shim-told")
            return await started
        except asyncio.CancelledError:
            _kill(self.pid)
            link.close()
            raise
        except Unavailable:
            link.close()
            raise
        finally:
            self._on_used()

    def keep_execs(self) -> _socket.socket:
        """Make it a keeper of execs (`shim.keeper`) and give its control socket away.

        Raises: Unavailable when it died.
        """
        assert self._sock is not None, "an idle shim becomes one thing"
        sock, self._sock = self._sock, None
        self._on_used()
        try:
            protocol.send(sock, {"op": "keep-execs"})
        except OSError:
            sock.close()
            raise _died(self.pid) from None
        return sock

    def discard(self) -> None:
        """Let the process end. A second call does nothing."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


class ShimPool:
    """A zygote and `size` idle shims."""

    def __init__(self, size: int = 2) -> None:
        self._size = size
        self._zygote_pid = 0
        self._zygote_sock: _socket.socket | None = None
        self._spawned_at = 0.0
        self._open_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._link: Link | None = None
        self._requested = 0
        self._idle: deque[IdleShim] = deque()
        self._waiters: deque[asyncio.Future[IdleShim]] = deque()
        self._timers: set[asyncio.TimerHandle] = set()
        self._is_closed = False

    @property
    def zygote_pid(self) -> int:
        """The zygote's process id; 0 before and after its life."""
        return self._zygote_pid

    def spawn_zygote(self) -> None:
        """Run the zygote. Call it before the event loop begins, when few threads and mounts are."""
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        every_signal = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
        self._zygote_pid = os.posix_spawn(
            sys.executable,
            zygote_command(_ZYGOTE_FD),
            {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), _ZYGOTE_FD)],
            setsigmask=(),
            setsigdef=every_signal,
        )
        theirs.close()
        # Containers inherit the zygote's: not what the engine has raised its own to since.
        resource.prlimit(self._zygote_pid, resource.RLIMIT_NOFILE, self._open_files)
        self._zygote_sock = ours
        self._spawned_at = time.monotonic()

    async def start(self) -> None:
        """Begin to fill the pool; spawns the zygote if nobody has."""
        if self._zygote_sock is None:
            self.spawn_zygote()
        self._connect()

    async def take(self) -> IdleShim:
        """An idle shim.

        Raises: Unavailable when none comes within ten seconds.
        """
        while self._idle:
            shim = self._idle.popleft()
            if shim.is_alive():
                return shim
            shim.discard()
        waiter: asyncio.Future[IdleShim] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._refill()
        try:
            async with asyncio.timeout(TAKE_S):
                return await waiter
        except TimeoutError:
            raise Unavailable(
                "the engine's process starter does not answer",
                hint=Hint("shim.zygote-silent", pid=self._zygote_pid),
            ) from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    async def close(self) -> None:
        """End the zygote and the idle shims; containers and their shims run on."""
        self._is_closed = True
        for timer in self._timers:
            timer.cancel()
        for shim in self._idle:
            shim.discard()
        self._idle.clear()
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._zygote_sock is not None:
            self._zygote_sock.close()
            self._zygote_sock = None
        for _ in range(200):
            if not self._zygote_pid or self._reap():
                return
            await asyncio.sleep(0.01)
        self._kill_zygote()

    def _connect(self) -> None:
        assert self._zygote_sock is not None
        self._link = Link(self._zygote_sock, on_message=self._received, on_end=self._zygote_left)
        self._zygote_sock = None
        self._requested = 0
        self._refill()

    def _refill(self) -> None:
        """Ask for what is missing."""
        wanted = self._size + len(self._waiters) - len(self._idle) - self._requested
        for _ in range(wanted):
            if self._link is not None and self._link.send({"op": "spawn"}):
                self._requested += 1

    def _refill_later(self) -> None:
        self._call_later(_REFILL_AFTER_S, self._refill)

    def _received(self, message: dict[str, Any], fds: list[int]) -> None:
        self._requested -= 1
        shim = IdleShim(_socket.socket(fileno=fds[0]), message["pid"], on_used=self._refill_later)
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(shim)
                return
        self._idle.append(shim)

    def _zygote_left(self) -> None:
        """Run another zygote, at most one a second. The idle shims of the old one stay good."""
        self._link = None
        self._kill_zygote()
        pause = max(0.0, self._spawned_at + _RESPAWN_PAUSE_S - time.monotonic())
        self._call_later(pause, self._respawn)

    def _respawn(self) -> None:
        self.spawn_zygote()
        self._connect()

    def _call_later(self, delay_s: float, action: Callable[[], None]) -> None:
        if self._is_closed:
            return

        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(timer)

    def _kill_zygote(self) -> None:
        if self._zygote_pid:
            _kill(self._zygote_pid)
            os.waitpid(self._zygote_pid, 0)
            self._zygote_pid = 0

    def _reap(self) -> bool:
        pid, _ = os.waitpid(self._zygote_pid, os.WNOHANG)
        if pid:
            self._zygote_pid = 0
        return bool(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _died(pid: int) -> Unavailable:
    return Unavailable(
        f"shim {pid} ended before the container started", hint=Hint("shim.died", pid=pid)
    )
