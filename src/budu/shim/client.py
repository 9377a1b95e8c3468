"""The engine's hold on a shim, and through it on a container's init process.

    IdleShim.start() ─┐
    connect_shim()  ──┴─▶ ShimHandle ──exit message──▶ wait() ends with the exit status
    adopt_process() ────▶     │
                              └─ the shim is gone without one: the exit file, else the pidfd

A handle never loses an end: a shim that was killed while its container lives is noticed, the
init process is watched instead, and its status comes from the exit file, from the kernel (6.15
and newer remember it in the pidfd), or is 137 when nobody knows.
Neighbours: `shim.pool` (where shims come from), `shim.main` (the other side).
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from budu.base.errors import Conflict, Hint, NotFound, Unavailable
from budu.linux import tty as terminals
from budu.linux.process import pidfd_open
from budu.shim import sockets
from budu.shim.exit_file import parse_exit_file
from budu.shim.link import Link

CODE_UNKNOWN = 137
"""Exit code of a container whose end nobody saw: as if killed."""
HELLO_S = 10.0
"""How long a shim that is connected to may take to introduce itself."""
_PIDFD_GET_INFO = 0xC040FF0B  # <linux/pidfd.h>: _IOWR(0xFF, 11, struct pidfd_info of 64 bytes)
_PIDFD_INFO_EXIT = 1 << 3


class ExitStatus(Struct, frozen=True, kw_only=True):
    """How a container's init process ended."""

    code: int
    """Docker's exit code: 128 + signal when a signal killed it."""
    signal: int | None = None
    """The signal that killed it."""
    finished_ns: int
    """When, in nanoseconds since 1970 (UTC)."""
    oom: bool = False
    """Whether the shim saw an out-of-memory kill; the engine looks at the cgroup itself."""
    dropped: int = 0
    """Bytes of output that the log could not take."""
    seen: bool = True
    """False when nobody saw the end and `code` is a guess."""


def read_exit_file(path: str) -> ExitStatus | None:
    """The status that a shim left at `path`; None when there is none."""
    try:
        return ExitStatus(**parse_exit_file(Path(path).read_text("ascii")))  # type: ignore[arg-type]  # its own field types
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


class Lane(Protocol):
    """What a handle needs of its connection: a `Link` of its own, or its share of one."""

    on_message: Callable[[dict[str, Any], list[int]], None]
    on_end: Callable[[], None]

    def send(self, message: dict[str, Any], fds: list[int] | None = None) -> bool:
        """See `Link.send`."""
        ...

    def close(self) -> None:
        """See `Link.close`."""
        ...


class ShimHandle:
    """A running container, seen from the engine. The owner calls `close()`."""

    def __init__(
        self,
        *,
        facts: dict[str, Any],
        pidfd: int,
        stdin_fd: int | None,
        link: Lane | None,
        kept: dict[str, int] | None = None,
    ) -> None:
        self.id: str = facts["id"]
        """The container's id, as the order had it."""
        self.pid: int = facts["pid"]
        """The container's init process on the host."""
        self.start_ticks: int = facts["start_ticks"]
        """Start time of `pid` in clock ticks since boot; keep both to recognise the process."""
        self.shim_pid: int = facts["shim_pid"]
        """The shim; 0 for an adopted process."""
        self.pidfd = pidfd
        """Descriptor of the init process."""
        self.stdin_fd = stdin_fd
        """Where input is written, non-blocking: a pipe's end, or the terminal's master when `tty`
        (whether input was ordered or not: it also sets the size). Belongs to the handle."""
        self._kept = kept or {}
        self.tty: bool = facts["tty"]
        """Whether the container has a terminal."""
        self.warnings: list[str] = list(facts.get("warnings", ()))
        """What the kernel refused and the container's start did without."""
        self._exit_path: str = facts["exit"]
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[ExitStatus] = self._loop.create_future()
        self._watches_pidfd = False
        self._link = link
        if stdin_fd is not None:
            os.set_blocking(stdin_fd, False)
        if link is None:
            self._watch_pidfd()
        else:
            link.on_message, link.on_end = self._received, self._shim_left

    @property
    def has_shim(self) -> bool:
        """Whether the shim is connected; without it the container's output is lost."""
        return self._link is not None

    async def wait(self) -> ExitStatus:
        """The exit status, once the container has ended and its log is complete.

        Waits as long as the container runs; cancelling one waiter leaves the others alone.
        """
        return await asyncio.shield(self._exit)

    @property
    def status(self) -> ExitStatus | None:
        """The exit status if the container has ended."""
        return self._exit.result() if self._exit.done() and not self._exit.cancelled() else None

    def signal(self, number: int) -> bool:
        """Send a signal to the init process; false when it is gone."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return False
        return True

    def resize(self, height: int, width: int) -> None:
        """Set the terminal's size in characters.

        Raises: Conflict when the container has no terminal.
        """
        if not self.tty or self.stdin_fd is None:
            raise Conflict(f"container {self.id} has no terminal", hint=Hint("shim.no-terminal"))
        terminals.set_size(self.stdin_fd, height, width)

    async def close_stdin(self) -> None:
        """End the container's input: it reads end of file. A terminal stays as it is."""
        if self.tty:
            return
        self._close_stdin_fd()
        if self._link is not None:
            self._link.send({"op": "close_stdin"})

    def allow_output(self, total: int | None) -> None:
        """Let the shim take so many bytes of output, counted from the start; None is no limit.

        Only for containers whose order had a `window`. Beyond it the container blocks on its
        full pipes, so a reader that must not lose anything is never overtaken by rotation.
        """
        if self._link is not None:
            self._link.send({"op": "window", "limit": total})

    def take_kept(self, *names: str) -> tuple[int, ...]:
        """The descriptors that the shim keeps under these names, the caller's to close from now on;
        none when one of them is missing, and the second time."""
        if not all(name in self._kept for name in names):
            return ()
        return tuple(self._kept.pop(name) for name in names)

    def close(self) -> None:
        """Let go of the container, which runs on. Waiters that are left are cancelled."""
        if self._link is not None:
            self._link.close()
            self._link = None
        self._unwatch_pidfd()
        self._close_stdin_fd()
        while self._kept:
            os.close(self._kept.popitem()[1])
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        if not self._exit.done():
            self._exit.cancel()

    def _received(self, message: dict[str, Any], fds: list[int]) -> None:
        for fd in fds:
            os.close(fd)
        if message["op"] == "exit":
            known = ExitStatus.__struct_fields__
            fields = {name: message[name] for name in known if name in message}
            self._finish(ExitStatus(**fields))

    def _shim_left(self) -> None:
        self._link = None
        if not self._exit.done():
            self._watch_pidfd()

    def _watch_pidfd(self) -> None:
        self._watches_pidfd = True
        self._loop.add_reader(self.pidfd, self._process_ended)

    def _unwatch_pidfd(self) -> None:
        if self._watches_pidfd:
            self._loop.remove_reader(self.pidfd)
            self._watches_pidfd = False

    def _process_ended(self) -> None:
        self._unwatch_pidfd()
        left = read_exit_file(self._exit_path) if self._exit_path else None
        self._finish(left or _status_from_kernel(self.pid, self.pidfd))

    def _finish(self, status: ExitStatus) -> None:
        if not self._exit.done():
            self._exit.set_result(status)

    def _close_stdin_fd(self) -> None:
        if self.stdin_fd is not None:
            os.close(self.stdin_fd)
            self.stdin_fd = None


def make_handle(link: Lane, message: dict[str, Any], fds: list[int]) -> ShimHandle:
    """The handle for a shim's `started` or `hello` message."""
    names = message.get("kept", ())
    pidfd, *rest = fds[: len(fds) - len(names)]
    return ShimHandle(
        facts=message,
        pidfd=pidfd,
        stdin_fd=rest[0] if rest else None,
        link=link,
        kept=dict(zip(names, fds[len(fds) - len(names) :], strict=True)),
    )


async def connect_shim(socket_path: str) -> ShimHandle:
    """The handle of a container that an earlier engine started.

    Raises: NotFound when no shim listens there (any more): look for the exit file then.
        Unavailable when it does not answer.
    """
    loop = asyncio.get_running_loop()
    hello: asyncio.Future[ShimHandle] = loop.create_future()

    def receive(message: dict[str, Any], fds: list[int]) -> None:
        handle = make_handle(link, message, fds)
        if hello.done():
            handle.close()
        else:
            hello.set_result(handle)

    def end() -> None:
        if not hello.done():
            hello.set_exception(_no_shim(socket_path))

    try:
        sock = sockets.connect_to(socket_path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise _no_shim(socket_path) from None
    except BlockingIOError:
        raise Unavailable(f"shim at {socket_path} is overrun") from None
    link = Link(sock, on_message=receive, on_end=end)
    try:
        async with asyncio.timeout(HELLO_S):
            return await hello
    except TimeoutError:
        link.close()
        raise Unavailable(f"shim at {socket_path} does not answer") from None
    except asyncio.CancelledError:
        link.close()
        raise


def adopt_process(
    *, container_id: str, pid: int, start_ticks: int, exit_path: str, tty: bool = False
) -> ShimHandle:
    """A handle of a container that lives while its shim does not.

    It can be signalled and waited for; its output and input are lost.
    Raises: NotFound when the process is gone, or `pid` is another process by now.
    """
    try:
        pidfd = pidfd_open(pid)
    except OSError:
        raise NotFound(f"process {pid} is gone", reference=container_id) from None
    if process_start_ticks(pid) != start_ticks:
        os.close(pidfd)
        raise NotFound(f"process {pid} is gone", reference=container_id)
    facts = {
        "id": container_id,
        "pid": pid,
        "start_ticks": start_ticks,
        "shim_pid": 0,
        "tty": tty,
        "exit": exit_path,
    }
    return ShimHandle(facts=facts, pidfd=pidfd, stdin_fd=None, link=None)


def process_start_ticks(pid: int) -> int:
    """Start time of a process in clock ticks since boot; 0 when it is gone."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else 0


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _status_from_kernel(pid: int, pidfd: int) -> ExitStatus:
    """What the kernel still knows of an ended process, whose parent is somebody else."""
    status = _zombie_status(pid)
    if status is None:
        status = _reaped_status(pidfd)
    now = time.time_ns()
    if status is None:
        return ExitStatus(code=CODE_UNKNOWN, finished_ns=now, seen=False)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return ExitStatus(code=128 - code, signal=-code, finished_ns=now)
    return ExitStatus(code=code, finished_ns=now)


def _zombie_status(pid: int) -> int | None:
    """The wait status while nobody has reaped it. Source: man 5 proc_pid_stat, exit_code."""
    fields = _stat_fields(pid)
    return int(fields[49]) if fields and fields[0] == "Z" else None


def _reaped_status(pidfd: int) -> int | None:
    """The wait status that a pidfd remembers since Linux 6.15. Source: <linux/pidfd.h>."""
    buffer = bytearray(64)
    struct.pack_into("Q", buffer, 0, _PIDFD_INFO_EXIT)
    try:
        ioctl(pidfd, _PIDFD_GET_INFO, buffer)
    except OSError:
        return None
    known = struct.unpack_from("Q", buffer)[0] & _PIDFD_INFO_EXIT
    return struct.unpack_from("i", buffer, 60)[0] if known else None


def _no_shim(socket_path: str) -> NotFound:
    return NotFound(f"no shim listens at {socket_path}", reference=socket_path)
