"""The reference page of `/api/v1`, from the route table. Pure."""

from __future__ import annotations

import typing

import msgspec

from budu.hub.site_api.records import Record
from budu.hub.site_api.routes import ROUTES
from budu.hub.site_api.routing import PREFIX
from budu.hub.site_api.typescript import all_records, spelled

_HEAD = f"""# The hub's site API

Below `{PREFIX}`. JSON both ways; errors are a `Failure` in the language of `Accept-Language`
(English, Korean). A browser has the cookie `hub_session`, and `X-CSRF-Token` (from `GET /session`)
on what changes something; programs send `Authorization: Bearer <personal access token>` or Basic
instead."""


def page() -> str:
    """The text of hub-api.md."""
    lines = [_HEAD, "", "| Method | Path | What | Who | Takes | Gives |", "|" + " --- |" * 6]
    for route in ROUTES:
        takes = route.body or route.query
        lines.append(
            f"| {route.method} | `{route.path}` | {route.about} | {route.needs.value} |"
            f" {_link(takes)} | {route.status} {_link(route.answer)} |"
        )
    for record in all_records():
        lines += ["", *_record(record)]
    return "\n".join(lines) + "\n"


def _link(record: type | None) -> str:
    return f"[{record.__name__}](#{record.__name__.lower()})" if record else ""


def _record(record: type[Record]) -> list[str]:
    about = " ".join(line.strip() for line in (record.__doc__ or "").strip().splitlines())
    fields = msgspec.structs.fields(record)
    if not fields:
        return [f"## {record.__name__}", "", about]
    lines = [f"## {record.__name__}", "", about, "", "| Field | Type | |", "| --- | --- | --- |"]
    hints = typing.get_type_hints(record)
    for each in fields:
        kind = spelled(hints[each.name]).replace("|", "\\|")
        lines.append(f"| `{each.encode_name}` | `{kind}` | {'' if each.required else 'optional'} |")
    return lines
