"""Docker Hub's documents, as far as clients read them. Names on the wire are the fields' own.

Source: docs.docker.com, "Docker Hub API reference"; the answers of hub.docker.com and of
index.docker.io/v1/search in 2026.
"""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Root of all records."""


class Found(Record, frozen=True, kw_only=True):
    """A result of `/v1/search`."""

    name: str
    description: str
    star_count: int
    is_official: bool
    is_automated: bool = False
    is_trusted: bool = False


class SearchV1(Record, frozen=True, kw_only=True):
    """The answer of `/v1/search`."""

    query: str
    num_results: int
    num_pages: int
    page: int
    page_size: int
    results: tuple[Found, ...]


class FoundV2(Record, frozen=True, kw_only=True):
    """A result of `/v2/search/repositories`."""

    repo_name: str
    short_description: str
    star_count: int
    pull_count: int
    is_official: bool
    repo_owner: str = ""
    is_automated: bool = False


class Page(Record, frozen=True, kw_only=True):
    """A page of anything."""

    count: int
    next: str | None
    previous: str | None
    results: tuple[object, ...]


class Category(Record, frozen=True, kw_only=True):
    """A category of a repository."""

    name: str
    slug: str


class Permissions(Record, frozen=True, kw_only=True):
    """What the asker may."""

    read: bool
    write: bool
    admin: bool


class ListedRepository(Record, frozen=True, kw_only=True):
    """A repository in a list."""

    name: str
    namespace: str
    repository_type: str
    status: int = 1
    status_description: str = "active"
    description: str
    is_private: bool
    star_count: int
    pull_count: int
    last_updated: str | None
    last_modified: str | None
    date_registered: str
    affiliation: str = ""
    media_types: tuple[str, ...] = ()
    content_types: tuple[str, ...]
    categories: tuple[Category, ...]
    storage_size: int = 0


class Repository(ListedRepository, frozen=True, kw_only=True):
    """A repository."""

    user: str
    hub_user: str
    is_automated: bool = False
    collaborator_count: int = 0
    has_starred: bool
    full_description: str | None
    permissions: Permissions
    is_migrated: bool = False


class TagImage(Record, frozen=True, kw_only=True):
    """A platform of a tag."""

    architecture: str
    features: str = ""
    variant: str | None
    digest: str
    os: str
    os_features: str = ""
    os_version: str | None = None
    size: int
    status: str = "active"
    last_pulled: str | None
    last_pushed: str


class Tag(Record, frozen=True, kw_only=True):
    """A tag."""

    name: str
    digest: str
    media_type: str
    content_type: str
    images: tuple[TagImage, ...]
    full_size: int
    last_updated: str
    last_updater_username: str
    tag_status: str = "active"
    tag_last_pulled: str | None
    tag_last_pushed: str
    creator: int = 0
    id: int = 0
    repository: int
    v2: bool = True


class Login(Record, frozen=True, kw_only=True):
    """`/v2/users/login` and `/v2/auth/token`, which has other words for the same."""

    username: str = ""
    password: str = ""
    identifier: str = ""
    secret: str = ""


class Change(Record, frozen=True, kw_only=True):
    """New texts of a repository."""

    description: str | msgspec.UnsetType = msgspec.UNSET
    full_description: str | msgspec.UnsetType = msgspec.UNSET
    is_private: bool | msgspec.UnsetType = msgspec.UNSET


class Profile(Record, frozen=True, kw_only=True):
    """Who asks."""

    id: str
    username: str
    full_name: str
    type: str = "User"
    date_joined: str
