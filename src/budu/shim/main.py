"""A shim: the process that keeps one container while engines come and go.

It waits for one order on its control socket, starts the container and then moves the container's
output into the log until the container has ended; then it writes the exit file, tells the
engines that are connected, and ends. It outlives the engine: it has its own session, none of the
engine's descriptors, and ignores every signal that a terminal or a service manager sends around.
An engine finds it again at its named socket, which speaks `shim.protocol`.

Light: it is forked from the zygote and stays below a megabyte of its own memory.
Neighbours: `shim.zygote` (parent), `shim.stdio`, `shim.client` (the engine's side).
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed knows it as signal only
import _socket
import os
import select
import time

from budu.linux.process import wait_pidfd
from budu.logs.writer import LogWriter
from budu.runtime.failure import StepFailed, as_failure
from budu.runtime.launch import Launched
from budu.shim import protocol, sockets
from budu.shim.exit_file import ExitFile
from budu.shim.keeper import Keeper
from budu.shim.process import set_process_name, start_ticks
from budu.shim.starter import Starter
from budu.shim.stdio import Stdio, open_stdio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from budu.shim.protocol import Message

DRAIN_S = 0.3
"""How long output is awaited after the end when some other process keeps the pipes open."""
_READ_SIZE = 65536
_IGNORED_SIGNALS = (
    _signal.SIGHUP,
    _signal.SIGINT,
    _signal.SIGQUIT,
    _signal.SIGTERM,
    _signal.SIGPIPE,
    _signal.SIGUSR1,
    _signal.SIGUSR2,
    _signal.SIGXFSZ,
)


def run_shim(control: _socket.socket) -> NoReturn:
    """A shim's whole life, in the forked process."""
    _detach()
    try:
        serve_order(control)
    finally:
        os._exit(0)


def serve_order(control: _socket.socket) -> None:
    """Wait for the order, carry it out, and stay until the container has ended."""
    starter = Starter(control)
    try:
        received = protocol.receive(control)
        if received is not None and received[0]["op"] == "keep-execs":
            starter.discard()
            set_process_name("budu-execs")
            Keeper(control).run()
            return
        shim = None if received is None else _start(control, starter, *received)
    finally:
        starter.discard()
    if shim is not None:
        shim.run()


def _detach() -> None:
    """Leave the engine's session, terminal and signals."""
    os.setsid()
    for number in _IGNORED_SIGNALS:
        _signal.signal(number, _signal.SIG_IGN)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    set_process_name("budu-shim")


def _start(
    control: _socket.socket, starter: Starter, order: Message, fds: list[int]
) -> Shim | None:
    """Carry the order out and answer it; None when the container did not start."""
    set_process_name("budu-shim", f"budu-shim {order['id']}")
    undo: list[Callable[[], object]] = []
    try:
        named = dict(zip(order["fds"], fds, strict=True))
        kept = {name: named.pop(name) for name in order.get("keep", ())}
        shim = _open_all(order, starter, named, undo, control)
        shim.keep(kept)
    except Exception as error:  # the process's edge: the engine hears of a bug as of a failure
        for action in reversed(undo):
            action()
        reply = {"op": "failed", "failure": as_failure("prepare the shim", error).as_tuple()}
        _tell(control, reply, [])
        return None
    for fd in named.values():
        os.close(fd)
    shim.greet(control, "started")
    return shim


def _open_all(
    order: Message,
    starter: Starter,
    fds: dict[str, int],
    undo: list[Callable[[], object]],
    control: _socket.socket,
) -> Shim:
    listener = sockets.listen_at(order["socket"])
    undo.append(lambda: os.unlink(order["socket"]))
    # From here on the next engine finds this start; one whose engine died before does not happen.
    if _has_left(control):
        raise StepFailed("start", 0, "the engine is gone")
    exit_file = ExitFile(order["exit"])
    undo.append(exit_file.discard)
    log = order["log"]
    writer = (
        LogWriter(log["path"], max_size=log["max_size"], max_files=log["max_files"])
        if log
        else None
    )
    stdio = open_stdio(tty=order["tty"], stdin=order["stdin"])
    launched = starter.start(order["plan"], stdio.theirs, fds)
    stdio.started(launched.console)
    return Shim(order, listener, exit_file, writer, stdio, launched)


def _has_left(sock: _socket.socket) -> bool:
    """Whether the other side has closed the socket, also when it sent something before."""
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _tell(sock: _socket.socket, message: Message, fds: list[int]) -> bool:
    """Send; false when the engine does not take it, because it is gone or stuck."""
    try:
        protocol.send(sock, message, fds)
    except OSError:
        return False
    return True


class Shim:
    """The running shim of one container: one epoll loop over everything it has open."""

    def __init__(
        self,
        order: Message,
        listener: _socket.socket,
        exit_file: ExitFile,
        writer: LogWriter | None,
        stdio: Stdio,
        launched: Launched,
    ) -> None:
        self._listener = listener
        self._socket_path: str = order["socket"]
        self._exit_file = exit_file
        self._writer = writer
        self._stdio = stdio
        self._launched = launched
        self._stdin_once: bool = order["stdin_once"]
        self._limit: int | None = order.get("window")
        self._taken = 0
        self._paused = False
        self._deadline = 0.0
        self._finished_ns = 0
        self._status: tuple[int, int | None] | None = None
        self._engines: dict[int, _socket.socket] = {}
        self._kept: tuple[int, ...] = ()
        self._facts: Message = {
            "version": protocol.VERSION,
            "id": order["id"],
            "pid": launched.pid,
            "shim_pid": os.getpid(),
            "start_ticks": start_ticks(launched.pid),
            "tty": order["tty"],
            "stdin": order["stdin"],
            "exit": order["exit"],
            "warnings": launched.warnings,
        }
        self._poll = select.epoll()
        for fd in (listener.fileno(), launched.pidfd, *stdio.outputs):
            self._poll.register(fd, select.EPOLLIN)

    def run(self) -> None:
        """Serve until the container has ended and its output is stored, then report."""
        while not self._is_over():
            for fd, _ in self._poll.poll(self._timeout()):
                self._dispatch(fd)
        self._drain()
        self._report()

    def keep(self, fds: dict[str, int]) -> None:
        """Hold descriptors open as long as the container lives, and give them to every engine."""
        self._kept = tuple(fds.values())
        self._facts["kept"] = tuple(fds)

    def greet(self, engine: _socket.socket, op: str) -> None:
        """Tell an engine what runs here, and serve it from now on."""
        engine.setblocking(False)
        fds = [self._launched.pidfd]
        if self._stdio.input >= 0:
            fds.append(self._stdio.input)
        if _tell(engine, {"op": op, **self._facts}, [*fds, *self._kept]):
            self._engines[engine.fileno()] = engine
            self._poll.register(engine.fileno(), select.EPOLLIN)
        else:
            engine.close()
            self._engine_left()

    def _is_over(self) -> bool:
        if self._status is None:
            return False
        return not self._stdio.outputs or time.monotonic() >= self._deadline

    def _timeout(self) -> float:
        return -1 if self._status is None else max(0.0, self._deadline - time.monotonic())

    def _dispatch(self, fd: int) -> None:
        if fd in self._stdio.outputs:
            self._store(fd)
        elif fd in self._engines:
            self._serve(self._engines[fd])
        elif fd == self._launched.pidfd:
            self._ended()
        elif fd == self._listener.fileno():
            self._accept()

    def _store(self, fd: int) -> None:
        """Move what one output has into the log."""
        try:
            data = os.read(fd, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        if not data:
            self._poll.unregister(fd)
            self._stdio.end_output(fd)
            return
        if self._writer is not None:
            self._writer.write(self._stdio.outputs[fd], data)
        self._taken += len(data)
        if self._limit is not None and self._taken >= self._limit and self._status is None:
            self._pause(pause=True)

    def _pause(self, *, pause: bool) -> None:
        """Stop or go on reading output: the container blocks when its pipes are full."""
        if pause == self._paused:
            return
        self._paused = pause
        for fd in self._stdio.outputs:
            if pause:
                self._poll.unregister(fd)
            else:
                self._poll.register(fd, select.EPOLLIN)

    def _serve(self, engine: _socket.socket) -> None:
        try:
            received = protocol.receive(engine)
        except BlockingIOError:
            return
        except (protocol.ProtocolError, OSError):
            received = None
        if received is None:
            self._poll.unregister(engine.fileno())
            del self._engines[engine.fileno()]
            engine.close()
            self._engine_left()
            return
        message, fds = received
        for fd in fds:
            os.close(fd)
        if message["op"] == "close_stdin":
            self._stdio.close_input()
        elif message["op"] == "window":
            self._set_limit(message["limit"])

    def _set_limit(self, limit: int | None) -> None:
        self._limit = limit
        if limit is None or limit > self._taken:
            self._pause(pause=False)

    def _engine_left(self) -> None:
        """Without any engine nobody reads along, and nobody may be typing."""
        if self._engines:
            return
        self._set_limit(None)
        if self._stdin_once:
            self._stdio.close_input()

    def _accept(self) -> None:
        try:
            engine = sockets.accept(self._listener)
        except OSError:
            return
        if engine is not None:
            self.greet(engine, "hello")

    def _ended(self) -> None:
        status = wait_pidfd(self._launched.pidfd, block=False)
        if status is None:
            return
        self._status = status
        self._finished_ns = time.time_ns()
        self._poll.unregister(self._launched.pidfd)
        self._deadline = time.monotonic() + DRAIN_S
        self._pause(pause=False)

    def _drain(self) -> None:
        """Take what still is in pipes that a surviving process keeps open, at most a pipeful."""
        for fd in tuple(self._stdio.outputs):
            self._store(fd)

    def _report(self) -> None:
        assert self._status is not None
        code, signal = self._status
        fields: dict[str, int | bool | None] = {
            "code": code,
            "signal": signal,
            "finished_ns": self._finished_ns,
            "oom": False,
            "dropped": self._writer.dropped if self._writer is not None else 0,
        }
        try:
            self._exit_file.write(fields)
        except OSError:
            pass  # its folder is gone: only connected engines can be told
        # Before anybody is told: the next run of the container listens at the same path.
        try:
            os.unlink(self._socket_path)
        except OSError:
            pass
        for engine in self._engines.values():
            _tell(engine, {"op": "exit", **fields}, [])
