"""The sweep removes garbage and nothing else, while pushes and pulls go on."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.hub import RunningHub, serving_hub
from tests.support.hub_client import (
    CONFIG,
    EMPTY,
    LAYER,
    OCI,
    OCI_INDEX,
    Client,
    descriptor,
    image,
    index,
)

from budu.hub import schema
from budu.hub.registry.sweep import Sweep, SweepRules
from budu.spec.digest import Digest

HOUR = 3600.0


class Clock:
    """The sweep's own time, ahead of the hub's by what a test says."""

    def __init__(self, hub: RunningHub) -> None:
        self._hub = hub
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return self._hub.context.now() + self.ahead_s


@pytest.fixture
def clock(hub: RunningHub) -> Clock:
    return Clock(hub)


@pytest.fixture
def sweep(hub: RunningHub, clock: Clock) -> Sweep:
    return Sweep(hub.database, hub.context.blobs, now=clock)


async def stored(hub: RunningHub) -> set[Digest]:
    return {blob.digest async for blob in hub.context.blobs.list()}


async def rows(hub: RunningHub, table: sa.Table) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return int(await hub.database.read(lambda c: c.execute(query).scalar()) or 0)


async def test_what_manifests_name_stays(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    digest = await ann.push_image("1")
    clock.ahead_s = 48 * HOUR
    swept = await sweep.sweep(SweepRules(untagged_age_s=HOUR))
    assert (swept.blobs, swept.links, swept.manifests) == (0, 0, 0)
    assert (await ann("GET", f"manifests/{digest}")).status == 200
    assert (await ann("GET", f"blobs/{Digest.of(LAYER)}")).body == LAYER


async def test_fresh_blobs_stay(hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock) -> None:
    digest = await ann.push_blob(LAYER)
    clock.ahead_s = 0.9 * HOUR
    assert (await sweep.sweep(SweepRules())).blobs == 0
    assert (await ann("HEAD", f"blobs/{digest}")).status == 200


async def test_unnamed_blobs_go(hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock) -> None:
    digest = await ann.push_blob(LAYER)
    clock.ahead_s = 2 * HOUR
    swept = await sweep.sweep(SweepRules())
    assert (swept.blobs, swept.bytes, swept.links) == (1, len(LAYER), 1)
    assert (await ann("HEAD", f"blobs/{digest}")).status == 404
    assert await stored(hub) == set()
    assert await rows(hub, schema.blobs) == await rows(hub, schema.blob_links) == 0
    await ann.push_image("1")


async def test_deleted_image_leaves_nothing(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    first = await ann.push_image("1")
    await ann.push_image("2", layer=b"other")
    await ann("DELETE", f"manifests/{first}")
    clock.ahead_s = 2 * HOUR
    assert (await sweep.sweep(SweepRules())).blobs == 1
    assert await stored(hub) == {Digest.of(CONFIG), Digest.of(b"other")}


async def test_a_link_goes_where_only_others_need_the_blob(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    await ann.push_image("1")
    bob = Client(hub, "bob")
    await bob.push_blob(LAYER, "bob/app")
    clock.ahead_s = 2 * HOUR
    swept = await sweep.sweep(SweepRules())
    assert (swept.blobs, swept.links) == (0, 1)
    assert (await bob("HEAD", f"/v2/bob/app/blobs/{Digest.of(LAYER)}")).status == 404
    assert (await ann("GET", f"blobs/{Digest.of(LAYER)}")).body == LAYER


async def test_looking_at_a_blob_keeps_it(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    digest = await ann.push_blob(LAYER)
    old = sa.update(schema.blobs).values(used_at=1.0)
    await hub.database.write(lambda c: c.execute(old).rowcount)
    assert (await ann("HEAD", f"blobs/{digest}")).status == 200
    assert (await sweep.sweep(SweepRules())).blobs == 0
    await ann.push_image("1")


async def test_abandoned_uploads_go(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    await ann("PATCH", location, data=LAYER)
    stranger = await hub.context.blobs.begin()
    assert (await sweep.sweep(SweepRules())).uploads == 0
    assert (await ann("GET", location)).status == 204
    clock.ahead_s = 25 * HOUR
    assert (await sweep.sweep(SweepRules())).uploads == 2
    assert (await ann("GET", location)).status == 404
    assert [name async for name, _ in hub.context.blobs.list_uploads()] == []
    assert stranger


async def bytes_of(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_bytes_without_a_row_go(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    store = hub.context.blobs
    upload = await store.begin()
    await store.append(upload, 0, bytes_of(LAYER), hashlib.sha256())
    await store.commit(upload, Digest.of(LAYER))
    assert (await sweep.sweep(SweepRules())).blobs == 0
    clock.ahead_s = 2 * HOUR
    assert (await sweep.sweep(SweepRules())).blobs == 1
    assert await stored(hub) == set()
    await ann.push_image("1")


async def test_a_killed_sweep_is_finished_by_the_next(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    digest = await ann.push_blob(LAYER)
    condemned = sa.update(schema.blobs).values(condemned_at=hub.context.now())
    await hub.database.write(lambda c: c.execute(condemned).rowcount)
    assert (await sweep.sweep(SweepRules())).blobs == 0  # another one is at work
    clock.ahead_s = 120.0
    assert (await sweep.sweep(SweepRules())).blobs == 1
    assert digest not in await stored(hub)
    await ann.push_blob(LAYER)


async def test_untagged_manifests_by_rule(
    hub: RunningHub, ann: Client, sweep: Sweep, clock: Clock
) -> None:
    child = await ann.push_image("child")
    await ann.push_manifest("multi", index(descriptor(child, OCI)), OCI_INDEX)
    await ann("DELETE", "manifests/child")
    signature = image(await ann.push_blob(EMPTY), subject=descriptor(child, OCI))
    await ann.push_manifest(Digest.of(signature), signature)
    loose = await ann.push_image("1", layer=b"old")
    await ann.push_image("1", layer=b"new")
    clock.ahead_s = 2 * HOUR
    assert (await sweep.sweep(SweepRules())).manifests == 0
    assert (await sweep.sweep(SweepRules(untagged_age_s=HOUR))).manifests == 1
    assert (await ann("GET", f"manifests/{loose}")).status == 404
    for kept in ("multi", child, Digest.of(signature)):
        assert (await ann("GET", f"manifests/{kept}")).status == 200
    await ann("DELETE", "manifests/multi")
    assert (await sweep.sweep(SweepRules(untagged_age_s=HOUR))).manifests == 3


async def pushed_at_last(client: Client, tag: str, layer: bytes, note: str) -> Digest:
    """A push that took longer than the grace is told what is missing, and sends it again."""
    while True:
        blobs = [await client.push_blob(data) for data in (CONFIG, layer)]
        manifest = image(*blobs, annotations={"n": note})
        answer = await client.put_manifest(tag, manifest)
        if answer.status == 201:
            return Digest.of(manifest)
        assert answer.code == "MANIFEST_BLOB_UNKNOWN"


async def push_and_pull(hub: RunningHub, number: int, is_enough: Callable[[], bool]) -> None:
    """Pushes images of few blobs that others push and delete too, and pulls what it pushed."""
    client, chance = Client(hub), random.Random(number)
    for turn in itertools.count():
        if turn >= 5 and is_enough():
            return
        tag, layer = f"t{number}", b"shared %d" % chance.randrange(12)
        digest = await pushed_at_last(client, tag, layer, f"{number}.{turn}")
        answer = await client("GET", f"manifests/{tag}")
        assert answer.headers["Docker-Content-Digest"] == digest
        for named in (Digest.of(CONFIG), Digest.of(layer)):
            assert Digest.of((await client("GET", f"blobs/{named}")).body) == named
        assert (await client("DELETE", f"manifests/{digest}")).status == 202


async def test_sweeps_beside_pushes_and_pulls(place: Any, hub: RunningHub) -> None:
    """Blobs that fall out of use all the time, a grace of seconds, and sweeps without a pause in
    two processes' worth of hubs."""
    rules = SweepRules(grace_s=3.0)
    swept = 0
    done = asyncio.Event()

    async def sweeping(one: RunningHub) -> None:
        nonlocal swept
        ahead = Clock(one)
        ahead.ahead_s = 1.0
        sweep = Sweep(one.database, one.context.blobs, now=ahead)
        while not done.is_set():
            swept += (await sweep.sweep(rules)).blobs
            await asyncio.sleep(0.05)

    async def old() -> None:
        """Ages what nobody names, so that there is something to sweep."""
        named = sa.exists().where(schema.manifest_references.c.digest == schema.blobs.c.digest)
        while not done.is_set():
            aged = sa.update(schema.blobs).where(~named, schema.blobs.c.used_at < time.time() - 0.5)
            await hub.database.write(lambda c, a=aged: c.execute(a.values(used_at=1.0)).rowcount)
            await asyncio.sleep(0.05)

    async with serving_hub(place.database, place.blobs) as other, asyncio.TaskGroup() as group:
        background = [sweeping(hub), sweeping(other), old()]
        tasks = [group.create_task(work) for work in background]
        pushers = [push_and_pull((hub, other)[n % 2], n, lambda: swept >= 3) for n in range(4)]
        await asyncio.gather(*pushers)
        done.set()
        await asyncio.gather(*tasks)
    ahead = Clock(hub)
    ahead.ahead_s = 2 * HOUR
    await Sweep(hub.database, hub.context.blobs, now=ahead).sweep(SweepRules())
    assert await stored(hub) == set()
