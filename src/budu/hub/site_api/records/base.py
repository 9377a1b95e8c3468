"""What all records have in common: their root, their small vocabularies, and failure."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["none", "reader", "writer", "owner"]
AccountKind = Literal["user", "organization"]
Badge = Literal["official", "verified", ""]
Scope = Literal["read", "write", "admin"]
Event = Literal["push", "delete", "pull"]
MemberRole = Literal["owner", "member"]
GrantRole = Literal["reader", "writer", "owner"]


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Root of all records."""


class Failure(Record, frozen=True, kw_only=True):
    """Any answer that is no success."""

    message: str
    hint: str | None = None
    code: str


class Done(Record, frozen=True, kw_only=True):
    """The answer where there is nothing to tell."""
