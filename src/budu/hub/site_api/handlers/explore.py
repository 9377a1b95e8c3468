"""Explore: search, filters, categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from budu.hub.repositories.categories import CATEGORIES
from budu.hub.repositories.search import Wanted
from budu.hub.services import Services
from budu.hub.site_api import records
from budu.hub.site_api.cards import card_of
from budu.hub.site_api.routing import Call, page_of


async def explore(hub: Services, call: Call) -> records.ExploreAnswer:
    """Public repositories that fit, a page of them, and what else can be filtered for."""
    asked = call.asked(records.ExploreQuery)
    first, size = page_of(asked.page, asked.page_size)
    found = await hub.catalog.found(_wanted(asked))
    shown = found.entries[first : first + size]
    return records.ExploreAnswer(
        count=len(found.entries),
        results=tuple(card_of(each, hub.options, call.language) for each in shown),
        facets=_facets(found.facets),
        corrected=found.corrected,
    )


def _wanted(asked: records.ExploreQuery) -> Wanted:
    return Wanted(
        query=asked.q,
        categories=_values(asked.category),
        products=_values(asked.product),
        architectures=_values(asked.architecture),
        systems=_values(asked.os),
        is_official=asked.official,
        is_verified=asked.verified,
        sort=asked.sort,
    )


def _values(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _facets(counts: Mapping[str, Mapping[str, int]]) -> records.Facets:
    def values(name: str) -> tuple[records.FacetValue, ...]:
        pairs = counts[name].items()
        return tuple(records.FacetValue(value=value, count=count) for value, count in pairs)

    return records.Facets(
        category=values("category"),
        product=values("product"),
        architecture=values("architecture"),
        os=values("os"),
        official=counts["official"].get("yes", 0),
        verified=counts["verified"].get("yes", 0),
    )


async def get_categories(hub: Services, call: Call) -> records.Categories:
    """The categories with the number of public repositories in each."""
    entries = await hub.catalog.public()
    counts = Counter(slug for each in entries for slug in each.categories)
    return records.Categories(
        results=tuple(
            records.Category(
                slug=slug,
                name=names[call.language == "ko"],
                name_en=names[0],
                name_ko=names[1],
                count=counts[slug],
            )
            for slug, names in CATEGORIES.items()
        )
    )
