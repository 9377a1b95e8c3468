"""Retention rules as they are stored, and the daily run that follows them."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import BuduError, NotFound
from budu.hub.accounts import audit
from budu.hub.accounts.audit import HUB, Author
from budu.hub.database import Database
from budu.hub.repositories import facts, tags
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.repositories.retention import Rules, Victim, check, victims
from budu.hub.schema import repositories, settings
from budu.hub.tag_patterns import split_patterns
from budu.hub.upsert import insert_into

log = logging.getLogger(__name__)

EVERY_S = 86400.0
_LOOK_S = 600.0
_KEY = "retention-ran"


def read(row: RepositoryRow) -> Rules:
    """A repository's rules."""
    return msgspec.convert(row.retention, Rules) if row.retention else Rules()


def write(connection: Connection, row: RepositoryRow, rules: Rules, author: Author) -> None:
    """Set a repository's rules. Raises: InvalidArgument."""
    document: Any = msgspec.to_builtins(check(rules)) if rules.rules else None
    where = repositories.c.id == row.id
    connection.execute(sa.update(repositories).where(where).values(retention=document or sa.null()))
    count = len(rules.rules)
    audit.record(
        connection,
        author,
        "retention.set",
        account=row.account_name,
        target=row.name,
        detail={"rules": count},
    )


def preview(connection: Connection, row: RepositoryRow, rules: Rules) -> tuple[list[Victim], int]:
    """What rules would delete now, and how many tags would stay. Raises: InvalidArgument."""
    found = tags.every(connection, row)
    immutable = split_patterns(row.immutable_tags)
    gone = victims(found, check(rules), immutable=immutable, now=time.time())
    return gone, len(found) - len(gone)


def apply(connection: Connection, repository: str) -> int:
    """Follow one repository's rules; how many tags went."""
    row = facts.find(connection, repository)
    if row is None or not row.retention:
        return 0
    gone, _ = preview(connection, row, read(row))
    for victim in gone:
        try:
            tags.delete(connection, row, victim.tag.name, HUB)
        except NotFound:  # somebody removed it meanwhile
            continue
    return len(gone)


def _take_turn(connection: Connection) -> list[str]:
    """The repositories to look at, when the day is over; one process gets them."""
    now = time.time()
    first = insert_into(connection, settings).values(key=_KEY, value="0")
    connection.execute(first.on_conflict_do_nothing())
    turn = sa.update(settings).where(
        settings.c.key == _KEY, sa.cast(settings.c.value, sa.Float) <= now - EVERY_S
    )
    if not connection.execute(turn.values(value=str(now))).rowcount:
        return []
    with_rules = sa.select(repositories.c.name).where(repositories.c.retention.is_not(sa.null()))
    return [*connection.execute(with_rules).scalars()]


async def run_daily(database: Database) -> None:
    """Follow all rules once a day, until cancelled."""
    while True:
        try:
            await run_now(database)
        except BuduError as error:
            log.warning("retention waits: %s", error.message)
        await asyncio.sleep(_LOOK_S)


async def run_now(database: Database) -> None:
    """Follow all rules if it is time."""
    for name in await database.write(_take_turn):
        count = await database.write(partial(apply, repository=name))
        if count:
            log.info("retention took tags", extra={"repository": name, "tags": count})
