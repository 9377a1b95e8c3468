"""Which status may follow which, and Docker's sentence when it may not."""

from __future__ import annotations

import pytest
from tests.support.records import a_container, hex_id

from budu.base.errors import Conflict, NotModified
from budu.engine.containers.lifecycle import Event, can, next_status
from budu.engine.containers.model import Status

ID = hex_id("web")
ALLOWED = {
    (Status.CREATED, Event.START): Status.RUNNING,
    (Status.EXITED, Event.START): Status.RUNNING,
    (Status.RESTARTING, Event.START): Status.RUNNING,
    (Status.CREATED, Event.START_FAILED): Status.CREATED,
    (Status.EXITED, Event.START_FAILED): Status.EXITED,
    (Status.RESTARTING, Event.START_FAILED): Status.EXITED,
    (Status.RUNNING, Event.EXIT): Status.EXITED,
    (Status.PAUSED, Event.EXIT): Status.EXITED,
    (Status.RUNNING, Event.EXIT_TO_RESTART): Status.RESTARTING,
    (Status.PAUSED, Event.EXIT_TO_RESTART): Status.RESTARTING,
    (Status.RESTARTING, Event.GIVE_UP_RESTART): Status.EXITED,
    (Status.RUNNING, Event.PAUSE): Status.PAUSED,
    (Status.PAUSED, Event.UNPAUSE): Status.RUNNING,
    (Status.CREATED, Event.REMOVE): Status.REMOVING,
    (Status.EXITED, Event.REMOVE): Status.REMOVING,
    (Status.DEAD, Event.REMOVE): Status.REMOVING,
    (Status.REMOVING, Event.REMOVE_FAILED): Status.DEAD,
}
EVERY = [(status, event) for status in Status for event in Event]


@pytest.mark.parametrize(("status", "event"), ALLOWED)
def test_allowed_event_leads_to_its_status(status: Status, event: Event) -> None:
    assert next_status(a_container(status=status), event) is ALLOWED[status, event]


@pytest.mark.parametrize(("status", "event"), [each for each in EVERY if each not in ALLOWED])
def test_every_other_event_is_refused(status: Status, event: Event) -> None:
    with pytest.raises((Conflict, NotModified)):
        next_status(a_container(status=status), event)


@pytest.mark.parametrize(("status", "event"), EVERY)
def test_can_agrees_with_next_status(status: Status, event: Event) -> None:
    assert can(a_container(status=status), event) == ((status, event) in ALLOWED)


@pytest.mark.parametrize(
    ("status", "event", "message"),
    [
        (Status.PAUSED, Event.START, "cannot start a paused container, try unpause instead"),
        (
            Status.REMOVING,
            Event.START,
            "container is marked for removal and cannot be started",
        ),
        (Status.DEAD, Event.START, "container is marked for removal and cannot be started"),
        (Status.PAUSED, Event.PAUSE, f"Container {ID} is already paused"),
        (Status.EXITED, Event.PAUSE, f"container {ID} is not running"),
        (
            Status.RESTARTING,
            Event.PAUSE,
            f"Container {ID} is restarting, wait until the container is running",
        ),
        (Status.RUNNING, Event.UNPAUSE, f"Container {ID} is not paused"),
        (
            Status.RUNNING,
            Event.REMOVE,
            'cannot remove container "/web": container is running: stop the container before '
            "removing or force remove",
        ),
        (
            Status.PAUSED,
            Event.REMOVE,
            'cannot remove container "/web": container is paused and must be unpaused first',
        ),
        (
            Status.RESTARTING,
            Event.REMOVE,
            'cannot remove container "/web": container is restarting: stop the container before '
            "removing or force remove",
        ),
        (Status.REMOVING, Event.REMOVE, f"removal of container {ID} is already in progress"),
    ],
)
def test_refusal_is_dockers_sentence(status: Status, event: Event, message: str) -> None:
    with pytest.raises(Conflict) as caught:
        next_status(a_container(status=status), event)
    assert caught.value.message == message


def test_starting_what_runs_is_not_an_error_for_docker() -> None:
    with pytest.raises(NotModified):
        next_status(a_container(status=Status.RUNNING), Event.START)
