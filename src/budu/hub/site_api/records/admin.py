"""The audit log, and what the hub's admin sees."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from budu.hub.site_api.records.base import AccountKind, Record


class AuditQuery(Record, frozen=True, kw_only=True):
    """Whose entries; empty are one's own account's."""

    account: str = ""
    page: int = 1
    page_size: int = 50


class AuditEntry(Record, frozen=True, kw_only=True):
    """Who did what. `detail` never holds secrets."""

    at: str
    actor: str
    address: str
    action: str
    account: str
    target: str
    detail: dict[str, object]


class AuditPage(Record, frozen=True, kw_only=True):
    """A page of entries, newest first."""

    count: int
    results: tuple[AuditEntry, ...]


class AdminAccount(Record, frozen=True, kw_only=True):
    """An account as the hub's admin sees it."""

    name: str
    kind: AccountKind
    display_name: str
    email: str
    is_admin: bool
    is_disabled: bool
    is_verified: bool
    quota_bytes: int | None
    used_bytes: int
    created_at: str


class AdminAccounts(Record, frozen=True, kw_only=True):
    """A page of accounts."""

    count: int
    results: tuple[AdminAccount, ...]


class AdminAccountChange(Record, frozen=True, kw_only=True):
    """New values."""

    is_admin: bool | UnsetType = UNSET
    is_disabled: bool | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET
    quota_bytes: int | UnsetType | None = UNSET


class SweepAnswer(Record, frozen=True, kw_only=True):
    """What a garbage collection took."""

    blobs: int
    bytes: int
    uploads: int


class Upstream(Record, frozen=True, kw_only=True):
    """The registry that an account mirrors; its password is never told."""

    account: str
    url: str
    user_name: str
    has_password: bool
    fresh_s: float


class Upstreams(Record, frozen=True, kw_only=True):
    """All accounts that mirror a registry."""

    results: tuple[Upstream, ...]


class UpstreamChange(Record, frozen=True, kw_only=True):
    """A registry to mirror. A password that is left out stays."""

    url: str
    user_name: str = ""
    password: str | UnsetType = UNSET
    fresh_s: float = 300.0
