"""`budu stats`: what containers use, live. Light.

A connection per container brings a sample a second; one more brings events, by which containers
come and go. One loop waits for all of them and draws.
Source: docker/cli 28.5 `cli/command/container/stats.go`.
"""

from __future__ import annotations

import select
import time

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command, Flag
from budu.cli.usage_figures import Figures
from budu.client.json import loads
from budu.client.transport import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from budu.cli.context import Context

_REDRAW_S = 0.5
_FIRST_WAIT_S = 5.0
_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"


def run_stats(context: Context, call: Call) -> int:
    """Show the containers named, or all that run; once, or until interrupted."""
    form = call.text("format") or context.config.text("statsFormat")
    board = Board(context, call)
    try:
        if not board.fill():
            return 1
        if call.on("no-stream"):
            board.wait_for(samples=2)
            _print(context, board, form, full=call.on("no-trunc"))
            return 0
        board.wait_for(samples=1)
        _watch(context, board, form, full=call.on("no-trunc"))
    finally:
        board.close()
    return 0


class Feed:
    """Lines of one streamed answer, taken when they have come."""

    def __init__(self, connection: Connection, lines: Iterator[bytes]) -> None:
        self.connection = connection
        self._lines = lines

    @property
    def fd(self) -> int:
        """What to wait for."""
        return self.connection.fileno()

    def ready(self) -> Iterator[dict[str, Any] | None]:
        """The documents that have come, of which there is one at least; None at the end."""
        while True:
            document = self._take()
            yield document
            if document is None or not self.connection.has_buffered:
                return

    def _take(self) -> dict[str, Any] | None:
        try:
            line = next(self._lines)
        except (StopIteration, BuduError, OSError):
            return None
        document: dict[str, Any] = loads(line)
        return document


class Watched:
    """One container on the board."""

    def __init__(self, ref: str, feed: Feed) -> None:
        self.ref = ref
        """What it is called on the board."""
        self.feed = feed
        """Its samples."""
        self.figures: Figures | None = None
        """The newest ones."""
        self.samples = 0
        """How many have come."""


class Board:
    """The containers that are shown."""

    def __init__(self, context: Context, call: Call) -> None:
        self._context = context
        self._names = call.args
        self._all = call.on("all")
        self._follows = not call.args
        self._is_live = not call.on("no-stream")
        self._watched: dict[str, Watched] = {}
        self._events: Feed | None = None

    @property
    def entries(self) -> list[tuple[str, Figures | None]]:
        """What to draw, in order."""
        return [(each.ref, each.figures) for each in self._watched.values()]

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more: of containers named, the last is gone."""
        return self._events is None and not self._watched

    def fill(self) -> bool:
        """Begin to follow; False when a container that was named could not be followed."""
        if not self._follows:
            return all([self._add(name, name) for name in self._names])
        if self._is_live:
            self._events = self._open_events()
        for row in self._context.session.list_containers(everything=self._all):
            self._add(row["Id"], row["Id"][:12], quiet=True)
        return True

    def close(self) -> None:
        """End all connections."""
        for each in self._watched.values():
            each.feed.connection.close()
        if self._events is not None:
            self._events.connection.close()

    def wait_for(self, *, samples: int) -> None:
        """Wait until every container has sent so many, but not long for one that is silent."""
        deadline = time.monotonic() + _FIRST_WAIT_S
        while any(each.samples < samples for each in self._watched.values()):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self.turn(left)

    def turn(self, timeout_s: float) -> None:
        """Take in what comes within so many seconds, or what comes first."""
        feeds = {each.feed.fd: key for key, each in self._watched.items()}
        poll = select.poll()
        for fd in feeds:
            poll.register(fd, select.POLLIN)
        if self._events is not None:
            poll.register(self._events.fd, select.POLLIN)
        for fd, _ in poll.poll(max(timeout_s, 0) * 1000):
            if fd in feeds:
                self._take_samples(feeds[fd])
            else:
                self._take_events()

    def _take_samples(self, key: str) -> None:
        watched = self._watched.get(key)
        for sample in watched.feed.ready() if watched is not None else ():
            if watched is None or sample is None:
                self._drop(key)
                return
            watched.figures = Figures(sample)
            watched.samples += 1

    def _take_events(self) -> None:
        for event in self._events.ready() if self._events is not None else ():
            if event is None:  # the engine ended
                self._forget_events()
                return
            self._take_event(event)

    def _take_event(self, event: dict[str, Any]) -> None:
        id_, action = event["Actor"]["ID"], event["Action"]
        if action == "start" or (action == "create" and self._all):
            self._add(id_, id_[:12], quiet=True)
        elif action == "destroy" or (action == "die" and not self._all):
            self._drop(id_)

    def _forget_events(self) -> None:
        if self._events is not None:
            self._events.connection.close()
            self._events = None

    def _add(self, key: str, ref: str, *, quiet: bool = False) -> bool:
        """Begin to follow one container, unless it is there. `quiet` for one that may be gone."""
        if key in self._watched:
            return True
        connection = Connection(self._context.endpoint)
        try:
            answer = self._context.session.container_stats(key, connection=connection)
        except BuduError as error:
            connection.close()
            if not quiet:
                self._context.report(error)
            return quiet
        self._watched[key] = Watched(ref, Feed(connection, answer.lines()))
        return True

    def _drop(self, key: str) -> None:
        watched = self._watched.pop(key, None)
        if watched is not None:
            watched.feed.connection.close()

    def _open_events(self) -> Feed:
        """Listening begins before the list is asked for, so that none is missed in between."""
        connection = Connection(self._context.endpoint)
        query = {"filters": {"type": ["container"]}}
        answer = self._context.session.call("GET", "/events", query=query, connection=connection)
        return Feed(connection, answer.lines())


def _watch(context: Context, board: Board, form: str, *, full: bool) -> None:
    """Draw twice a second until the end or an interrupt."""
    draw = _screen(context) if context.out.isatty() else _write(context)
    while not board.is_over:
        draw(_rendered(board, form, full=full))
        until = time.monotonic() + _REDRAW_S
        while (left := until - time.monotonic()) > 0 and not board.is_over:
            board.turn(left)


def _rendered(board: Board, form: str, *, full: bool) -> str:
    from _io import StringIO

    from budu.cli.tables.stats import print_stats

    text = StringIO()
    print_stats(board.entries, form, text, full=full)
    return text.getvalue()


def _print(context: Context, board: Board, form: str, *, full: bool) -> None:
    context.out.write(_rendered(board, form, full=full))


def _screen(context: Context) -> Callable[[str], None]:
    """Draws over what was drawn before, without flicker."""
    context.out.write(_HOME + _CLEAR_REST)

    def draw(text: str) -> None:
        lines = "".join(f"{line}{_CLEAR_LINE}\n" for line in text.splitlines())
        context.out.write(_HOME + lines + _CLEAR_REST)
        context.out.flush()

    return draw


def _write(context: Context) -> Callable[[str], None]:
    """Where there is no terminal, one table after the other."""

    def draw(text: str) -> None:
        context.out.write(text)
        context.out.flush()

    return draw


STATS = Command(
    run_stats,
    usage="[OPTIONS] [CONTAINER...]",
    help=("Show what containers use, live", "컨테이너가 쓰는 자원을 실시간으로 봅니다"),
    flags=(
        Flag("all", short="a", help=("Show all (default shows just running)",
                                     "모두 보입니다 (기본은 실행 중만)")),
        Flag("format", "string", help=("table, json, or a Go template",
                                       "table, json 또는 Go 템플릿")),
        Flag("no-stream", help=("Show once and end", "한 번만 보이고 끝냅니다")),
        Flag("no-trunc", help=("Do not shorten", "줄이지 않습니다")),
    ),
)  # fmt: skip
