"""Sessions of the site: a random secret in a cookie, its hash in the database.

The token against forged requests follows from the secret, so nothing more is stored, and whoever
does not see the cookie can't compute it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.hub.accounts.people import AccountRow
from budu.hub.schema import accounts, sessions

COOKIE = "hub_session"
LIFE_S = 30 * 86400.0


def hashed(secret: str) -> str:
    """How a secret stands in the database."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def csrf_token(secret: str) -> str:
    """What changing requests of a session carry in X-CSRF-Token."""
    return hmac.digest(secret.encode("utf-8", "replace"), b"csrf", "sha256").hex()


def is_csrf_token(secret: str, given: str) -> bool:
    """Whether a request's token is the session's."""
    return hmac.compare_digest(csrf_token(secret).encode(), given.encode("utf-8", "replace"))


def open_session(connection: Connection, user_id: int) -> str:
    """Begin a session; its secret. Sessions that ran out are removed."""
    now, secret = time.time(), secrets.token_urlsafe(32)
    connection.execute(sa.delete(sessions).where(sessions.c.expires_at < now))
    connection.execute(
        sa.insert(sessions).values(
            secret_hash=hashed(secret), user_id=user_id, created_at=now, expires_at=now + LIFE_S
        )
    )
    return secret


def close_session(connection: Connection, secret: str) -> None:
    """End a session; nothing happens when there is none."""
    connection.execute(sa.delete(sessions).where(sessions.c.secret_hash == hashed(secret)))


def user_of(connection: Connection, secret: str) -> AccountRow | None:
    """Whose session it is; None when it ran out, or the account was disabled."""
    joined = sa.join(accounts, sessions, accounts.c.id == sessions.c.user_id)
    return connection.execute(
        sa.select(accounts)
        .select_from(joined)
        .where(
            sessions.c.secret_hash == hashed(secret),
            sessions.c.expires_at > time.time(),
            sa.not_(accounts.c.is_disabled),
        )
    ).first()


def keep_session(connection: Connection, secret: str, user_id: int) -> None:
    """Let a session go on that ended with all others of its user."""
    now = time.time()
    connection.execute(sa.delete(sessions).where(sessions.c.secret_hash == hashed(secret)))
    connection.execute(
        sa.insert(sessions).values(
            secret_hash=hashed(secret), user_id=user_id, created_at=now, expires_at=now + LIFE_S
        )
    )
