"""Personal access tokens, organizations with their members and teams, the audit log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument, NotFound, PermissionDenied
from budu.hub.accounts import audit, organizations, people, tokens
from budu.hub.accounts.people import AccountRow
from budu.hub.sentences import Sentence
from budu.hub.services import Services
from budu.hub.site_api import records
from budu.hub.site_api.render import moment, moment_or_none
from budu.hub.site_api.routing import Call, page_of

T = TypeVar("T")

_DAY_S = 86400.0
MOST_DAYS = 3650


async def get_tokens(hub: Services, call: Call) -> records.Tokens:
    """One's own tokens."""
    rows = await hub.database.read(lambda c: tokens.of_user(c, call.user_id))
    return records.Tokens(results=tuple(map(_token, rows)))


def _token(row: Row[Any]) -> records.Token:
    return records.Token(
        id=row.id,
        name=row.name,
        scope=row.scope,
        hint=row.hint,
        created_at=moment(row.created_at),
        last_used_at=moment_or_none(row.last_used_at),
        expires_at=moment_or_none(row.expires_at),
    )


async def add_token(hub: Services, call: Call) -> records.TokenMade:
    """Make a token; its secret is shown this once."""
    given = call.given(records.TokenNew)
    days = given.expires_in_days
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InvalidArgument(Sentence("hub.bad-expiry"))
    row, secret = await hub.database.write(
        lambda c: tokens.add(
            c,
            call.user,
            name=given.name,
            scope=given.scope,
            expires_at=None if days is None else time.time() + days * _DAY_S,
            author=call.author,
        )
    )
    return records.TokenMade(token=_token(row), secret=secret)


async def delete_token(hub: Services, call: Call) -> records.Done:
    """Revoke a token."""
    text = call.path["id"]
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise NotFound(Sentence("hub.no-token"))
    await hub.database.write(lambda c: tokens.remove(c, call.user, int(text), call.author))
    return records.Done()


# Organizations


async def create_organization(hub: Services, call: Call) -> records.Account:
    """Make an organization that one owns."""
    given = call.given(records.OrganizationNew)
    name = given.name.strip()

    def make(connection: Connection) -> records.Account:
        organizations.create(
            connection,
            name,
            display_name=given.display_name,
            founder=call.actor,
            author=call.author,
        )
        row = people.get(connection, name)
        return records.Account(
            name=row.name,
            kind=row.kind,
            display_name=row.display_name,
            about=row.about,
            email=row.email,
            is_verified=row.is_verified,
            role="owner",
            repository_count=0,
            created_at=moment(row.created_at),
        )

    return await hub.database.write(make)


def _organization(connection: Connection, call: Call) -> AccountRow:
    return organizations.get(connection, call.path["account"])


async def get_members(hub: Services, call: Call) -> records.Members:
    """Who belongs to the organization."""
    return await hub.database.read(lambda c: _members(c, call))


async def _changed(hub: Services, change: Callable[[Connection], T]) -> T:
    """Write a change of who belongs where; who may see what is looked up anew then."""
    result = await hub.database.write(change)
    hub.catalog.forget()
    return result


def _members(connection: Connection, call: Call) -> records.Members:
    rows = organizations.members(connection, _organization(connection, call))
    return records.Members(
        results=tuple(
            records.Member(name=row.name, display_name=row.display_name, role=row.role)
            for row in rows
        )
    )


async def set_member(hub: Services, call: Call) -> records.Members:
    """Take a user in, or change his role."""
    role = call.given(records.MemberChange).role

    def change(connection: Connection) -> records.Members:
        organizations.set_member(
            connection,
            _organization(connection, call),
            call.path["user"],
            role=role,
            author=call.author,
        )
        return _members(connection, call)

    return await _changed(hub, change)


async def remove_member(hub: Services, call: Call) -> records.Members:
    """Let a member go."""

    def change(connection: Connection) -> records.Members:
        organizations.remove_member(
            connection,
            _organization(connection, call),
            call.path["user"],
            author=call.author,
        )
        return _members(connection, call)

    return await _changed(hub, change)


async def get_teams(hub: Services, call: Call) -> records.Teams:
    """The organization's teams."""
    return await hub.database.read(lambda c: _teams(c, call))


def _teams(connection: Connection, call: Call) -> records.Teams:
    rows = organizations.teams_of(connection, _organization(connection, call))
    return records.Teams(
        results=tuple(
            records.Team(
                name=row.name,
                about=row.about,
                members=tuple(organizations.team_member_names(connection, row.id)),
            )
            for row in rows
        )
    )


async def set_team(hub: Services, call: Call) -> records.Teams:
    """Make a team, or change what is said about it."""
    about = call.given(records.TeamChange).about

    def change(connection: Connection) -> records.Teams:
        organizations.set_team(
            connection,
            _organization(connection, call),
            call.path["team"],
            about=about,
            author=call.author,
        )
        return _teams(connection, call)

    return await _changed(hub, change)


async def remove_team(hub: Services, call: Call) -> records.Teams:
    """Remove a team."""

    def change(connection: Connection) -> records.Teams:
        organizations.remove_team(
            connection, _organization(connection, call), call.path["team"], author=call.author
        )
        return _teams(connection, call)

    return await _changed(hub, change)


async def add_team_member(hub: Services, call: Call) -> records.Teams:
    """Take a member of the organization into a team."""

    def change(connection: Connection) -> records.Teams:
        organizations.set_team_member(
            connection,
            _organization(connection, call),
            call.path["team"],
            user=call.path["user"],
            author=call.author,
        )
        return _teams(connection, call)

    return await _changed(hub, change)


async def remove_team_member(hub: Services, call: Call) -> records.Teams:
    """Let a member of a team go."""

    def change(connection: Connection) -> records.Teams:
        organizations.remove_team_member(
            connection,
            _organization(connection, call),
            call.path["team"],
            user=call.path["user"],
            author=call.author,
        )
        return _teams(connection, call)

    return await _changed(hub, change)


# Audit


async def get_audit(hub: Services, call: Call) -> records.AuditPage:
    """Who did what: of an account that one manages; an admin sees `*`, all of them."""
    asked = call.asked(records.AuditQuery)
    first, size = page_of(asked.page, asked.page_size)
    name = asked.account or call.actor.name

    def query(connection: Connection) -> tuple[int, list[Row[Any]]]:
        if name == "*":
            if not call.actor.is_admin:
                raise PermissionDenied(Sentence("hub.admins-only"))
            return audit.page(connection, account="", first=first, count=size)
        if call.actor.is_admin:  # also of an account that is gone
            return audit.page(connection, account=name, first=first, count=size)
        row = people.get(connection, name)
        if not people.manages(connection, call.actor, row):
            raise PermissionDenied(Sentence("hub.not-yours", name=name))
        since = row.created_at  # who had the name before did nothing that is his to know
        return audit.page(connection, account=name, first=first, count=size, since=since)

    count, rows = await hub.database.read(query)
    return records.AuditPage(count=count, results=tuple(map(_entry, rows)))


def _entry(row: Row[Any]) -> records.AuditEntry:
    return records.AuditEntry(
        at=moment(row.at),
        actor=row.actor,
        address=row.address,
        action=row.action,
        account=row.account,
        target=row.target,
        detail=dict(row.detail or {}),
    )
