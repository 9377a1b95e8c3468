"""What of a repository decides who may do what with it, read for one actor."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument
from budu.hub.access import Actor, Facts, Role, role_of
from budu.hub.accounts import names, people
from budu.hub.accounts.people import USER
from budu.hub.schema import (
    accounts,
    grants,
    memberships,
    repositories,
    team_members,
    upstreams,
)

ROLES = {"reader": Role.READER, "writer": Role.WRITER, "owner": Role.OWNER}
"""Roles by the names that grants have."""

RepositoryRow = Row[Any]
"""A row of `repositories` with its account's `account_name`, `account_kind`, `publisher`,
`is_verified`, `quota_bytes`."""

COLUMNS = (
    repositories,
    accounts.c.name.label("account_name"),
    accounts.c.kind.label("account_kind"),
    accounts.c.display_name.label("publisher"),
    accounts.c.is_verified,
    accounts.c.quota_bytes,
)
LISTED = (
    *(column for column in repositories.c if column.name not in ("overview", "overview_ko")),
    *COLUMNS[1:],
)
"""The same without the long texts, for lists."""
JOINED = sa.join(repositories, accounts, repositories.c.account_id == accounts.c.id)
_BY_NAME = (
    sa.select(*COLUMNS).select_from(JOINED).where(repositories.c.name == sa.bindparam("name"))
)  # made once: making a statement takes longer than SQLite takes to answer it


def role_name(role: Role) -> str:
    """`reader`, `writer`, `owner`, or `none`."""
    return role.name.lower()


def find(connection: Connection, name: str) -> RepositoryRow | None:
    """The repository of a whole name."""
    return connection.execute(_BY_NAME, {"name": name}).first()


def by_id(connection: Connection, repository_id: int) -> RepositoryRow | None:
    """The repository of an id."""
    query = sa.select(*COLUMNS).select_from(JOINED).where(repositories.c.id == repository_id)
    return connection.execute(query).first()


def look(connection: Connection, name: str, actor: Actor) -> tuple[RepositoryRow | None, Role]:
    """A repository and what the actor is to it."""
    row = find(connection, name)
    if row is None:
        return None, Role.NONE
    return row, role_for(connection, row, actor)


def role_for(connection: Connection, row: RepositoryRow, actor: Actor) -> Role:
    """What the actor is to a repository, narrowed by what his token is for."""
    role = role_of(actor, _facts(connection, row, actor))
    if actor.scopes is None:
        return role
    return min(role, actor.scopes.get(row.name, Role.NONE))


def _facts(connection: Connection, row: RepositoryRow, actor: Actor) -> Facts:
    if actor.user_id is None or actor.is_admin:
        return Facts(is_private=row.is_private, account_id=row.account_id)
    owner = row.account_id if row.account_kind == USER else None
    if owner is None and people.role_in(connection, row.account_id, actor.user_id) == "owner":
        owner = actor.user_id
    if owner is not None and owner == actor.user_id:
        return Facts(row.is_private, row.account_id, owners=frozenset({owner}))
    granted = _granted(connection, row.id, actor.user_id)
    return Facts(is_private=row.is_private, account_id=row.account_id, granted=granted)


def _granted(connection: Connection, repository_id: int, user_id: int) -> Role:
    own_teams = sa.select(team_members.c.team_id).where(team_members.c.user_id == user_id)
    query = sa.select(grants.c.role).where(
        grants.c.repository_id == repository_id,
        sa.or_(grants.c.user_id == user_id, grants.c.team_id.in_(own_teams)),
    )
    found = (ROLES.get(role, Role.NONE) for role in connection.execute(query).scalars())
    return max(found, default=Role.NONE)


def role_in(connection: Connection, actor: Actor, repository: str) -> Role:
    """What the actor is to a repository; to one that a push would make, what he would be."""
    row, role = look(connection, repository, actor)
    return role if row is not None else role_in_new(connection, actor, repository)


def role_in_new(connection: Connection, actor: Actor, repository: str) -> Role:
    """What the actor would be to a repository that does not exist: its owner, within what his token
    allows, where the account is his to manage and the name is a right one; everybody is a reader
    of what another registry has below a mirrored account."""
    account, slash, name = repository.partition("/")
    row = people.find(connection, account)
    if row is None or not slash:
        return Role.NONE
    try:
        names.check_repository(name)
    except InvalidArgument:
        return Role.NONE
    if people.manages(connection, actor, row):
        limit = actor.limit
    else:
        limit = Role.READER if _is_mirrored(connection, row.id) else Role.NONE
    return limit if actor.scopes is None else min(limit, actor.scopes.get(repository, Role.NONE))


def _is_mirrored(connection: Connection, account_id: int) -> bool:
    query = sa.select(upstreams.c.account_id).where(upstreams.c.account_id == account_id)
    return connection.execute(query).first() is not None


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """A condition on `repositories`: those that an actor may read."""
    is_public = sa.not_(repositories.c.is_private)
    if actor.user_id is None:
        return is_public
    if actor.is_admin:
        return sa.true()
    user_id = actor.user_id
    owned = sa.select(memberships.c.organization_id).where(
        memberships.c.user_id == user_id, memberships.c.role == "owner"
    )
    own_teams = sa.select(team_members.c.team_id).where(team_members.c.user_id == user_id)
    granted = sa.select(grants.c.repository_id).where(
        sa.or_(grants.c.user_id == user_id, grants.c.team_id.in_(own_teams))
    )
    return sa.or_(
        is_public,
        repositories.c.account_id == user_id,
        repositories.c.account_id.in_(owned),
        repositories.c.id.in_(granted),
    )


def of_account(connection: Connection, account_id: int, actor: Actor) -> tuple[RepositoryRow, ...]:
    """An account's repositories that an actor may read, by name, without the long texts."""
    where = sa.and_(repositories.c.account_id == account_id, visible_to(actor))
    query = sa.select(*LISTED).select_from(JOINED).where(where).order_by(repositories.c.name)
    return (*connection.execute(query),)
