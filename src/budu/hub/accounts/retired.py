"""Names and ids of accounts that are gone.

A name that was given up is nobody's for a while: whoever got it at once would be taken for the one
before, by everything that still pulls by that name. An id is never given twice, since tokens and
what processes remember name it.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import AlreadyExists
from budu.hub.schema import accounts, retired_names
from budu.hub.sentences import Sentence
from budu.hub.upsert import insert_into

HELD_S = 90 * 86400.0
"""How long a name is nobody's."""


def retire(connection: Connection, name: str, account_id: int) -> None:
    """Remember that an account had them."""
    values = {"account_id": account_id, "retired_at": time.time()}
    insert = insert_into(connection, retired_names).values(name=name, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))


def check_free(connection: Connection, name: str) -> None:
    """Raises: AlreadyExists for a name that was given up lately."""
    query = sa.select(retired_names.c.retired_at).where(retired_names.c.name == name)
    retired_at = connection.execute(query).scalar()
    if retired_at is not None and retired_at > time.time() - HELD_S:
        raise AlreadyExists(Sentence("hub.name-retired", name=name, days=round(HELD_S / 86400)))


def fresh_id(connection: Connection) -> dict[str, int]:
    """The id to insert an account with, where the database would give an old one again.

    SQLite takes the highest id that is there and one more; PostgreSQL's sequence only goes up.
    """
    if connection.dialect.name != "sqlite":
        return {}
    highest = (
        connection.execute(sa.select(sa.func.max(column))).scalar() or 0
        for column in (accounts.c.id, retired_names.c.account_id)
    )
    return {"id": max(highest) + 1}
