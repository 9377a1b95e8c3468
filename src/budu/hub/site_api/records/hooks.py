"""Webhooks and their messages."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from budu.hub.site_api.records.base import Event, Record


class Webhook(Record, frozen=True, kw_only=True):
    """A webhook; its secret is never told."""

    id: int
    name: str
    url: str
    events: tuple[Event, ...]
    has_secret: bool
    is_active: bool
    created_at: str


class WebhookNew(Record, frozen=True, kw_only=True):
    """A new webhook."""

    name: str
    url: str
    secret: str = ""
    events: tuple[Event, ...] = ("push",)


class WebhookChange(Record, frozen=True, kw_only=True):
    """New values."""

    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    events: tuple[Event, ...] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class Webhooks(Record, frozen=True, kw_only=True):
    """All of a repository."""

    results: tuple[Webhook, ...]


class Delivery(Record, frozen=True, kw_only=True):
    """One message to a webhook. `next_at` is null when it is done or given up."""

    id: int
    event: str
    payload: str
    attempts: int
    status: int | None
    error: str
    created_at: str
    next_at: str | None
    finished_at: str | None


class Deliveries(Record, frozen=True, kw_only=True):
    """The newest of a webhook."""

    results: tuple[Delivery, ...]
