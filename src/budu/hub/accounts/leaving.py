"""Deleting an account, a user's or an organization's.

Its repositories, tokens, sessions, teams, memberships and roles go with its row, by the tables'
cascades; the bytes go with the next sweep; the audit log keeps what was. Source: docs.docker.com,
"Deactivate an account", "Deactivate an organization".
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import Conflict
from budu.hub.accounts import audit, people, retired
from budu.hub.accounts.audit import Author
from budu.hub.accounts.names import OFFICIAL
from budu.hub.accounts.people import USER, AccountRow
from budu.hub.schema import accounts, memberships, repositories, stars
from budu.hub.sentences import Sentence


def delete(connection: Connection, name: str, author: Author) -> None:
    """Remove an account; nobody gets its name for a while.

    Raises: NotFound; Conflict for the organization of the official images, for the last admin and
    for the last owner of an organization.
    """
    row = people.get(connection, name)
    if row.name == OFFICIAL:
        raise Conflict(Sentence("hub.official-stays", name=name))
    left = _organizations_left_alone(connection, row)
    if left:
        raise Conflict(Sentence("hub.owns-organizations", names=", ".join(left)))
    count = sa.select(sa.func.count()).where(repositories.c.account_id == row.id)
    lost = connection.execute(count).scalar()
    _take_stars_back(connection, row)
    connection.execute(sa.delete(accounts).where(accounts.c.id == row.id))
    if row.kind == USER:
        people.keep_an_admin(connection)
    retired.retire(connection, row.name, row.id)
    audit.record(
        connection,
        author,
        f"{row.kind}.delete",
        account=row.name,
        target=row.name,
        detail={"repositories": lost},
    )


def _organizations_left_alone(connection: Connection, row: AccountRow) -> list[str]:
    """The organizations that would have no owner without this one."""
    others = memberships.alias()
    has_another = sa.exists().where(
        others.c.organization_id == memberships.c.organization_id,
        others.c.role == "owner",
        others.c.user_id != row.id,
    )
    query = (
        sa.select(accounts.c.name)
        .join(memberships, accounts.c.id == memberships.c.organization_id)
        .where(memberships.c.user_id == row.id, memberships.c.role == "owner", ~has_another)
        .order_by(accounts.c.name)
    )
    return [*connection.execute(query).scalars()]


def _take_stars_back(connection: Connection, row: AccountRow) -> None:
    starred = sa.select(stars.c.repository_id).where(stars.c.user_id == row.id)
    change = sa.update(repositories).where(repositories.c.id.in_(starred))
    connection.execute(change.values(stars=repositories.c.stars - 1))
