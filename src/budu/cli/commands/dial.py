"""`budu system dial-stdio`: passes bytes between its own streams and the engine's socket. Light.

It is what `ssh://` contexts run on the far side.
"""

from __future__ import annotations

import posix
import select

from budu.cli.declare import Call, Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from budu.cli.context import Context

_READ_SIZE = 1 << 16
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


def run_dial_stdio(context: Context, call: Call) -> int:
    """Pass bytes both ways until the engine closes; the end of the input is passed on."""
    del call
    transport = context.session.transport
    transport.connect()
    pass_bytes(transport.detach(), source=0, sink=1)
    return 0


def pass_bytes(engine: _socket.socket, *, source: int, sink: int) -> None:
    """Move bytes from `source` to the engine and from the engine to `sink`, until it closes.

    Neither way waits for the other, and each reads on only when its bytes were taken.
    """
    to_engine, to_sink = _Way(source, engine.fileno()), _Way(engine.fileno(), sink)
    while not to_sink.is_over:
        poll = select.poll()
        for fd, events in _interests(to_engine, to_sink).items():
            poll.register(fd, events)
        for fd, _ in poll.poll():
            for way in (to_engine, to_sink):
                way.move(fd)
        if to_engine.ended and not to_engine.closed:
            to_engine.closed = True
            engine.shutdown(1)


class _Way:
    """One direction: what was read and is not written yet."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self.sink = source, sink
        self.pending = memoryview(b"")
        self.at_end = False
        self.closed = False
        posix.set_blocking(sink, False)

    @property
    def ended(self) -> bool:
        """Whether everything was read and written."""
        return self.at_end and not self.pending

    is_over = ended

    def move(self, ready: int) -> None:
        """Read or write, whichever is due on the descriptor that is ready."""
        try:
            if self.pending and ready == self.sink:
                self.pending = self.pending[posix.write(self.sink, self.pending) :]
            elif not self.pending and not self.at_end and ready == self.source:
                data = posix.read(self.source, _READ_SIZE)
                self.pending, self.at_end = memoryview(data), not data
        except BlockingIOError:
            pass


def _interests(*ways: _Way) -> dict[int, int]:
    """What to wait for: room where something is pending, bytes where nothing is."""
    events: dict[int, int] = {}
    for way in ways:
        if way.pending:
            events[way.sink] = events.get(way.sink, 0) | select.POLLOUT
        elif not way.at_end:
            events[way.source] = events.get(way.source, 0) | _READABLE
    return events


DIAL_STDIO = Command(
    run_dial_stdio,
    usage="",
    help=("Pass standard input and output to the engine's socket",
          "표준 입출력을 엔진 소켓으로 이어 줍니다"),
    most=0,
)  # fmt: skip
