"""Who did what: a row for each change, written in the change's own transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.hub.schema import audit


@dataclass(frozen=True)
class Author:
    """Who changes something, and from where."""

    name: str
    address: str = ""


HUB = Author("hub")
"""The hub itself: retention, the first start."""


def record(
    connection: Connection,
    author: Author,
    action: str,
    *,
    account: str,
    target: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    """Note a change; `action` is `<thing>.<verb>`. Secrets don't belong into `detail`."""
    connection.execute(
        sa.insert(audit).values(
            at=time.time(),
            actor=author.name,
            address=author.address[:64],
            action=action,
            account=account,
            target=target[:400],
            detail=dict(detail or {}),
        )
    )


def page(
    connection: Connection, *, account: str, first: int, count: int, since: float = 0.0
) -> tuple[int, list[Row[tuple[object, ...]]]]:
    """How many entries there are of an account (empty: of all) since a time, and some of them,
    newest first."""
    where = sa.and_(audit.c.account == account if account else sa.true(), audit.c.at >= since)
    total = connection.execute(sa.select(sa.func.count()).where(where).select_from(audit)).scalar()
    rows = connection.execute(
        sa.select(audit).where(where).order_by(audit.c.id.desc()).offset(first).limit(count)
    )
    return int(total or 0), [*rows]
