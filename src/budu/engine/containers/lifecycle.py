"""The life of a container as data: which status may follow which, and why not.

         create            start              exit
    (none) ──▶ created ─────────▶ running ───────────▶ exited ──▶ (start again)
                  │               │  ▲ │ pause/unpause    │
                  │               ▼  │ ▼                  │
                  │         restarting  paused            │
                  └────────────▶ removing ◀───────────────┘ ──▶ (none), or dead when removal failed

Pure: no effect happens here. `service` checks with `next_status` before it acts and again when it
stores. After an engine start, `reconcile` recomputes the status from facts and feeds the matching
event.
"""

from __future__ import annotations

from enum import StrEnum

from budu.base.errors import Conflict, NotModified
from budu.engine.containers.model import Container, Status


class Event(StrEnum):
    """What happens to a container."""

    START = "start"
    EXIT = "exit"
    EXIT_TO_RESTART = "exit_to_restart"
    GIVE_UP_RESTART = "give_up_restart"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    REMOVE = "remove"
    REMOVE_FAILED = "remove_failed"
    START_FAILED = "start_failed"


_NEXT: dict[tuple[Status, Event], Status] = {
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


def next_status(container: Container, event: Event) -> Status:
    """The status after `event`.

    Raises: NotModified when the container is there already, Conflict with Docker's sentence when
    its status forbids the event.
    """
    following = _NEXT.get((container.status, event))
    if following is not None:
        return following
    raise _refusal(container, event)


def can(container: Container, event: Event) -> bool:
    """Whether `event` may happen now."""
    return (container.status, event) in _NEXT


def _refusal(container: Container, event: Event) -> Exception:
    match event, container.status:
        case Event.START, Status.RUNNING:
            return NotModified("container is already running", reference=container.id)
        case Event.START, Status.PAUSED:
            return Conflict("cannot start a paused container, try unpause instead")
        case Event.START, _:
            return Conflict("container is marked for removal and cannot be started")
        case Event.PAUSE, Status.PAUSED:
            return Conflict(f"Container {container.id} is already paused")
        case Event.PAUSE, Status.RESTARTING:
            return Conflict(
                f"Container {container.id} is restarting, wait until the container is running"
            )
        case Event.PAUSE, _:
            return Conflict(f"container {container.id} is not running")
        case Event.UNPAUSE, _:
            return Conflict(f"Container {container.id} is not paused")
        case Event.REMOVE, Status.REMOVING:
            return Conflict(f"removal of container {container.id} is already in progress")
        case Event.REMOVE, _:
            return Conflict(_removal_refused(container))
        case _:
            return Conflict(
                f"container {container.id} is {container.status}, it cannot {event} now"
            )


def _removal_refused(container: Container) -> str:
    refused = f'cannot remove container "/{container.name}": container is {container.status}'
    if container.status is Status.PAUSED:
        return f"{refused} and must be unpaused first"
    return f"{refused}: stop the container before removing or force remove"
