"""`budu events`: what happens in the engine, as it happens. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag
from budu.cli.moments import moment_of
from budu.cli.values import filters_of, read_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from budu.cli.context import Context

_BILLION = 1_000_000_000


def run_events(context: Context, call: Call) -> int:
    """Print past events from `--since` on and then live ones, up to `--until`."""
    form = call.text("format")
    show = _printer(form)
    filters = call.values["filter"]
    events = context.session.events(
        since=moment_of("since", call.text("since")),
        until=moment_of("until", call.text("until")),
        filters=filters_of(filters) if isinstance(filters, list) else None,
    )
    for event in events:
        context.out.write(show(event) + "\n")
        context.out.flush()
    return 0


def _printer(form: str) -> Callable[[Mapping[str, Any]], str]:
    """What makes a line of an event.

    Raises: Exit for a malformed template, before anything is asked.
    """
    if not form:
        return event_line
    if form == "json":
        from budu.client.json import dumps

        return lambda event: dumps(event).decode()
    from budu.cli.format import template_printer

    apply = template_printer(form)
    return lambda event: apply(_fields(event))


def _fields(event: Mapping[str, Any]) -> dict[str, object]:
    """The fields as templates name them. Source: moby, api/types/events.Message."""
    return {
        "Status": event.get("status", ""),
        "ID": event.get("id", ""),
        "From": event.get("from", ""),
        "Type": event["Type"],
        "Action": event["Action"],
        "Actor": event["Actor"],
        "Scope": event.get("scope", ""),
        "Time": event["time"],
        "TimeNano": event["timeNano"],
    }


def event_line(event: Mapping[str, Any]) -> str:
    """Docker's line: time, type, action, id and sorted attributes.

    Source: docker/cli, command/system/events.go (prettyPrintEvent).
    """
    from budu.cli.tables.times import rfc3339_local

    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    moment = rfc3339_local(event["timeNano"])
    line = f"{moment} {event['Type']} {event['Action']} {actor.get('ID', '')}"
    if not attributes:
        return line
    listed = ", ".join(f"{key}={attributes[key]}" for key in sorted(attributes))
    return f"{line} ({listed})"


EVENTS = Command(
    run_events,
    usage="[OPTIONS]",
    help=("Show what happens in the engine, as it happens",
          "엔진에서 일어나는 일을 실시간으로 봅니다"),
    flags=(
        Flag("filter", "filter", short="f", read=read_filter,
             help=("Show only what matches", "조건에 맞는 것만 보입니다")),
        Flag("format", "string", help=("json, or a Go template", "json 또는 Go 템플릿")),
        Flag("since", "string", help=("From this time on", "이 시각부터")),
        Flag("until", "string", help=("Up to this time", "이 시각까지")),
    ),
    most=0,
)  # fmt: skip
