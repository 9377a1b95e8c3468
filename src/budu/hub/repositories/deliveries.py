"""Sends what waits for webhooks: one task of every process."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import aiohttp
from sqlalchemy import Row

from budu import __version__
from budu.base.errors import DataLoss, InvalidArgument, Unavailable
from budu.hub.database import Database
from budu.hub.repositories import webhooks
from budu.hub.repositories.addresses import GuardedResolver, check_url
from budu.hub.sealing import Purpose, Seal

log = logging.getLogger(__name__)

AT_ONCE = 8
IDLE_S = 15.0
"""How often another process's messages are looked for."""
TIMEOUT_S = 15.0


class Deliveries:
    """Sends messages until cancelled."""

    def __init__(self, database: Database, seal: Seal, *, allows_private: bool) -> None:
        self._database = database
        self._seal = seal
        self._allows_private = allows_private
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Send, wait, send."""
        resolver = GuardedResolver(allows_private=self._allows_private)
        connector = aiohttp.TCPConnector(resolver=resolver, limit=AT_ONCE, use_dns_cache=False)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        headers = {"User-Agent": f"budu-hub/{__version__}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        ) as session:
            while True:
                await self._round(session)

    async def _round(self, session: aiohttp.ClientSession) -> None:
        self._wake.clear()
        try:
            taken = await self._database.write(
                lambda c: webhooks.take(c, now=time.time(), count=AT_ONCE)
            )
            if taken:
                await asyncio.gather(*(self._send(session, row) for row in taken))
                return
            due = await self._database.read(webhooks.next_due)
        except Unavailable as error:  # the database restarts: the rows are still there afterwards
            log.warning("webhooks wait for the database: %s", error.message)
            due = time.time() + 1.0
        pause = IDLE_S if due is None else min(max(due - time.time(), 0.05), IDLE_S)
        try:
            await asyncio.wait_for(self._wake.wait(), pause)
        except TimeoutError:
            pass

    async def _send(self, session: aiohttp.ClientSession, row: Row[Any]) -> None:
        status, problem = None, ""
        body = row.payload.encode()
        headers = {"X-Hub-Event": row.event, "X-Hub-Delivery": str(row.id)}
        try:
            if row.secret:
                secret = self._seal.open(row.secret, Purpose.WEBHOOK)
                headers[webhooks.SIGNATURE] = webhooks.signature(secret, body)
            check_url(row.url, allows_private=self._allows_private)
            async with session.post(
                row.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
        except (InvalidArgument, DataLoss) as error:
            problem = error.message
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
            problem = f"{type(cause).__name__}: {cause}"
        await self._database.write(
            lambda c: webhooks.finish(c, row, status=status, error=problem, now=time.time())
        )
