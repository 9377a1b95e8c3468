"""What `/api/v1` takes and gives, as records; their names on the wire are camelCase.

`web/hub/src/api/types.ts` and docs/reference/hub-api.md are generated from here. Times are RFC 3339
texts in UTC. A field of a change that is left out stays as it is.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

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


# Sessions and accounts


class HubFacts(Record, frozen=True, kw_only=True):
    """What is true for everybody."""

    name: str
    address: str
    can_sign_up: bool
    version: str


class Membership(Record, frozen=True, kw_only=True):
    """An organization somebody belongs to."""

    name: str
    display_name: str
    role: MemberRole


class User(Record, frozen=True, kw_only=True):
    """Who is signed in."""

    name: str
    display_name: str
    email: str
    is_admin: bool
    organizations: tuple[Membership, ...]


class Session(Record, frozen=True, kw_only=True):
    """Who asks; `user` is null for nobody, `csrf_token` empty then."""

    user: User | None
    csrf_token: str
    hub: HubFacts


class SignIn(Record, frozen=True, kw_only=True):
    """A sign-in."""

    name: str
    password: str


class SignUp(Record, frozen=True, kw_only=True):
    """A new user."""

    name: str
    password: str
    email: str = ""
    display_name: str = ""


class Account(Record, frozen=True, kw_only=True):
    """A profile. `email` is null for others than its owner; `role` is what the reader is to it."""

    name: str
    kind: AccountKind
    display_name: str
    about: str
    email: str | None
    is_verified: bool
    role: Role
    repository_count: int
    created_at: str


class AccountChange(Record, frozen=True, kw_only=True):
    """New values of one's own account, or of an organization one owns."""

    display_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    about: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    old_password: str | UnsetType = UNSET


# Explore


class Card(Record, frozen=True, kw_only=True):
    """A repository in a list. `summary` is in the reader's language."""

    name: str
    account: str
    title: str
    publisher: str
    summary: str
    product: str
    badge: Badge
    is_private: bool
    stars: int
    pulls: int
    categories: tuple[str, ...]
    architectures: tuple[str, ...]
    systems: tuple[str, ...]
    updated_at: str
    pushed_at: str | None
    pull_command: str


class FacetValue(Record, frozen=True, kw_only=True):
    """How many of the results have a value."""

    value: str
    count: int


class Facets(Record, frozen=True, kw_only=True):
    """Counts by value of what can be filtered for."""

    category: tuple[FacetValue, ...]
    product: tuple[FacetValue, ...]
    architecture: tuple[FacetValue, ...]
    os: tuple[FacetValue, ...]
    official: int
    verified: int


class ExploreAnswer(Record, frozen=True, kw_only=True):
    """A page of results. `corrected` is the word that was searched in place of one nothing has."""

    count: int
    results: tuple[Card, ...]
    facets: Facets
    corrected: str | None


class ExploreQuery(Record, frozen=True, kw_only=True):
    """What is looked for; several values are apart by commas."""

    q: str = ""
    category: str = ""
    product: str = ""
    architecture: str = ""
    os: str = ""
    official: bool = False
    verified: bool = False
    sort: Literal["best", "pulls", "updated", "name"] = "best"
    page: int = 1
    page_size: int = 25


class PageQuery(Record, frozen=True, kw_only=True):
    """A page of a list."""

    q: str = ""
    page: int = 1
    page_size: int = 25


class Category(Record, frozen=True, kw_only=True):
    """One of the fixed categories."""

    slug: str
    name: str
    name_en: str
    name_ko: str
    count: int


class Categories(Record, frozen=True, kw_only=True):
    """All of them."""

    results: tuple[Category, ...]


class CardPage(Record, frozen=True, kw_only=True):
    """A page of repositories."""

    count: int
    results: tuple[Card, ...]


# Repositories


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


# Tags


class TagsQuery(Record, frozen=True, kw_only=True):
    """Which tags."""

    q: str = ""
    sort: Literal["name", "pushed", "pulled", "size"] = "pushed"
    page: int = 1
    page_size: int = 25


class TagImage(Record, frozen=True, kw_only=True):
    """One platform of a tag. `size_bytes` counts the compressed layers and the config."""

    digest: str
    platform: str
    os: str
    architecture: str
    variant: str
    size_bytes: int


class Tag(Record, frozen=True, kw_only=True):
    """A tag in the list."""

    name: str
    digest: str
    media_type: str
    size_bytes: int
    images: tuple[TagImage, ...]
    pushed_at: str
    pushed_by: str
    pulled_at: str | None
    is_immutable: bool
    pull_command: str


class TagPage(Record, frozen=True, kw_only=True):
    """A page of tags."""

    count: int
    results: tuple[Tag, ...]


class ImageSettings(Record, frozen=True, kw_only=True):
    """What of an image's config people ask for."""

    created_at: str | None
    author: str
    user: str
    working_dir: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    env: tuple[str, ...]
    exposed_ports: tuple[str, ...]
    volumes: tuple[str, ...]
    labels: dict[str, str]
    stop_signal: str


class Layer(Record, frozen=True, kw_only=True):
    """One step of an image's making; a step without a layer has neither digest nor size."""

    command: str
    created_at: str | None
    comment: str
    digest: str | None
    size_bytes: int


class Referrer(Record, frozen=True, kw_only=True):
    """What refers to an image: a signature, an attestation, a list of parts."""

    digest: str
    kind: Literal["signature", "attestation", "sbom", "other"]
    artifact_type: str
    size_bytes: int
    annotations: dict[str, str]
    pushed_at: str


class TagImageDetails(Record, frozen=True, kw_only=True):
    """One platform of a tag, opened. `settings` is null for what is no image."""

    digest: str
    platform: str
    os: str
    architecture: str
    variant: str
    media_type: str
    artifact_type: str
    size_bytes: int
    config_digest: str | None
    settings: ImageSettings | None
    layers: tuple[Layer, ...]
    dockerfile: str
    referrers: tuple[Referrer, ...]


class TagDetails(Record, frozen=True, kw_only=True):
    """A tag, opened."""

    tag: Tag
    images: tuple[TagImageDetails, ...]
    referrers: tuple[Referrer, ...]


class TagNames(Record, frozen=True, kw_only=True):
    """Some tags."""

    tags: tuple[str, ...]


class TagsDeleted(Record, frozen=True, kw_only=True):
    """What went, and why others stayed."""

    deleted: tuple[str, ...]
    refused: tuple[TagRefused, ...]


class TagRefused(Record, frozen=True, kw_only=True):
    """A tag that stays."""

    tag: str
    message: str


# Webhooks


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


# Retention and grants


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


# Tokens


class Token(Record, frozen=True, kw_only=True):
    """A personal access token."""

    id: int
    name: str
    scope: Scope
    hint: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None


class Tokens(Record, frozen=True, kw_only=True):
    """All of a user."""

    results: tuple[Token, ...]


class TokenNew(Record, frozen=True, kw_only=True):
    """A new token."""

    name: str
    scope: Scope = "read"
    expires_in_days: int | None = None


class TokenMade(Record, frozen=True, kw_only=True):
    """A new token and its secret, which is shown this once."""

    token: Token
    secret: str


# Organizations


class OrganizationNew(Record, frozen=True, kw_only=True):
    """A new organization; who makes it owns it."""

    name: str
    display_name: str = ""


class Member(Record, frozen=True, kw_only=True):
    """A member."""

    name: str
    display_name: str
    role: MemberRole


class Members(Record, frozen=True, kw_only=True):
    """All members."""

    results: tuple[Member, ...]


class MemberChange(Record, frozen=True, kw_only=True):
    """The role to give."""

    role: MemberRole = "member"


class Team(Record, frozen=True, kw_only=True):
    """A team with its members' names."""

    name: str
    about: str
    members: tuple[str, ...]


class Teams(Record, frozen=True, kw_only=True):
    """All teams."""

    results: tuple[Team, ...]


class TeamChange(Record, frozen=True, kw_only=True):
    """What is said about a team."""

    about: str = ""


# Audit and administration


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
