"""Retention rules and grants."""

from __future__ import annotations

from typing import Literal

from budu.hub.site_api.records.base import GrantRole, Record


class RetentionRule(Record, frozen=True, kw_only=True):
    """Tags that fit `pattern` go when they are not among the newest `keep_last`, or older than so
    many days since they were pushed or pulled. Given both, only what fails both goes."""

    pattern: str = "*"
    keep_last: int | None = None
    older_than_days: int | None = None
    since: Literal["pushed", "pulled"] = "pushed"


class Retention(Record, frozen=True, kw_only=True):
    """Rules, and patterns of tags that never go."""

    rules: tuple[RetentionRule, ...] = ()
    protected: tuple[str, ...] = ()


class RetentionVictim(Record, frozen=True, kw_only=True):
    """A tag that would go, by the rule of that index."""

    tag: str
    digest: str
    size_bytes: int
    pushed_at: str
    pulled_at: str | None
    rule: int


class RetentionPreview(Record, frozen=True, kw_only=True):
    """What rules would do now."""

    deletes: tuple[RetentionVictim, ...]
    keeps: int


class Grant(Record, frozen=True, kw_only=True):
    """A role of a user or team; `subject` is `user:NAME` or `team:NAME`."""

    subject: str
    kind: Literal["user", "team"]
    name: str
    role: GrantRole


class Grants(Record, frozen=True, kw_only=True):
    """All of a repository."""

    results: tuple[Grant, ...]


class GrantChange(Record, frozen=True, kw_only=True):
    """The role to give."""

    role: GrantRole
