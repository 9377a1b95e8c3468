"""Events as `/events` streams them.

Source: Engine API 1.51, EventMessage; moby 28.3, api/types/events.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import NO_ENTRIES, TEXT, named


class EventActor(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """The object that an event is about."""

    id: str = named("ID", TEXT)
    attributes: dict[str, str] = NO_ENTRIES


class EventMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `status`, `id` and `from` repeat it for containers and images in the old form.

    `time` in unix seconds, `time_nano` in unix nanoseconds.
    """

    status: str = ""
    id: str = ""
    from_: str = msgspec.field(default="", name="from")
    type: str = named("Type", TEXT)
    action: str = named("Action", TEXT)
    actor: EventActor = msgspec.field(default_factory=lambda: EventActor(), name="Actor")
    scope: str = ""
    time: int = 0
    time_nano: int = msgspec.field(default=0, name="timeNano")
