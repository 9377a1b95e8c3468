"""Personal access tokens: random secrets that stand in a password's place and may do less.

read     pull, see
write    also push and change repositories where the user may
admin    all that the user may
"""

from __future__ import annotations

import secrets
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.access import Role
from budu.hub.accounts import audit
from budu.hub.accounts.audit import Author
from budu.hub.accounts.sessions import hashed
from budu.hub.database import inserted_id
from budu.hub.schema import access_tokens, accounts
from budu.hub.sentences import Sentence

PREFIX = "hub_pat_"
LIMITS = {"read": Role.READER, "write": Role.WRITER, "admin": Role.OWNER}
"""The most that a token of each scope allows."""
_HINT = len(PREFIX) + 4
_USE_NOTED_S = 60.0


def add(
    connection: Connection,
    owner: tuple[int, str],
    *,
    name: str,
    scope: str,
    expires_at: float | None,
    author: Author,
) -> tuple[Row[Any], str]:
    """Make a token of a user (id, name); its row, and the secret that nobody sees again.

    Raises: InvalidArgument.
    """
    title = name.strip()
    if not 1 <= len(title) <= 100 or not title.isprintable():
        raise InvalidArgument(Sentence("hub.bad-token-name"))
    if scope not in LIMITS:
        raise InvalidArgument(Sentence("hub.bad-scope", scopes=", ".join(LIMITS)))
    secret = PREFIX + secrets.token_urlsafe(24)
    made = connection.execute(
        sa.insert(access_tokens).values(
            user_id=owner[0],
            name=title,
            secret_hash=hashed(secret),
            hint=secret[:_HINT],
            scope=scope,
            created_at=time.time(),
            expires_at=expires_at,
        )
    )
    detail = {"name": title, "scope": scope}
    audit.record(connection, author, "token.create", account=owner[1], detail=detail)
    query = sa.select(access_tokens).where(access_tokens.c.id == inserted_id(made))
    return connection.execute(query).one(), secret


def of_user(connection: Connection, user_id: int) -> list[Row[Any]]:
    """A user's tokens, newest first."""
    query = sa.select(access_tokens).where(access_tokens.c.user_id == user_id)
    return [*connection.execute(query.order_by(access_tokens.c.id.desc()))]


def remove(connection: Connection, owner: tuple[int, str], token_id: int, author: Author) -> None:
    """Revoke a token of a user (id, name). Raises: NotFound."""
    where = (access_tokens.c.id == token_id, access_tokens.c.user_id == owner[0])
    row = connection.execute(sa.select(access_tokens).where(*where)).first()
    if row is None:
        raise NotFound(Sentence("hub.no-token"))
    connection.execute(sa.delete(access_tokens).where(*where))
    detail = {"name": row.name, "scope": row.scope}
    audit.record(connection, author, "token.delete", account=owner[1], detail=detail)


def find(connection: Connection, secret: str) -> Row[Any] | None:
    """The token of a secret with its user's columns (`user_name`, `is_admin`); None when it was
    revoked or ran out, or the user was disabled."""
    return _living(connection, access_tokens.c.secret_hash == hashed(secret))


def find_by_id(connection: Connection, token_id: int) -> Row[Any] | None:
    """The same by id: for what was issued on a token's strength."""
    return _living(connection, access_tokens.c.id == token_id)


def _living(connection: Connection, where: sa.ColumnElement[bool]) -> Row[Any] | None:
    joined = sa.join(access_tokens, accounts, accounts.c.id == access_tokens.c.user_id)
    columns = (access_tokens, accounts.c.name.label("user_name"), accounts.c.is_admin)
    row = connection.execute(
        sa.select(*columns).select_from(joined).where(where, sa.not_(accounts.c.is_disabled))
    ).first()
    if row is None or (row.expires_at is not None and row.expires_at <= time.time()):
        return None
    return row


def note_use(connection: Connection, row: Row[Any]) -> None:
    """Remember when a token was last used."""
    connection.execute(
        sa.update(access_tokens)
        .where(access_tokens.c.id == row.id)
        .values(last_used_at=time.time())
    )


def use_is_worth_noting(row: Row[Any]) -> bool:
    """Whether the noted use is old: not every request writes."""
    return row.last_used_at is None or row.last_used_at < time.time() - _USE_NOTED_S
