"""Logs of several containers as one, sorted by time, each line with its container's name. Light.

Every container's log comes with stamps on a connection of its own. The line that is oldest goes
out once each log has shown its next line or has ended; while following, a log that says nothing
for a moment is not waited for.
"""

from __future__ import annotations

import os
import posix

from budu.base.errors import BuduError
from budu.cli.terminal import display_width
from budu.client.streams import HEADER_SIZE, STDERR, STDOUT
from budu.client.transport import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from budu.cli.context import Context
    from budu.client.transport import Response

    Line = tuple[bytes, int, bytes]
    """Stamp, stream, text with its newline."""

QUIET_MS = 50
"""How long lines wait for a log that says nothing."""
_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


class LineParser:
    """Takes stamped lines out of a log's answer, framed or (from a terminal) plain."""

    def __init__(self, *, tty: bool) -> None:
        self._tty = tty
        self._data = b""
        self._open: dict[int, tuple[bytes, bytes]] = {}

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that are complete with `data`."""
        self._data += data
        if self._tty:
            *lines, self._data = self._data.split(b"\n")
            for line in lines:
                yield from self._take(STDOUT, line + b"\n")
            return
        while len(self._data) >= HEADER_SIZE:
            end = HEADER_SIZE + int.from_bytes(self._data[4:HEADER_SIZE], "big")
            if len(self._data) < end:
                return
            stream, payload = self._data[0], self._data[HEADER_SIZE:end]
            self._data = self._data[end:]
            for line in _split(payload):
                yield from self._take(stream, line)

    def finish(self) -> Iterator[Line]:
        """The lines that were never ended."""
        if self._tty and self._data:
            yield from self._take(STDOUT, self._data)
        for stream, (stamp, text) in sorted(self._open.items()):
            yield stamp, stream, text + b"\n"

    def _take(self, stream: int, line: bytes) -> Iterator[Line]:
        """A line, or a piece of a long one: those come one after the other, each stamped."""
        stamp, _, text = line.partition(b" ")
        begun = self._open.pop(stream, None)
        if begun is not None:
            stamp, text = begun[0], begun[1] + text
        if text.endswith(b"\n"):
            yield stamp, stream, text
        else:
            self._open[stream] = stamp, text


def _split(payload: bytes) -> list[bytes]:
    """Lines with their newlines; the last may have none."""
    *whole, rest = payload.split(b"\n")
    return [*(line + b"\n" for line in whole), *((rest,) if rest else ())]


class Source:
    """One container's log."""

    def __init__(self, prefix: bytes, connection: Connection, response: Response, *, tty: bool):
        self.prefix = prefix
        """What stands before each of its lines."""
        self.lines: list[Line] = []
        """What came and was not printed yet, the last one first."""
        self.is_over = False
        """Whether nothing more comes."""
        self.connection = connection
        """To poll."""
        self._pieces = response.chunks()
        self._parser = LineParser(tty=tty)

    def read(self) -> None:
        """Take what the engine sent, when all lines were taken; waits when it sent nothing."""
        piece = next(self._pieces, None)
        if piece is None:
            self.is_over = True
            self.connection.close()
        found = self._parser.finish() if piece is None else self._parser.feed(piece)
        self.lines = [*found][::-1]


def merged(
    sources: Sequence[Source], *, follow: bool, before_wait: Callable[[], None]
) -> Iterator[tuple[Source, Line]]:
    """All lines, the oldest first."""
    while True:
        waiting = [source for source in sources if not source.lines and not source.is_over]
        pending = [source for source in sources if source.lines]
        if not waiting and not pending:
            return
        if waiting:
            before_wait()
        if waiting and _read_ready(waiting, QUIET_MS if follow and pending else -1):
            continue
        if not waiting:
            yield _pop_oldest(pending)
            continue
        while pending:
            yield _pop_oldest(pending)
            pending = [source for source in pending if source.lines]


def _read_ready(sources: Sequence[Source], limit_ms: int) -> bool:
    """Read where something came; false when nothing did in that time."""
    buffered = [source for source in sources if source.connection.has_buffered]
    if not buffered:
        from select import POLLIN, poll

        watch = poll()
        by_fd = {source.connection.fileno(): source for source in sources}
        over = [source for fd, source in by_fd.items() if fd < 0]
        for fd in by_fd:
            if fd >= 0:
                watch.register(fd, POLLIN)
        buffered = over or [by_fd[fd] for fd, _ in watch.poll(limit_ms)]
    for source in buffered:
        source.read()
    return bool(buffered)


def _pop_oldest(pending: Sequence[Source]) -> tuple[Source, Line]:
    oldest = min(pending, key=lambda source: source.lines[-1][0])
    return oldest, oldest.lines.pop()


class Printer:
    """Writes lines, many at once, without changing the order of the two streams."""

    def __init__(self, *, with_stamps: bool) -> None:
        self._with_stamps = with_stamps
        self._fd = 1
        self._parts: list[bytes] = []

    def take(self, prefix: bytes, line: Line) -> None:
        """Print a line, maybe later."""
        stamp, stream, text = line
        fd = 2 if stream == STDERR else 1
        if fd != self._fd or len(self._parts) > 1000:
            self.flush()
            self._fd = fd
        self._parts += (prefix, stamp, b" ", text) if self._with_stamps else (prefix, text)

    def flush(self) -> None:
        """Print what is held back."""
        view = memoryview(b"".join(self._parts))
        self._parts = []
        while view:
            view = view[os.write(self._fd, view) :]


def print_merged(
    context: Context, containers: Sequence[Mapping[str, Any]], query: Mapping[str, object]
) -> bool:
    """Print the logs of containers (inspect documents); false when one cannot be read."""
    printer = Printer(with_stamps=bool(query["timestamps"]))
    sources: list[Source] = []
    context.out.flush()
    for container, prefix in zip(containers, _prefixes(context, containers), strict=True):
        try:
            sources.append(_open(context, container, {**query, "timestamps": True}, prefix))
        except BuduError as error:
            context.out.flush()
            context.say(f"{container['Name'].removeprefix('/')}: {error.message}")
    try:
        follow = bool(query["follow"])
        for source, line in merged(sources, follow=follow, before_wait=printer.flush):
            printer.take(source.prefix, line)
    finally:
        printer.flush()
    return len(sources) == len(containers)


def _prefixes(context: Context, containers: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Names of one width, in colours when a terminal shows them and NO_COLOR is not set."""
    names = [container["Name"].removeprefix("/") for container in containers]
    width = max(map(display_width, names), default=0)
    padded = [f"{name}{' ' * (width - display_width(name))} | " for name in names]
    if posix.isatty(1) and not context.environ.get("NO_COLOR"):
        colours = [_COLOURS[number % len(_COLOURS)] for number in range(len(names))]
        pairs = zip(padded, colours, strict=True)
        padded = [f"\x1b[{colour}m{text}\x1b[0m" for text, colour in pairs]
    return [text.encode() for text in padded]


def _open(
    context: Context, container: Mapping[str, Any], query: Mapping[str, object], prefix: bytes
) -> Source:
    connection = Connection(context.session.endpoint)
    response = context.session.container_logs(container["Id"], query, connection=connection)
    return Source(prefix, connection, response, tty=bool(container["Config"].get("Tty")))
