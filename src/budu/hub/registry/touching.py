"""Keeping the sweep from bytes that are about to be stored; see `blob_rows`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from budu.base.errors import Unavailable
from budu.hub.database import Database
from budu.hub.registry import blob_rows
from budu.spec.digest import Digest

_PATIENCE_S = 30.0
_PAUSE_S = 0.1


async def touched(database: Database, digest: Digest, size: int, now: Callable[[], float]) -> None:
    """Return once the row is there and fresh. Raises: Unavailable while it stays condemned."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while not await database.write(lambda c: blob_rows.touch(c, digest, size, now())):
        if loop.time() > deadline:
            raise Unavailable(f"{digest} is being removed; try again")
        await asyncio.sleep(_PAUSE_S)
