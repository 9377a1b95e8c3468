"""Webhooks as they arrive, retention as it runs, a database that goes away and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from aiohttp import web
from tests.support.hub_site import Person, Site, serving_site
from tests.support.waiting import DEADLINE_S

from budu.hub.repositories import retention_run, webhooks
from budu.hub.schema import deliveries, settings

PATH = "/repositories/ann/web"


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """The first true value, with a deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := await look()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return found


class Receiver:
    """A server that webhooks go to; answers with the statuses it was given, then with 200."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.got: list[tuple[bytes, dict[str, str]]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((await request.read(), dict(request.headers)))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": f"{self.url}/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A running one."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield receiver
    await runner.cleanup()


@contextlib.asynccontextmanager
async def shop(tmp_path: Path, database_url: str) -> AsyncIterator[tuple[Site, Person]]:
    """A hub whose webhooks may go to loopback, with ann's repository."""
    async with serving_site(tmp_path / "data", database_url, allows_private_webhooks=True) as site:
        ann = await site.person("ann")
        await site.push("ann/web", "1", "2")
        yield site, ann


async def finished(ann: Person, hook: int) -> list[dict[str, Any]]:
    """The messages, when all are done."""
    found = (await ann.get(f"{PATH}/webhooks/{hook}/deliveries"))["results"]
    return [] if any(each["nextAt"] for each in found) else found


async def test_a_message_arrives_signed(
    tmp_path: Path, database_url: str, receiver: Receiver
) -> None:
    async with shop(tmp_path, database_url) as (_, ann):
        body = {"name": "ci", "url": receiver.url, "secret": "s3cret", "events": ["delete"]}
        hook = (await ann.do("POST", f"{PATH}/webhooks", body))["id"]
        await ann.do("DELETE", f"{PATH}/tags/1")
        await until(lambda: finished(ann, hook))
        [(data, headers)] = receiver.got
        told = msgspec.json.decode(data)
        assert (told["push_data"]["tag"], told["push_data"]["pusher"]) == ("1", "ann")
        assert (told["event"], told["repository"]["repo_name"]) == ("delete", "ann/web")
        assert headers["X-Hub-Signature-256"] == webhooks.signature("s3cret", data)
        [row] = (await ann.get(f"{PATH}/webhooks/{hook}/deliveries"))["results"]
        assert (row["status"], row["attempts"], row["error"]) == (200, 1, "")


async def test_a_message_is_tried_again_and_then_given_up(
    tmp_path: Path, database_url: str, receiver: Receiver
) -> None:
    async with shop(tmp_path, database_url) as (site, ann):
        receiver.statuses = [500, 302, 503, 500, 500, 500]
        hook = (await ann.do("POST", f"{PATH}/webhooks", {"name": "ci", "url": receiver.url}))["id"]
        await ann.do("POST", f"{PATH}/webhooks/{hook}/test")
        for attempt in range(1, 7):
            row = await until(lambda n=attempt: tried(ann, hook, n))  # type: ignore[misc]
            assert bool(row["nextAt"]) == (attempt < 6)
            await later(site)
        [row] = (await ann.get(f"{PATH}/webhooks/{hook}/deliveries"))["results"]
        assert (row["status"], row["attempts"]) == (500, 6)
        assert row["finishedAt"]
        assert len(receiver.got) == 6


async def tried(ann: Person, hook: int, attempts: int) -> dict[str, Any] | None:
    """The message when so many attempts are over."""
    [row] = (await ann.get(f"{PATH}/webhooks/{hook}/deliveries"))["results"]
    return row if row["attempts"] == attempts and row["status"] else None


async def later(site: Site) -> None:
    """As if the pause were over."""
    due = sa.update(deliveries).where(deliveries.c.next_at.is_not(None)).values(next_at=time.time())
    await site.hub.services.database.write(lambda c: c.execute(due).rowcount)
    site.hub.services.deliveries.wake()


async def test_names_of_private_addresses_are_not_spoken_to(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with serving_site(tmp_path) as site:
        ann = await site.person("ann")
        await site.push("ann/web", "1")
        port = receiver.url.rpartition(":")[2]
        refused = await ann.ask("POST", f"{PATH}/webhooks", {"name": "x", "url": receiver.url})
        assert refused.status == 400
        body = {"name": "x", "url": f"http://localhost:{port}/"}
        hook = (await ann.do("POST", f"{PATH}/webhooks", body))["id"]
        await ann.do("POST", f"{PATH}/webhooks/{hook}/test")

        async def failed() -> str:
            [row] = (await ann.get(f"{PATH}/webhooks/{hook}/deliveries"))["results"]
            return str(row["error"])

        assert "private address" in await until(failed)
        assert receiver.got == []


async def test_two_processes_share_the_messages(tmp_path: Path, database_url: str) -> None:
    async with serving_site(tmp_path / "data", database_url) as site:
        ann = await site.person("ann")
        await site.push("ann/web", "1")
        database = site.hub.services.database
        hook = await ann.do("POST", f"{PATH}/webhooks", {"name": "x", "url": "https://example.com"})
        now = time.time() + 1000
        values = {"webhook_id": hook["id"], "event": "push", "payload": "{}", "created_at": now}
        insert = sa.insert(deliveries)
        rows = [{**values, "next_at": now} for _ in range(6)]
        await database.write(lambda c: c.execute(insert, rows).rowcount)
        first, second = await asyncio.gather(
            *(database.write(lambda c: webhooks.take(c, now=now, count=3)) for _ in range(2))
        )
        assert len({row.id for row in (*first, *second)}) == 6
        assert await database.write(lambda c: webhooks.take(c, now=now, count=3)) == []
        after = now + webhooks.LEASE_S
        again = await database.write(lambda c: webhooks.take(c, now=after, count=9))
        assert [row.attempts for row in again] == [2] * 6


async def test_retention_runs_once_a_day(tmp_path: Path, database_url: str) -> None:
    async with serving_site(tmp_path / "data", database_url) as site:
        ann = await site.person("ann")
        for number in range(4):
            await site.push("ann/web", str(number), at=1000.0 + number)
        await ann.do("PUT", f"{PATH}/retention", {"rules": [{"keepLast": 1}], "protected": ["0"]})
        database = site.hub.services.database
        forget = sa.delete(settings).where(settings.c.key == "retention-ran")
        await database.write(lambda c: c.execute(forget).rowcount)
        await asyncio.gather(*(retention_run.run_now(database) for _ in range(3)))
        assert sorted(tag["name"] for tag in (await ann.get(f"{PATH}/tags"))["results"]) == [
            "0",
            "3",
        ]
        noted = (await ann.get("/audit"))["results"]
        assert [e["actor"] for e in noted if e["action"] == "tag.delete"] == ["hub", "hub"]
        await site.push("ann/web", "late", at=2.0)
        await retention_run.run_now(database)
        assert (await ann.get(f"{PATH}/tags"))["count"] == 3
