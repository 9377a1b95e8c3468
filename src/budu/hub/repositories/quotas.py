"""How many bytes an account may keep. A blob counts once for an account, however many of its
repositories show it. Before a blob is added it is taken for a new one: an account that is nearly
full can't show a large blob of its own in a second repository.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import PermissionDenied
from budu.base.units import human_size
from budu.hub.schema import accounts, blob_links, blobs, repositories
from budu.hub.sentences import Sentence


def used_bytes(connection: Connection, account_id: int) -> int:
    """What an account's repositories keep."""
    mine = (
        sa.select(blob_links.c.digest)
        .select_from(
            sa.join(blob_links, repositories, blob_links.c.repository_id == repositories.c.id)
        )
        .where(repositories.c.account_id == account_id)
    )
    query = sa.select(sa.func.sum(blobs.c.size_bytes)).where(blobs.c.digest.in_(mine))
    return int(connection.execute(query).scalar() or 0)


def check(connection: Connection, account_id: int, more_bytes: int) -> None:
    """Whether an account may keep more. Raises: PermissionDenied."""
    query = sa.select(accounts.c.quota_bytes, accounts.c.name).where(accounts.c.id == account_id)
    row = connection.execute(query).first()
    if row is None or row.quota_bytes is None:
        return
    used = used_bytes(connection, account_id)
    if used + more_bytes > row.quota_bytes:
        raise PermissionDenied(
            Sentence(
                "hub.quota",
                name=row.name,
                quota=human_size(row.quota_bytes),
                used=human_size(used),
            )
        )
