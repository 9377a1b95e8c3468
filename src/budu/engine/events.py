"""The event stream: kept in the database, passed to whoever listens.

`emit` inside a transaction stores the event with the change that it tells of; listeners hear of it
when the event loop next turns. Events of execs tell of no record that is kept, and nobody shall
wait for them: they are stored together when the loop next turns. A listener that falls too far
behind is ended rather than served with gaps.
Source: Engine API 1.51 SystemEvents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from budu.base.clock import now_ns
from budu.base.filters import Filters
from budu.engine.database import Database
from budu.spec.api.events import EventActor, EventMessage

FILTER_KEYS = frozenset(
    [
        "config",
        "container",
        "daemon",
        "event",
        "image",
        "label",
        "network",
        "node",
        "plugin",
        "scope",
        "secret",
        "service",
        "type",
        "volume",
    ]
)
_QUEUE_LIMIT = 4096
_KEPT = 10_000
_KEPT_EXECS = 2_000
"""Of these events that many, so that health probes do not push all others out."""
_TRIM_EVERY = 1_000
_FORGET = """
    DELETE FROM events WHERE rowid IN
        (SELECT rowid FROM events ORDER BY rowid DESC LIMIT -1 OFFSET ?)
"""
_FORGET_EXECS = """
    DELETE FROM events WHERE rowid IN
        (SELECT rowid FROM events WHERE instr(record, CAST('"Action":"exec_' AS BLOB))
         ORDER BY rowid DESC LIMIT -1 OFFSET ?)
"""

_decoder = msgspec.json.Decoder(EventMessage)


class EventLog:
    """All events of one engine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: set[asyncio.Queue[EventMessage | None]] = set()
        self._since_trim = 0
        self._unstored: list[EventMessage] = []

    def emit(self, kind: str, action: str, id: str, **attributes: str) -> None:
        """Store and announce that `action` happened to the object `id` of type `kind`."""
        message = _message(kind, action, id, attributes)
        if action.startswith("exec_"):
            self._store_soon(message)
        else:
            self._store(message)
        for queue in tuple(self._listeners):
            self._offer(queue, message)

    def _store(self, message: EventMessage) -> None:
        self._database.execute(
            "INSERT INTO events (time_ns, record) VALUES (?, ?)",
            (message.time_nano, msgspec.json.encode(message)),
        )
        self._trim()

    def _store_soon(self, message: EventMessage) -> None:
        if not self._unstored:
            asyncio.get_running_loop().call_soon(self._store_rest)
        self._unstored.append(message)

    def _store_rest(self) -> None:
        messages, self._unstored = self._unstored, []
        if messages:
            with self._database.transaction():
                for message in messages:
                    self._store(message)

    def _trim(self) -> None:
        self._since_trim += 1
        if self._since_trim < _TRIM_EVERY:
            return
        self._since_trim = 0
        self._database.execute(_FORGET_EXECS, (_KEPT_EXECS,))
        self._database.execute(_FORGET, (_KEPT,))

    def _offer(self, queue: asyncio.Queue[EventMessage | None], message: EventMessage) -> None:
        try:
            queue.put_nowait(message)
        except asyncio.QueueFull:
            self._listeners.discard(queue)
            queue.get_nowait()
            queue.put_nowait(None)

    @property
    def listeners(self) -> int:
        """How many clients follow."""
        return len(self._listeners)

    def stream(
        self, *, since_ns: int | None, until_ns: int | None, filters: Filters
    ) -> EventStream:
        """Past events from `since_ns` on, then live ones, up to `until_ns` (None: for ever).

        Listening begins with this call, not with the first read.
        Raises: InvalidArgument for an unknown filter.
        """
        filters.check_keys(FILTER_KEYS)
        past = [] if since_ns is None else list(self._past(since_ns, until_ns))
        return EventStream(self._listeners, past, until_ns=until_ns, filters=filters)

    def _past(self, since_ns: int, until_ns: int | None) -> Iterator[EventMessage]:
        self._store_rest()
        rows = self._database.execute(
            "SELECT record FROM events WHERE time_ns >= ? AND time_ns <= ? ORDER BY time_ns, rowid",
            (since_ns, until_ns if until_ns is not None else now_ns()),
        )
        return (_decoder.decode(record) for (record,) in rows)


class EventStream:
    """One listener's events. Listening begins when it is made and ends with `aclose`."""

    def __init__(
        self,
        listeners: set[asyncio.Queue[EventMessage | None]],
        past: list[EventMessage],
        *,
        until_ns: int | None,
        filters: Filters,
    ) -> None:
        self._listeners = listeners
        self._past = past[::-1]
        self._until_ns = until_ns
        self._filters = filters
        self._queue: asyncio.Queue[EventMessage | None] = asyncio.Queue(_QUEUE_LIMIT)
        listeners.add(self._queue)

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> EventMessage:
        while True:
            message = self._past.pop() if self._past else await _next(self._queue, self._until_ns)
            if message is None:
                await self.aclose()
                raise StopAsyncIteration
            if matches(message, self._filters):
                return message

    async def aclose(self) -> None:
        """Stop listening; idempotent."""
        self._listeners.discard(self._queue)


async def _next(
    queue: asyncio.Queue[EventMessage | None], until_ns: int | None
) -> EventMessage | None:
    if until_ns is None:
        return await queue.get()
    left_s = (until_ns - now_ns()) / 1e9
    try:
        return await asyncio.wait_for(queue.get(), max(left_s, 0)) if left_s > 0 else None
    except TimeoutError:
        return None


def _message(kind: str, action: str, id: str, attributes: dict[str, str]) -> EventMessage:
    now = now_ns()
    legacy = kind in {"container", "image"}
    return EventMessage(
        status=action if legacy else "",
        id=id if legacy else "",
        from_=attributes.get("image", "") if kind == "container" else "",
        type=kind,
        action=action,
        actor=EventActor(id=id, attributes=attributes),
        scope="local",
        time=now // 10**9,
        time_nano=now,
    )


def matches(message: EventMessage, filters: Filters) -> bool:
    """Whether an event passes all filters. Source: Engine API 1.51 SystemEvents, `filters`."""
    attributes = message.actor.attributes
    action = message.action.partition(":")[0]
    return (
        filters.matches_exactly("type", message.type)
        and filters.matches_exactly("scope", message.scope)
        and (
            filters.matches_exactly("event", action)
            or filters.matches_exactly("event", message.action)
        )
        and filters.matches_labels("label", attributes)
        and all(
            _matches_object(message, filters, kind)
            for kind in ("container", "image", "network", "volume", "plugin", "daemon")
        )
    )


def _matches_object(message: EventMessage, filters: Filters, kind: str) -> bool:
    wanted = filters.get(kind)
    if not wanted:
        return True
    attributes = message.actor.attributes
    if message.type == kind:
        names = {message.actor.id, attributes.get("name", "")}
        if kind == "image":
            names |= set(map(_without_tag, names))
        return any(want in names or message.actor.id.startswith(want) for want in wanted)
    if kind != "image" or message.type != "container":
        return False
    image = attributes.get("image", "")
    return image in wanted or _without_tag(image) in wanted


def _without_tag(name: str) -> str:
    """`localhost:5000/app` of `localhost:5000/app:1`."""
    path, slash, last = name.partition("@")[0].rpartition("/")
    return path + slash + last.partition(":")[0]
