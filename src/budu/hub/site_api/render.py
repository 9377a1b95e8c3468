"""Small translations from rows to what records hold."""

from __future__ import annotations

from typing import Literal

from budu.base.clock import format_time
from budu.hub.access import Role
from budu.hub.site_api import records

_ROLES: dict[Role, records.Role] = {
    Role.NONE: "none",
    Role.READER: "reader",
    Role.WRITER: "writer",
    Role.OWNER: "owner",
}


def moment(at: float) -> str:
    """Seconds since the epoch as RFC 3339, to the millisecond."""
    return format_time(round(at * 1000) * 1_000_000)


def moment_or_none(at: float | None) -> str | None:
    """The same where there may be none."""
    return None if at is None else moment(at)


def role(value: Role) -> records.Role:
    """A role by name."""
    return _ROLES[value]


def badge(*, is_official: bool, is_verified: bool) -> Literal["official", "verified", ""]:
    """The badge of a repository."""
    return "official" if is_official else "verified" if is_verified else ""
