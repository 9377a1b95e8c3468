"""Finds, filters and orders repositories. Pure: entries in, a page out.

Order of `best`: the exact name, a synonym, a name that begins so, a name that holds it, any text
that holds it; among equals the official, the verified, then stars and pulls. When nothing is found
the nearest known words are searched instead, and told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from budu.base.suggest import nearest
from budu.hub.repositories.categories import CATEGORIES
from budu.hub.repositories.synonyms import all_words, meanings, squeezed

EXACT, SYNONYM, BEGINS, NAMED, TEXT = range(5)
_LONGEST_QUERY = 200
_LONGEST_WORD = 40
_MOST_WORDS = 8


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the search knows of a repository."""

    name: str
    """Whole: `library/httpd`."""
    publisher: str = ""
    summary: str = ""
    summary_ko: str = ""
    product: str = "image"
    is_official: bool = False
    is_verified: bool = False
    is_private: bool = False
    stars: int = 0
    pulls: int = 0
    updated_at: float = 0.0
    pushed_at: float | None = None
    categories: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The part before the slash."""
        return self.name.partition("/")[0]

    @property
    def title(self) -> str:
        """The part after the slash."""
        return self.name.partition("/")[2]

    @cached_property
    def words(self) -> frozenset[str]:
        """Its own synonyms, as phrases are compared."""
        return frozenset(squeezed(word) for word in self.synonyms)

    @cached_property
    def text(self) -> str:
        """Everything that may be searched, lower case."""
        categories = (name for slug in self.categories for name in CATEGORIES.get(slug, ()))
        parts = (self.name, self.publisher, self.summary, self.summary_ko, *self.synonyms)
        return "\n".join((*parts, *categories)).lower()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody looks for. Within a filter any value will do, all filters must fit."""

    query: str = ""
    categories: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    architectures: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()
    is_official: bool = False
    is_verified: bool = False
    sort: str = "best"


@dataclass(frozen=True)
class Found:
    """What fits, in order."""

    entries: tuple[Entry, ...]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    corrected: str | None = None


def search(entries: Sequence[Entry], wanted: Wanted) -> Found:
    """The entries that fit."""
    query = _normal(wanted.query)
    ranked, corrected = _ranked(entries, query), None
    if query and not ranked:
        corrected = _correction(entries, query)
        ranked = _ranked(entries, corrected) if corrected else {}
        corrected = corrected if ranked else None
    found = [each for each in entries if each.name in ranked]
    filters = _filters(wanted)
    fitting = [each for each in found if _fits(each, filters)]
    return Found(
        entries=tuple(sorted(fitting, key=_order(wanted.sort, ranked))),
        facets=_facets(found, filters),
        corrected=corrected,
    )


def _normal(query: str) -> str:
    text = " ".join(query[:_LONGEST_QUERY].lower().split())
    return text.removeprefix("docker pull ").removeprefix("docker.io/").removeprefix("library/")


def _ranked(entries: Iterable[Entry], query: str) -> dict[str, int]:
    """How well each entry that fits a query does, by name."""
    meant, squeezed_query, words = meanings(query), squeezed(query), query.split()
    ranks = {}
    for entry in entries:
        rank = _rank(entry, query, squeezed_query, meant=meant, words=words)
        if rank is not None:
            ranks[entry.name] = rank
    return ranks


def _rank(
    entry: Entry, query: str, squeezed_query: str, *, meant: frozenset[str], words: Sequence[str]
) -> int | None:
    title = entry.title
    if not query or query in (title, entry.name):
        return EXACT
    if squeezed_query in entry.words or (title in meant and entry.is_official):
        return SYNONYM
    if title.startswith(squeezed_query):
        return BEGINS
    if squeezed_query in title or title in meant:
        return NAMED
    if all(word in entry.text for word in words):
        return TEXT
    return None


def _correction(entries: Iterable[Entry], query: str) -> str | None:
    """The query with each word replaced by the nearest known one; None when one has no near."""
    known = {*all_words(), *(each.title for each in entries)}
    known |= {word for each in entries for word in each.words}
    whole = nearest(squeezed(query)[:_LONGEST_WORD], known)
    if whole:
        return whole
    near = []
    for word in query.split()[:_MOST_WORDS]:
        found = nearest(word[:_LONGEST_WORD], known)
        if found is None:
            return None
        near.append(found)
    return " ".join(near) or None


_Filters = Mapping[str, tuple[frozenset[str], Callable[[Entry], Collection[str]]]]
"""By the filter's name: the values that were asked for, and those that an entry has."""


def _fits(entry: Entry, filters: _Filters) -> bool:
    """Whether an entry passes every filter."""
    return all(not asked or not asked.isdisjoint(have(entry)) for asked, have in filters.values())


def _filters(wanted: Wanted) -> _Filters:
    return {
        "category": (wanted.categories, lambda each: each.categories),
        "product": (wanted.products, lambda each: (each.product,)),
        "architecture": (wanted.architectures, lambda each: each.architectures),
        "os": (wanted.systems, lambda each: each.systems),
        "official": (_flag(wanted.is_official), lambda each: _flag(each.is_official)),
        "verified": (_flag(wanted.is_verified), lambda each: _flag(each.is_verified)),
    }


_YES: frozenset[str] = frozenset({"yes"})
_NO: frozenset[str] = frozenset()


def _flag(value: bool) -> frozenset[str]:
    return _YES if value else _NO


def _facets(entries: Sequence[Entry], filters: _Filters) -> dict[str, dict[str, int]]:
    """For each filter: how many would be left by each of its values, the other filters kept."""
    facets = {}
    for name, (_, have) in filters.items():
        others = {each: pair for each, pair in filters.items() if pair[0] and each != name}
        left = [each for each in entries if _fits(each, others)] if others else entries
        counts = Counter(value for each in left for value in have(each))
        facets[name] = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return facets


def _order(sort: str, ranks: Mapping[str, int]) -> Callable[[Entry], tuple[object, ...]]:
    match sort:
        case "pulls":
            return lambda each: (-each.pulls, each.name)
        case "updated":
            return lambda each: (-(each.pushed_at or each.updated_at), each.name)
        case "name":
            return lambda each: (each.title, each.name)
    return lambda each: (
        ranks[each.name],
        not each.is_official,
        not each.is_verified,
        -each.stars,
        -each.pulls,
        each.name,
    )
