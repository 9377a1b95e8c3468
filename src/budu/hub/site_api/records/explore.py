"""Lists of repositories, and what is asked of them."""

from __future__ import annotations

from typing import Literal

from budu.hub.site_api.records.base import Badge, Record


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
