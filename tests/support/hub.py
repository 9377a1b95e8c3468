"""A registry of our own on loopback: in this process, or as a process that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvloop
from aiohttp import web
from tests.fakes.hub_accounts import HubAccounts

from budu.hub.blobs.opening import open_blobs
from budu.hub.database import Database
from budu.hub.registry.context import Context
from budu.hub.registry.counters import Counters
from budu.hub.registry.limits import Limits, PullLimits
from budu.hub.registry.service import READ_BUFFER_BYTES, Registry
from budu.hub.schema import prepare


@dataclass
class RunningHub:
    """A registry that answers."""

    address: str
    context: Context
    accounts: HubAccounts
    database: Database

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://{self.address}"


@contextlib.asynccontextmanager
async def serving_hub(
    database_url: str, blobs_url: str, *, port: int = 0, limits: Limits | None = None
) -> AsyncIterator[RunningHub]:
    """Serve until the block ends. The users are ann, bob and the admin root, each one's password
    is `secret`; `library` is an organization."""
    database = Database(database_url)
    await database.write(prepare)
    accounts = HubAccounts(database)
    for name in ("ann", "bob", "root"):
        await accounts.add_user(name, "secret", is_admin=name == "root")
    await accounts.add_account("library")
    context = Context(
        database=database,
        blobs=open_blobs(blobs_url),
        guard=accounts,
        watcher=accounts,
        counters=Counters(database),
        limits=PullLimits(database, limits),
    )
    registry = Registry(context)
    app = web.Application()
    app.router.add_get("/token", accounts.token)
    app.add_routes(registry.routes())
    runner = web.AppRunner(
        app, shutdown_timeout=0.5, read_bufsize=READ_BUFFER_BYTES, access_log=None
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    background = asyncio.create_task(registry.run())
    host, bound = runner.addresses[0][:2]
    try:
        yield RunningHub(f"{host}:{bound}", context, accounts, database)
    finally:
        background.cancel()
        await asyncio.wait([background])
        await runner.cleanup()
        await context.blobs.close()
        database.close()


async def _serve(database_url: str, blobs_url: str, port: str) -> None:
    async with serving_hub(database_url, blobs_url, port=int(port)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(*sys.argv[1:]))
