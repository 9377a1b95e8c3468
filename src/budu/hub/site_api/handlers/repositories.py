"""Repositories: their pages and settings, stars."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from budu.base.errors import NotFound, PermissionDenied
from budu.hub.access import Role
from budu.hub.repositories import catalog, facts, settings
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.repositories.markdown import to_html
from budu.hub.repositories.search import Entry
from budu.hub.schema import repositories
from budu.hub.sentences import Sentence
from budu.hub.services import Services
from budu.hub.site_api import records
from budu.hub.site_api.cards import card_of
from budu.hub.site_api.render import moment, role
from budu.hub.site_api.routing import Call


async def create_repository(hub: Services, call: Call) -> records.Repository:
    """Make a repository below an account that one manages."""
    given = call.given(records.RepositoryNew)

    def make(connection: Connection) -> records.Repository:
        settings.create(
            connection,
            given.account,
            given.name,
            actor=call.actor,
            author=call.author,
            summary=given.summary,
            is_private=given.is_private,
            product=given.product,
        )
        name = f"{given.account}/{given.name}"
        return _page(connection, name, _entry(connection, name), hub=hub, call=call)

    made = await hub.database.write(make)
    hub.catalog.forget()
    return made


async def render_markdown(_hub: Services, call: Call) -> records.Rendered:
    """A text's HTML, made and cleaned as a saved overview's."""
    return records.Rendered(html=to_html(call.given(records.MarkdownText).text))


async def get_repository(hub: Services, call: Call) -> records.Repository:
    """A repository's page."""
    name = call.the_repository.name
    entry = await hub.database.recall(("entry", name), lambda c: _entry(c, name))
    return await hub.database.read(lambda c: _page(c, name, entry, hub=hub, call=call))


def _entry(connection: Connection, name: str) -> Entry:
    """What is the same for every reader. Raises: NotFound."""
    found = catalog.entries(connection, repositories.c.name == name)
    if not found:
        raise NotFound(Sentence("hub.no-repository", name=name))
    return found[0]


def _page(
    connection: Connection, name: str, entry: Entry, *, hub: Services, call: Call
) -> records.Repository:
    row, mine = facts.look(connection, name, call.actor)
    if row is None:  # removed meanwhile
        raise NotFound(Sentence("hub.no-repository", name=name))
    card = card_of(entry, hub.options, call.language)
    in_korean = call.language == "ko" and row.overview_ko
    return records.Repository(
        name=row.name,
        account=card.account,
        title=card.title,
        publisher=card.publisher,
        publisher_kind=row.account_kind,
        badge=card.badge,
        product=row.product,
        is_private=row.is_private,
        summary=card.summary,
        overview_html=to_html(row.overview_ko if in_korean else row.overview),
        categories=card.categories,
        architectures=card.architectures,
        systems=card.systems,
        stars=row.stars,
        is_starred=settings.is_starred(connection, row, call.actor.user_id),
        pulls=row.pulls,
        tag_count=settings.tag_count(connection, row),
        role=role(mine),
        pull_command=card.pull_command,
        created_at=moment(row.created_at),
        updated_at=card.updated_at,
        pushed_at=card.pushed_at,
        editing=_editing(connection, row) if mine >= Role.WRITER else None,
    )


def _editing(connection: Connection, row: RepositoryRow) -> records.RepositoryEditing:
    return records.RepositoryEditing(
        summary_en=row.summary,
        summary_ko=row.summary_ko,
        overview=row.overview,
        overview_ko=row.overview_ko,
        synonyms=tuple(row.synonyms),
        immutable_tags=row.immutable_tags,
        size_bytes=settings.size_bytes(connection, row),
        quota_bytes=row.quota_bytes,
    )


async def change_repository(hub: Services, call: Call) -> records.Repository:
    """Change settings."""
    given, row = call.given(records.RepositoryChange), call.repository
    assert row is not None
    values = {
        key: value for key, value in msgspec.structs.asdict(given).items() if value is not UNSET
    }
    if "is_official" in values and not call.actor.is_admin:
        raise PermissionDenied(Sentence("hub.admins-only"))
    await hub.database.write(lambda c: settings.change(c, row, values, call.author))
    hub.catalog.forget()
    return await get_repository(hub, call)


async def delete_repository(hub: Services, call: Call) -> records.Done:
    """Remove a repository with all its tags."""
    row = call.repository
    assert row is not None
    await hub.database.write(lambda connection: settings.delete(connection, row, call.author))
    hub.catalog.forget()
    return records.Done()


async def star(hub: Services, call: Call) -> records.Stars:
    """Star a repository."""
    return await _star(hub, call, is_set=True)


async def unstar(hub: Services, call: Call) -> records.Stars:
    """Take the star back."""
    return await _star(hub, call, is_set=False)


async def _star(hub: Services, call: Call, *, is_set: bool) -> records.Stars:
    row = call.repository
    assert row is not None
    user_id = call.user_id
    count = await hub.database.write(
        lambda connection: settings.set_star(connection, row, user_id, is_set=is_set)
    )
    hub.catalog.forget()
    return records.Stars(stars=count, is_starred=is_set)
