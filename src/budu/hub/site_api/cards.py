"""A repository as a card of a list."""

from __future__ import annotations

from budu.hub.options import Options
from budu.hub.repositories.search import Entry
from budu.hub.site_api.records import Card
from budu.hub.site_api.render import badge, moment, moment_or_none


def card_of(entry: Entry, options: Options, language: str) -> Card:
    """The card in a reader's language."""
    in_korean = language == "ko" and entry.summary_ko
    return Card(
        name=entry.name,
        account=entry.account,
        title=entry.title,
        publisher=entry.publisher or entry.account,
        summary=entry.summary_ko if in_korean else entry.summary,
        product=entry.product,
        badge=badge(is_official=entry.is_official, is_verified=entry.is_verified),
        is_private=entry.is_private,
        stars=entry.stars,
        pulls=entry.pulls,
        categories=entry.categories,
        architectures=entry.architectures,
        systems=entry.systems,
        updated_at=moment(entry.updated_at),
        pushed_at=moment_or_none(entry.pushed_at),
        pull_command=f"docker pull {options.pull_name(entry.name)}",
    )
