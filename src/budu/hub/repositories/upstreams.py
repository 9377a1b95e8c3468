"""Registries that accounts mirror, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.accounts import audit, people
from budu.hub.accounts.audit import Author
from budu.hub.schema import accounts, upstreams
from budu.hub.sentences import Sentence

_OF_ACCOUNT = sa.select(upstreams).where(upstreams.c.account_id == sa.bindparam("account"))


def find(connection: Connection, account_id: int) -> Row[Any] | None:
    """What an account mirrors."""
    return connection.execute(_OF_ACCOUNT, {"account": account_id}).first()


def get(connection: Connection, account: str) -> Row[Any]:
    """What the account of a name mirrors. Raises: NotFound."""
    row = find(connection, people.get(connection, account).id)
    if row is None:
        raise NotFound(Sentence("hub.no-upstream", name=account))
    return row


def listed(connection: Connection) -> list[tuple[str, Row[Any]]]:
    """All accounts that mirror a registry, by name, with what it is."""
    query = (
        sa.select(accounts.c.name, upstreams)
        .join(accounts, accounts.c.id == upstreams.c.account_id)
        .order_by(accounts.c.name)
    )
    return [(row.name, row) for row in connection.execute(query)]


def put(
    connection: Connection, account: str, values: Mapping[str, object], author: Author
) -> Row[Any]:
    """Let an account mirror a registry. A password, sealed already, that is not given stays.

    Raises: NotFound, InvalidArgument.
    """
    owner = people.get(connection, account)
    old = find(connection, owner.id)
    kept = {"password": old.password} if old is not None else {}
    new = {**kept, **values, "url": _checked(str(values["url"]))}
    if not 0 <= float(str(new["fresh_s"])) <= 86400 * 30:
        raise InvalidArgument(Sentence("hub.bad-value", field="freshS"))
    connection.execute(sa.delete(upstreams).where(upstreams.c.account_id == owner.id))
    connection.execute(sa.insert(upstreams).values(account_id=owner.id, **new))
    detail = {"url": new["url"]}
    audit.record(connection, author, "upstream.set", account=account, detail=detail)
    return get(connection, account)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        is_good = False
    if not is_good or len(url) > 2000:
        raise InvalidArgument(Sentence("hub.bad-url"))
    return url.strip().rstrip("/")


def remove(connection: Connection, account: str, author: Author) -> None:
    """Let an account mirror nothing. Raises: NotFound."""
    row = get(connection, account)
    connection.execute(sa.delete(upstreams).where(upstreams.c.account_id == row.account_id))
    audit.record(connection, author, "upstream.remove", account=account)
