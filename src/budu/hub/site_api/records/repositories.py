"""A repository: its page, its settings, who was granted a role in it."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from budu.hub.site_api.records.base import AccountKind, Badge, Record, Role


class RepositoryNew(Record, frozen=True, kw_only=True):
    """A new repository."""

    account: str
    name: str
    summary: str = ""
    is_private: bool = False
    product: str = "image"


class Repository(Record, frozen=True, kw_only=True):
    """A repository's page. The last fields are null for readers."""

    name: str
    account: str
    title: str
    publisher: str
    publisher_kind: AccountKind
    badge: Badge
    product: str
    is_private: bool
    summary: str
    overview_html: str
    categories: tuple[str, ...]
    architectures: tuple[str, ...]
    systems: tuple[str, ...]
    stars: int
    is_starred: bool
    pulls: int
    tag_count: int
    role: Role
    pull_command: str
    created_at: str
    updated_at: str
    pushed_at: str | None
    editing: RepositoryEditing | None


class RepositoryEditing(Record, frozen=True, kw_only=True):
    """What who may write sees besides: the texts as they were written, and the settings."""

    summary_en: str
    summary_ko: str
    overview: str
    overview_ko: str
    synonyms: tuple[str, ...]
    immutable_tags: str
    size_bytes: int
    quota_bytes: int | None


class RepositoryChange(Record, frozen=True, kw_only=True):
    """New settings. `is_official` is the admin's to set."""

    summary: str | UnsetType = UNSET
    summary_ko: str | UnsetType = UNSET
    overview: str | UnsetType = UNSET
    overview_ko: str | UnsetType = UNSET
    is_private: bool | UnsetType = UNSET
    is_official: bool | UnsetType = UNSET
    product: str | UnsetType = UNSET
    categories: tuple[str, ...] | UnsetType = UNSET
    synonyms: tuple[str, ...] | UnsetType = UNSET
    immutable_tags: str | UnsetType = UNSET


class MarkdownText(Record, frozen=True, kw_only=True):
    """A text under way."""

    text: str


class Rendered(Record, frozen=True, kw_only=True):
    """A text as readers will see it."""

    html: str


class Stars(Record, frozen=True, kw_only=True):
    """How many have starred it, and whether the reader has."""

    stars: int
    is_starred: bool
