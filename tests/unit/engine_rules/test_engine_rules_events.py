"""The event stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.base.clock import now_ns
from budu.base.errors import InvalidArgument
from budu.base.filters import Filters
from budu.engine.database import Database
from budu.engine.events import EventLog, matches
from budu.spec.api.events import EventActor, EventMessage

NONE = Filters()


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventLog]:
    database = Database(tmp_path / "budu.db")
    yield EventLog(database)
    database.close()


async def past(events: EventLog, **filters: list[str]) -> list[str]:
    stream = events.stream(since_ns=0, until_ns=now_ns(), filters=Filters(filters))
    return [message.action async for message in stream]


async def test_past_events_come_in_order(events: EventLog) -> None:
    for action in ("create", "start", "die"):
        events.emit("container", action, "c1")
    assert await past(events) == ["create", "start", "die"]


async def test_stream_without_since_tells_nothing_of_the_past(events: EventLog) -> None:
    events.emit("container", "create", "c1")
    stream = events.stream(since_ns=None, until_ns=now_ns(), filters=NONE)
    assert [each async for each in stream] == []


async def test_listening_begins_with_the_call(events: EventLog) -> None:
    stream = events.stream(since_ns=None, until_ns=None, filters=NONE)
    events.emit("container", "start", "c1")
    assert (await anext(stream)).action == "start"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_past_and_live_events_join_without_a_gap_or_double(events: EventLog) -> None:
    events.emit("container", "create", "c1")
    stream = events.stream(since_ns=0, until_ns=None, filters=NONE)
    events.emit("container", "start", "c1")
    assert [(await anext(stream)).action for _ in range(2)] == ["create", "start"]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_closed_stream_is_forgotten(events: EventLog) -> None:
    stream = events.stream(since_ns=None, until_ns=None, filters=NONE)
    events.emit("container", "start", "c1")
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert events.listeners == 0


async def test_listener_that_falls_behind_is_ended(events: EventLog) -> None:
    stream = events.stream(since_ns=None, until_ns=None, filters=NONE)
    for _ in range(4097):
        events.emit("image", "pull", "i1")
    received = [each async for each in stream]
    assert 0 < len(received) <= 4096
    assert events.listeners == 0


async def test_unknown_filter_is_refused(events: EventLog) -> None:
    with pytest.raises(InvalidArgument, match=r"^invalid filter 'colour'$"):
        events.stream(since_ns=0, until_ns=0, filters=Filters({"colour": ["red"]}))


async def test_container_event_has_the_old_flat_fields(events: EventLog) -> None:
    events.emit("container", "start", "c1", image="busybox", name="web")
    stream = events.stream(since_ns=0, until_ns=now_ns(), filters=NONE)
    message = await anext(stream)
    assert (message.status, message.id, message.from_) == ("start", "c1", "busybox")


async def test_network_event_has_no_flat_fields(events: EventLog) -> None:
    events.emit("network", "connect", "n1")
    message = await anext(events.stream(since_ns=0, until_ns=now_ns(), filters=NONE))
    assert (message.status, message.id, message.from_) == ("", "", "")


def a_message(kind: str, action: str, id: str, **attributes: str) -> EventMessage:
    return EventMessage(
        type=kind, action=action, actor=EventActor(id=id, attributes=attributes), scope="local"
    )


START = a_message("container", "start", "c0ffee", image="localhost:5000/app:1", name="web", a="1")
HEALTH = a_message("container", "health_status: healthy", "c0ffee", name="web")
PULL = a_message("image", "pull", "httpd:2.4", name="httpd")
TAG = a_message("image", "tag", "sha256:abc", name="localhost:5000/app:1")


@pytest.mark.parametrize(
    ("message", "filters", "expected"),
    [
        (START, {}, True),
        (START, {"type": ["container"]}, True),
        (START, {"type": ["image"]}, False),
        (START, {"event": ["stop", "start"]}, True),
        (HEALTH, {"event": ["health_status"]}, True),
        (HEALTH, {"event": ["health_status: healthy"]}, True),
        (START, {"container": ["web"]}, True),
        (START, {"container": ["c0f"]}, True),
        (START, {"container": ["db"]}, False),
        (PULL, {"container": ["web"]}, False),
        (START, {"label": ["a=1"]}, True),
        (START, {"label": ["b"]}, False),
        (START, {"image": ["localhost:5000/app:1"]}, True),
        (START, {"image": ["localhost:5000/app"]}, True),
        (START, {"image": ["localhost"]}, False),
        (PULL, {"image": ["httpd"]}, True),
        (PULL, {"image": ["httpd:2.4"]}, True),
        (TAG, {"image": ["localhost:5000/app"]}, True),
        (START, {"scope": ["swarm"]}, False),
        (START, {"container": ["web"], "event": ["stop"]}, False),
    ],
)
def test_filter_of_events(
    message: EventMessage, filters: dict[str, list[str]], expected: bool
) -> None:
    assert matches(message, Filters(filters)) is expected


async def test_events_of_probes_do_not_push_others_out(events: EventLog) -> None:
    events.emit("container", "create", "c1")
    for number in range(4000):
        for action in ("exec_create: true", "exec_start: true", "exec_die"):
            events.emit("container", action, "c1", execID=str(number))
    events.emit("container", "die", "c1")
    actions = await past(events)
    assert (actions[0], actions[-1]) == ("create", "die")
    assert 2000 <= len(actions) <= 3002


async def test_the_oldest_events_are_forgotten(events: EventLog) -> None:
    for number in range(12_000):
        events.emit("network", "create", str(number))
    stream = events.stream(since_ns=0, until_ns=now_ns(), filters=NONE)
    ids = [message.actor.id async for message in stream]
    assert ids == [str(number) for number in range(2000, 12_000)]
