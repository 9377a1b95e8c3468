"""Moves bytes between a person and an attached container until one of them is done. Light.

One thread and one poll loop over: standard input, the hijacked connection, the connection on
which the container's end is awaited, and signals. The connection is never written to while it
would block, so a container that does not read its input cannot stop its output.
"""

from __future__ import annotations

import posix
import select
import time

from budu.cli.signals import ENDING, FORWARDED, WINDOW_CHANGED, SignalPipe
from budu.client.streams import STDERR, Demultiplexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from budu.cli.terminal import DetachWatcher
    from budu.client.session import Hijacked
    from budu.client.transport import Connection

READ_SIZE = 65536
PENDING_LIMIT = 1 << 18
_IMPATIENT = 3
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class Pump:
    """One attached container. `run` returns when there is nothing more to move."""

    def __init__(
        self,
        hijacked: Hijacked,
        *,
        tty: bool,
        stdin: int | None,
        stdout: int | None = 1,
        stderr: int | None = 2,
        waiting: Connection | None = None,
        detach: DetachWatcher | None = None,
    ) -> None:
        self._raw = hijacked.socket
        self._early = hijacked.early
        self._tty = tty
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._waiting = waiting
        self._detach = detach
        self._frames = Demultiplexer()
        self._pending = b""
        self._half_closed = False
        self._output_open = True
        self._ending_signals = 0
        self.detached = False
        """Whether the detach keys ended it."""
        self.impatient = False
        """Whether three requests to end came."""
        self.ended = False
        """Whether the awaited end was announced (its body can be read)."""
        self.on_signal: Callable[[str], None] = _ignore
        """Called with the name of a signal to pass on."""
        self.on_resize: Callable[[], None] = _ignore_resize
        """Called when the terminal's size changed."""
        self.on_quiet: Callable[[], None] | None = None
        """Called once when the container still runs after `quiet_after_s`."""
        self.quiet_after_s = 0.0

    @property
    def wants_output(self) -> bool:
        """Whether anything of the container's output is shown."""
        return self._stdout is not None or self._stderr is not None

    def run(self, signals: SignalPipe) -> None:
        """Move bytes until the output ends (or the end of the container without output)."""
        self._raw.setblocking(False)
        if self._stdin is None:
            self._half_close()
        if self._waiting is not None and self._waiting.has_buffered:
            self.ended, self._waiting = True, None
        if self._early:
            self._write_output(self._early)
        started = time.monotonic()
        while self._is_busy():
            left = self._quiet_left(started)
            self._turn(signals, left)
            if self.on_quiet is not None and self._quiet_left(started) == 0:
                self.on_quiet()
                self.on_quiet = None
        self._raw.close()

    def _is_busy(self) -> bool:
        if self.detached or self.impatient:
            return False
        if self.wants_output:
            return self._output_open
        return self._waiting is not None or not self._half_closed

    def _quiet_left(self, started: float) -> float | None:
        if self.on_quiet is None:
            return None
        return max(0.0, started + self.quiet_after_s - time.monotonic())

    def _turn(self, signals: SignalPipe, timeout_s: float | None) -> None:
        poll = select.poll()
        poll.register(signals.fd, select.POLLIN)
        if self._output_open:
            wanted = select.POLLIN | (select.POLLOUT if self._pending else 0)
            poll.register(self._raw.fileno(), wanted)
        if self._waiting is not None:
            poll.register(self._waiting.fileno(), select.POLLIN)
        if self._stdin is not None and len(self._pending) < PENDING_LIMIT:
            poll.register(self._stdin, select.POLLIN)
        ready = dict(poll.poll(None if timeout_s is None else int(timeout_s * 1000) + 1))
        if signals.fd in ready:
            self._take_signals(signals)
        mask = ready.get(self._raw.fileno(), 0) if self._output_open else 0
        if mask & select.POLLOUT:
            self._flush()
        if mask & _READABLE:
            self._read_output()
        if self._waiting is not None and ready.get(self._waiting.fileno()):
            self.ended = True
            self._waiting = None
        if self._stdin is not None and ready.get(self._stdin):
            self._read_input(self._stdin)

    def _take_signals(self, signals: SignalPipe) -> None:
        for number in signals.read():
            if number == WINDOW_CHANGED:
                self.on_resize()
                continue
            if number in ENDING:
                self._ending_signals += 1
                self.impatient = self._ending_signals >= _IMPATIENT
            if number in FORWARDED:
                self.on_signal(FORWARDED[number])

    def _read_output(self) -> None:
        more = True
        while more:
            try:
                data = self._raw.recv(READ_SIZE)
            except OSError as error:
                if _would_block(error):
                    return
                data = b""
            if not data:
                self._output_open = False
                return
            self._write_output(data)
            more = bool(_undelivered(self._raw))

    def _write_output(self, data: bytes) -> None:
        if self._tty:
            _write(self._stdout, data)
            return
        for stream, piece in self._frames.feed(data):
            _write(self._stderr if stream == STDERR else self._stdout, piece)

    def _read_input(self, fd: int) -> None:
        try:
            data = posix.read(fd, READ_SIZE)
        except OSError:
            data = b""
        if not data:
            self._stdin = None
            if not self._pending:
                self._half_close()
            return
        if self._detach is not None:
            data = self._detach.feed(data)
            self.detached = self._detach.detached
        self._pending += data
        self._flush()

    def _flush(self) -> None:
        try:
            sent = self._raw.send(self._pending) if self._pending else 0
        except OSError as error:
            if not _would_block(error):
                self._pending, self._stdin = b"", None
            return
        self._pending = self._pending[sent:]
        if not self._pending and self._stdin is None:
            self._half_close()

    def _half_close(self) -> None:
        if self._half_closed:
            return
        self._half_closed = True
        try:
            _shut_write(self._raw)
        except OSError:
            self._stdin = None


def _would_block(error: OSError) -> bool:
    """TLS connections say it in their own way."""
    words = ("SSLWantReadError", "SSLWantWriteError")
    return isinstance(error, BlockingIOError) or type(error).__name__ in words


def _undelivered(raw: object) -> int:
    """Bytes that a TLS connection holds and that poll cannot see."""
    pending: Callable[[], int] | None = getattr(raw, "pending", None)
    return pending() if pending is not None else 0


def _shut_write(raw: _socket.socket) -> None:
    """End the direction to the container.

    A TLS connection's own method would end TLS for the other direction, too: the socket below is
    half-closed, which the engine takes for the end.
    """
    from _socket import SHUT_WR, socket

    socket.shutdown(raw, SHUT_WR)


def _write(fd: int | None, data: bytes) -> None:
    if fd is None:
        return
    view = memoryview(data)
    while view:
        try:
            view = view[posix.write(fd, view) :]
        except BlockingIOError:
            select.select([], [fd], [])


def _ignore(_name: str) -> None:
    pass


def _ignore_resize() -> None:
    pass
