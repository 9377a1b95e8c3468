"""Users and what is known about accounts: queries and changes, each a function of a connection.

Neighbours: `organizations` (members and teams), `leaving` (accounts that are deleted).
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import AlreadyExists, Conflict, InvalidArgument, NotFound
from budu.hub.access import Actor
from budu.hub.accounts import audit, retired
from budu.hub.accounts.audit import Author
from budu.hub.database import inserted_id
from budu.hub.schema import accounts, memberships, sessions
from budu.hub.sentences import Sentence

USER = "user"
ORGANIZATION = "organization"

AccountRow = Row[Any]
"""A row of `accounts`."""


def find(connection: Connection, name: str) -> AccountRow | None:
    """The account of a name."""
    return connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()


def get(connection: Connection, name: str) -> AccountRow:
    """The account of a name. Raises: NotFound."""
    row = find(connection, name)
    if row is None:
        raise NotFound(Sentence("hub.no-account", name=name[:64]))
    return row


def get_user(connection: Connection, name: str) -> AccountRow:
    """The user of a name. Raises: NotFound, for organizations as well."""
    row = get(connection, name)
    if row.kind != USER:
        raise NotFound(Sentence("hub.no-account", name=name[:64]))
    return row


def by_id(connection: Connection, user_id: int) -> AccountRow | None:
    """The account of an id."""
    return connection.execute(sa.select(accounts).where(accounts.c.id == user_id)).first()


def actor_of(row: AccountRow) -> Actor:
    """A user as who asks."""
    return Actor(user_id=row.id, name=row.name, is_admin=row.is_admin)


def add(
    connection: Connection,
    name: str,
    *,
    kind: str,
    author: Author,
    password: str | None = None,
    display_name: str = "",
    email: str = "",
    is_admin: bool = False,
    is_verified: bool = False,
    takes_retired: bool = False,
) -> int:
    """Make an account; its id. `password` is hashed already.

    Raises: AlreadyExists, also for a name that was given up lately, unless `takes_retired`.
    """
    if find(connection, name) is not None:
        raise AlreadyExists(Sentence("hub.name-taken", name=name))
    if not takes_retired:
        retired.check_free(connection, name)
    made = connection.execute(
        sa.insert(accounts).values(
            **retired.fresh_id(connection),
            name=name,
            kind=kind,
            password=password,
            display_name=display_name.strip()[:200],
            email=checked_email(email),
            is_admin=is_admin,
            is_verified=is_verified,
            created_at=time.time(),
        )
    )
    audit.record(connection, author, f"{kind}.create", account=name, target=name)
    return inserted_id(made)


def checked_email(text: str) -> str:
    """An address of mail, or nothing. Raises: InvalidArgument."""
    local, at, domain = text.strip().rpartition("@")
    if not text.strip():
        return ""
    is_plain = text.strip().isprintable() and " " not in text.strip()
    if not at or not local or "." not in f"{domain}." or len(text) > 254 or not is_plain:
        raise InvalidArgument(Sentence("hub.bad-email"))
    return text.strip()


def change(connection: Connection, name: str, values: dict[str, object], author: Author) -> None:
    """Set columns of an account: display_name, email, about. Raises: NotFound."""
    row = get(connection, name)
    if values:
        connection.execute(sa.update(accounts).where(accounts.c.id == row.id).values(**values))
        audit.record(
            connection, author, f"{row.kind}.change", account=name, detail={"set": sorted(values)}
        )


def set_password(connection: Connection, name: str, password: str, author: Author) -> None:
    """Replace a password (hashed already); all sessions of the user end."""
    row = get_user(connection, name)
    connection.execute(sa.update(accounts).where(accounts.c.id == row.id).values(password=password))
    connection.execute(sa.delete(sessions).where(sessions.c.user_id == row.id))
    audit.record(connection, author, "user.password", account=name, target=name)


def administer(
    connection: Connection, name: str, values: dict[str, object], author: Author
) -> AccountRow:
    """What an admin sets: is_disabled, is_admin, is_verified, quota_bytes.

    Raises: NotFound; Conflict when the hub would be left without an admin.
    """
    row = get(connection, name)
    if row.kind != USER and (values.keys() & {"is_admin", "is_disabled"}):
        raise InvalidArgument(Sentence("hub.users-only"))
    connection.execute(sa.update(accounts).where(accounts.c.id == row.id).values(**values))
    keep_an_admin(connection)
    if values.get("is_disabled"):
        connection.execute(sa.delete(sessions).where(sessions.c.user_id == row.id))
    audit.record(connection, author, "account.administer", account=name, detail=dict(values))
    return get(connection, name)


def keep_an_admin(connection: Connection) -> None:
    """Raises: Conflict when no admin is left who may sign in."""
    remaining = sa.select(sa.func.count()).where(
        accounts.c.is_admin, sa.not_(accounts.c.is_disabled), accounts.c.kind == USER
    )
    if not connection.execute(remaining).scalar():
        raise Conflict(Sentence("hub.last-admin"))


def every(
    connection: Connection, *, query: str, first: int, count: int
) -> tuple[int, list[AccountRow]]:
    """How many accounts there are whose name holds `query`, and some of them by name."""
    where = accounts.c.name.contains(query.lower(), autoescape=True)
    total = connection.execute(sa.select(sa.func.count()).select_from(accounts).where(where))
    rows = connection.execute(
        sa.select(accounts).where(where).order_by(accounts.c.name).offset(first).limit(count)
    )
    return int(total.scalar() or 0), [*rows]


def organizations_of(connection: Connection, user_id: int) -> list[Row[Any]]:
    """The organizations of a user with `role` in each, by name."""
    joined = sa.join(accounts, memberships, accounts.c.id == memberships.c.organization_id)
    query = (
        sa.select(accounts.c.name, accounts.c.display_name, memberships.c.role)
        .select_from(joined)
        .where(memberships.c.user_id == user_id)
        .order_by(accounts.c.name)
    )
    return [*connection.execute(query)]


def manages(connection: Connection, actor: Actor, account: AccountRow) -> bool:
    """Whether an account is the actor's to rule: his own, an organization he owns, or any for an
    admin. What a token may is not looked at."""
    if actor.user_id is None:
        return False
    if actor.is_admin or account.id == actor.user_id:
        return True
    return role_in(connection, account.id, actor.user_id) == "owner"


def role_in(connection: Connection, organization_id: int, user_id: int) -> str | None:
    """`owner` or `member` of an organization; None for others."""
    role = connection.execute(
        sa.select(memberships.c.role).where(
            memberships.c.organization_id == organization_id, memberships.c.user_id == user_id
        )
    ).scalar()
    return None if role is None else str(role)
