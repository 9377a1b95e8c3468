"""Roles that users and teams were given in a repository."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.accounts import audit, organizations, people
from budu.hub.accounts.audit import Author
from budu.hub.accounts.people import ORGANIZATION
from budu.hub.repositories.facts import ROLES, RepositoryRow
from budu.hub.schema import accounts, grants, teams
from budu.hub.sentences import Sentence


def every(connection: Connection, row: RepositoryRow) -> list[Row[Any]]:
    """The grants: kind (user, team), name, role; by name."""
    users = sa.select(sa.literal("user").label("kind"), accounts.c.name, grants.c.role).select_from(
        sa.join(grants, accounts, grants.c.user_id == accounts.c.id)
    )
    of_teams = sa.select(sa.literal("team").label("kind"), teams.c.name, grants.c.role).select_from(
        sa.join(grants, teams, grants.c.team_id == teams.c.id)
    )
    where = grants.c.repository_id == row.id
    both = sa.union_all(users.where(where), of_teams.where(where)).subquery()
    return [*connection.execute(sa.select(both).order_by(both.c.kind, both.c.name))]


def give(
    connection: Connection, row: RepositoryRow, subject: str, *, role: str, author: Author
) -> None:
    """Give a role to `user:NAME` or `team:NAME`, in place of what it had.

    Raises: InvalidArgument, NotFound.
    """
    if role not in ROLES:
        raise InvalidArgument(Sentence("hub.bad-role", roles=", ".join(ROLES)))
    column, subject_id = _subject(connection, row, subject)
    _remove(connection, row, column, subject_id)
    values = {"repository_id": row.id, column.name: subject_id, "role": role}
    connection.execute(sa.insert(grants).values(**values))
    _note(connection, author, "grant.set", row, {"to": subject, "role": role})


def take(connection: Connection, row: RepositoryRow, subject: str, *, author: Author) -> None:
    """Take a role back. Raises: NotFound."""
    column, subject_id = _subject(connection, row, subject)
    if not _remove(connection, row, column, subject_id):
        raise NotFound(Sentence("hub.no-grant", subject=subject[:80]))
    _note(connection, author, "grant.remove", row, {"to": subject})


def _subject(
    connection: Connection, row: RepositoryRow, subject: str
) -> tuple[sa.Column[int], int]:
    kind, _, name = subject.partition(":")
    if kind == "user":
        return grants.c.user_id, people.get_user(connection, name).id
    if kind == "team":
        owner = people.get(connection, row.account_name)
        if owner.kind != ORGANIZATION:
            raise NotFound(Sentence("hub.no-team", name=name[:64]))
        return grants.c.team_id, organizations.team(connection, owner, name).id
    raise InvalidArgument(Sentence("hub.bad-subject"))


def _remove(
    connection: Connection, row: RepositoryRow, column: sa.Column[int], subject_id: int
) -> int:
    where = (grants.c.repository_id == row.id, column == subject_id)
    return connection.execute(sa.delete(grants).where(*where)).rowcount


def _note(
    connection: Connection, author: Author, action: str, row: RepositoryRow, detail: dict[str, str]
) -> None:
    audit.record(
        connection, author, action, account=row.account_name, target=row.name, detail=detail
    )
