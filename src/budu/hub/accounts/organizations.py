"""Organizations, their members and teams: changes with their audit entries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import AlreadyExists, Conflict, InvalidArgument, NotFound
from budu.hub.access import Actor
from budu.hub.accounts import audit, names, people
from budu.hub.accounts.audit import Author
from budu.hub.accounts.people import ORGANIZATION, AccountRow
from budu.hub.schema import accounts, grants, memberships, repositories, team_members, teams
from budu.hub.sentences import Sentence

ROLES = ("owner", "member")


def create(
    connection: Connection, name: str, *, display_name: str, founder: Actor, author: Author
) -> None:
    """Make an organization with one owner. Raises: InvalidArgument, AlreadyExists."""
    names.check_account(name)
    made = people.add(
        connection,
        name,
        kind=ORGANIZATION,
        display_name=display_name,
        author=author,
        takes_retired=founder.is_admin,
    )
    values = {"organization_id": made, "user_id": founder.user_id, "role": "owner"}
    connection.execute(sa.insert(memberships).values(**values))


def get(connection: Connection, name: str) -> AccountRow:
    """The organization of a name. Raises: NotFound."""
    row = people.find(connection, name)
    if row is None or row.kind != ORGANIZATION:
        raise NotFound(Sentence("hub.no-organization", name=name[:64]))
    return row


def members(connection: Connection, organization: AccountRow) -> list[Row[Any]]:
    """Its members: name, display_name, role; by name."""
    joined = sa.join(accounts, memberships, accounts.c.id == memberships.c.user_id)
    query = (
        sa.select(accounts.c.name, accounts.c.display_name, memberships.c.role)
        .select_from(joined)
        .where(memberships.c.organization_id == organization.id)
        .order_by(accounts.c.name)
    )
    return [*connection.execute(query)]


def set_member(
    connection: Connection, organization: AccountRow, user: str, *, role: str, author: Author
) -> None:
    """Take a user in, or change his role. Raises: NotFound, InvalidArgument, Conflict."""
    if role not in ROLES:
        raise InvalidArgument(Sentence("hub.bad-role", roles=", ".join(ROLES)))
    row = people.get_user(connection, user)
    where = _membership(organization, row.id)
    connection.execute(sa.delete(memberships).where(*where))
    values = {"organization_id": organization.id, "user_id": row.id, "role": role}
    connection.execute(sa.insert(memberships).values(**values))
    _keep_an_owner(connection, organization)
    _note(connection, author, "member.set", organization, user, role=role)


def remove_member(
    connection: Connection, organization: AccountRow, user: str, *, author: Author
) -> None:
    """Let a member go, also from its teams and out of its repositories' grants.

    Raises: NotFound; Conflict for the last owner.
    """
    row = people.get_user(connection, user)
    gone = connection.execute(sa.delete(memberships).where(*_membership(organization, row.id)))
    if not gone.rowcount:
        raise NotFound(Sentence("hub.no-member", name=user))
    own_teams = sa.select(teams.c.id).where(teams.c.organization_id == organization.id)
    connection.execute(
        sa.delete(team_members).where(
            team_members.c.user_id == row.id, team_members.c.team_id.in_(own_teams)
        )
    )
    own = sa.select(repositories.c.id).where(repositories.c.account_id == organization.id)
    connection.execute(
        sa.delete(grants).where(grants.c.user_id == row.id, grants.c.repository_id.in_(own))
    )
    _keep_an_owner(connection, organization)
    _note(connection, author, "member.remove", organization, user)


def _membership(organization: AccountRow, user_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    columns = memberships.c
    return columns.organization_id == organization.id, columns.user_id == user_id


def _keep_an_owner(connection: Connection, organization: AccountRow) -> None:
    query = sa.select(sa.func.count()).where(
        memberships.c.organization_id == organization.id, memberships.c.role == "owner"
    )
    if not connection.execute(query).scalar():
        raise Conflict(Sentence("hub.last-owner", name=organization.name))


def teams_of(connection: Connection, organization: AccountRow) -> list[Row[Any]]:
    """Its teams, by name."""
    query = sa.select(teams).where(teams.c.organization_id == organization.id)
    return [*connection.execute(query.order_by(teams.c.name))]


def team(connection: Connection, organization: AccountRow, name: str) -> Row[Any]:
    """A team by name. Raises: NotFound."""
    row = connection.execute(
        sa.select(teams).where(teams.c.organization_id == organization.id, teams.c.name == name)
    ).first()
    if row is None:
        raise NotFound(Sentence("hub.no-team", name=name[:64]))
    return row


def team_member_names(connection: Connection, team_id: int) -> list[str]:
    """Who is in a team, by name."""
    joined = sa.join(accounts, team_members, accounts.c.id == team_members.c.user_id)
    query = sa.select(accounts.c.name).select_from(joined).where(team_members.c.team_id == team_id)
    return [*connection.execute(query.order_by(accounts.c.name)).scalars()]


def add_team(
    connection: Connection, organization: AccountRow, name: str, *, about: str, author: Author
) -> None:
    """Make a team. Raises: InvalidArgument, AlreadyExists."""
    names.check_team(name)
    if any(row.name == name for row in teams_of(connection, organization)):
        raise AlreadyExists(Sentence("hub.name-taken", name=name))
    values = {"organization_id": organization.id, "name": name, "about": about.strip()[:1000]}
    connection.execute(sa.insert(teams).values(**values))
    _note(connection, author, "team.create", organization, name)


def set_team(
    connection: Connection, organization: AccountRow, name: str, *, about: str, author: Author
) -> None:
    """Make a team, or change what is said about it. Raises: InvalidArgument."""
    known = any(row.name == name for row in teams_of(connection, organization))
    if not known:
        return add_team(connection, organization, name, about=about, author=author)
    row = team(connection, organization, name)
    change = sa.update(teams).where(teams.c.id == row.id).values(about=about.strip()[:1000])
    connection.execute(change)
    _note(connection, author, "team.change", organization, name)
    return None


def remove_team(
    connection: Connection, organization: AccountRow, name: str, *, author: Author
) -> None:
    """Remove a team and what it was granted. Raises: NotFound."""
    row = team(connection, organization, name)
    connection.execute(sa.delete(teams).where(teams.c.id == row.id))
    _note(connection, author, "team.delete", organization, name)


def set_team_member(
    connection: Connection, organization: AccountRow, name: str, *, user: str, author: Author
) -> None:
    """Take a member into a team. Raises: NotFound; Conflict when he is not of the organization."""
    row = team(connection, organization, name)
    member = people.get_user(connection, user)
    if people.role_in(connection, organization.id, member.id) is None:
        raise Conflict(Sentence("hub.member-first", name=user, organization=organization.name))
    where = (team_members.c.team_id == row.id, team_members.c.user_id == member.id)
    connection.execute(sa.delete(team_members).where(*where))
    connection.execute(sa.insert(team_members).values(team_id=row.id, user_id=member.id))
    _note(connection, author, "team.member.add", organization, f"{name}/{user}")


def remove_team_member(
    connection: Connection, organization: AccountRow, name: str, *, user: str, author: Author
) -> None:
    """Let a member of a team go. Raises: NotFound."""
    row = team(connection, organization, name)
    member = people.get_user(connection, user)
    gone = connection.execute(
        sa.delete(team_members).where(
            team_members.c.team_id == row.id, team_members.c.user_id == member.id
        )
    )
    if not gone.rowcount:
        raise NotFound(Sentence("hub.no-member", name=user))
    _note(connection, author, "team.member.remove", organization, f"{name}/{user}")


def _note(
    connection: Connection,
    author: Author,
    action: str,
    organization: AccountRow,
    target: str,
    **detail: object,
) -> None:
    audit.record(
        connection, author, action, account=organization.name, target=target, detail=detail
    )
