"""Pull-through: an account that copies another registry, with Debian's docker-registry and with a
registry that fails as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.fakes.registry import FakeRegistry
from tests.support.hub import RunningHub, serving_hub
from tests.support.hub_client import CONFIG, LAYER, OCI, Answer, Client, image
from tests.support.registry import running_registry

from budu.hub import schema
from budu.spec.digest import Digest


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[RunningHub]:
    async with serving_hub(f"sqlite:///{tmp_path}/hub.db", f"file://{tmp_path}/blobs") as hub:
        yield hub


@pytest.fixture
async def upstream() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry(auth="token").serving() as registry:
        yield registry


async def copied(hub: RunningHub, registry: FakeRegistry, **more: Any) -> Client:
    await hub.accounts.add_upstream("copy", f"http://{registry.address}", **more)
    return Client(hub, None)


def path(kind: str, last: str, repository: str = "copy/team/app") -> str:
    return f"/v2/{repository}/{kind}/{last}"


async def test_debians_registry_as_upstream(hub: RunningHub, tmp_path: Path) -> None:
    root = tmp_path / "registry"
    root.mkdir()
    with running_registry(root) as address:
        there = Client(RunningHub(address, *[None] * 3), None)  # type: ignore[arg-type]  # an address alone
        digests = []
        for data in (CONFIG, LAYER):
            digest = Digest.of(data)
            begun = await there("POST", "/v2/team/app/blobs/uploads/")
            location = begun.headers["Location"].partition(address)[2]
            assert (await there("PUT", f"{location}&digest={digest}", data=data)).status == 201
            digests.append(digest)
        manifest = image(*digests)
        headers = {"Content-Type": OCI}
        await there("PUT", "/v2/team/app/manifests/1.0", data=manifest, headers=headers)
        await hub.accounts.add_upstream("copy", f"http://{address}", fresh_s=0.0)
        nobody = Client(hub, None)
        assert (await nobody("GET", path("manifests", "1.0"))).body == manifest
        assert (await nobody("GET", path("blobs", digests[1]))).body == LAYER
        assert (await nobody("HEAD", path("blobs", digests[0]))).status == 200
        tags = await nobody("GET", "/v2/copy/team/app/tags/list")
        assert tags.json == {"name": "copy/team/app", "tags": ["1.0"]}
        absent = await nobody("GET", path("manifests", "2.0"))
        assert (absent.status, absent.code) == (404, "MANIFEST_UNKNOWN")
    assert (await nobody("GET", path("manifests", "1.0"))).body == manifest
    assert (await eventually_stored(hub, nobody, digests[1])).body == LAYER
    assert (await nobody("GET", "/v2/copy/team/app/tags/list")).json["tags"] == ["1.0"]
    assert (await nobody("GET", path("manifests", "2.0"))).status == 503


async def eventually_stored(hub: RunningHub, client: Client, digest: str) -> Answer:
    async with asyncio.timeout(20):
        while await hub.context.blobs.size(Digest(digest)) is None:
            await asyncio.sleep(0.01)
    return await client("GET", path("blobs", digest))


async def test_everything_is_fetched_once(hub: RunningHub, upstream: FakeRegistry) -> None:
    built = upstream.add_image("team/app", "1.0", layers=[{"big": b"x" * 300_000}])
    nobody = await copied(hub, upstream)
    for _ in range(3):
        assert (await nobody("GET", path("manifests", "1.0"))).status == 200
        assert (await nobody("GET", path("manifests", built.digest))).status == 200
        for blob in built.blobs:
            assert Digest.of((await eventually_got(hub, nobody, blob)).body) == blob
    answered = [r for r in upstream.requests if r.headers.get("Authorization", "").startswith("Be")]
    paths = [r.path for r in answered if "/v2/" in r.path]
    assert len(paths) == len(set(paths)) == 1 + len(built.blobs)


async def eventually_got(hub: RunningHub, client: Client, digest: str) -> Answer:
    answer = await client("GET", path("blobs", digest))
    await eventually_stored(hub, client, digest)
    return answer


async def test_many_clients_share_one_fetch(hub: RunningHub, upstream: FakeRegistry) -> None:
    data = b"layer" * 200_000
    blob = upstream.add_blob(data)
    upstream.add_image("team/app", "1.0")
    upstream.faults.hold_after[blob] = 100_000
    nobody = await copied(hub, upstream)
    tasks = [asyncio.create_task(nobody("GET", path("blobs", blob))) for _ in range(20)]
    await asyncio.wait_for(upstream.faults.held.wait(), 20)
    tasks.append(asyncio.create_task(nobody("GET", path("blobs", blob))))
    upstream.faults.release.set()
    answers = await asyncio.gather(*tasks)
    assert all(answer.body == data for answer in answers)
    asked = [r for r in upstream.requests if blob in r.path and "Authorization" in r.headers]
    assert len(asked) == 1


async def test_a_range_of_a_blob_under_way_is_a_range(
    hub: RunningHub, upstream: FakeRegistry
) -> None:
    data = bytes(range(256)) * 2000
    blob = upstream.add_blob(data)
    upstream.add_image("team/app", "1.0")
    nobody = await copied(hub, upstream)
    for wanted, start, end in (
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=-5", len(data) - 5, len(data)),
        ("bytes=300000-", 300_000, len(data)),
    ):
        upstream.faults.hold_after[blob] = 100_000
        upstream.faults.held.clear()
        upstream.faults.release.clear()
        headers = {"Range": wanted}
        asked = asyncio.create_task(nobody("GET", path("blobs", blob), headers=headers))
        await asyncio.wait_for(upstream.faults.held.wait(), 20)
        past = await nobody("GET", path("blobs", blob), headers={"Range": "bytes=900000-"})
        assert (past.status, past.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
        upstream.faults.release.set()
        answer = await asked
        assert (answer.status, answer.body) == (206, data[start:end])
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(data)}"
        await eventually_stored(hub, nobody, blob)
        await forget_blob(hub, blob)


async def forget_blob(hub: RunningHub, digest: str) -> None:
    """As if it had never been fetched."""
    await hub.context.blobs.delete(Digest(digest))
    links = sa.delete(schema.blob_links).where(schema.blob_links.c.digest == digest)
    rows = sa.delete(schema.blobs).where(schema.blobs.c.digest == digest)
    for change in (links, rows):
        await hub.database.write(lambda c, change=change: c.execute(change).rowcount)


async def test_a_copied_image_has_its_platform(hub: RunningHub, upstream: FakeRegistry) -> None:
    built = upstream.add_image("team/app", "1.0", platform="linux/arm64/v8")
    for name in ("other/app", "third/app"):
        upstream.add_image(name, "1.0", platform="linux/arm64/v8")
    nobody = await copied(hub, upstream)
    table = schema.manifests
    query = sa.select(table.c.platform).where(table.c.digest == built.digest)

    async def until_told(*wanted: str) -> None:
        async with asyncio.timeout(20):
            while await hub.database.read(lambda c: [*c.execute(query).scalars()]) != [*wanted]:
                await asyncio.sleep(0.01)

    config = built.config_digest
    for name in ("team/app", "other/app"):
        answer = await nobody("GET", path("manifests", "1.0", f"copy/{name}"))
        assert answer.status == 200
    await until_told("", "")
    await eventually_got(hub, nobody, config)  # it comes
    await until_told("linux/arm64/v8", "")
    assert (await nobody("GET", path("blobs", config, "copy/other/app"))).status == 200  # is there
    await until_told("linux/arm64/v8", "linux/arm64/v8")
    assert (await nobody("GET", path("manifests", "1.0", "copy/third/app"))).status == 200
    await until_told(*["linux/arm64/v8"] * 3)


async def test_a_tag_is_believed_and_then_asked_for(
    hub: RunningHub, upstream: FakeRegistry
) -> None:
    old = upstream.add_image("team/app", "latest").digest
    nobody = await copied(hub, upstream, fresh_s=1000.0)

    async def now_named() -> str:
        answer = await nobody("HEAD", path("manifests", "latest"))
        return str(answer.headers["Docker-Content-Digest"])

    assert await now_named() == old
    new = upstream.add_image("team/app", "latest", layers=[{"new": b""}]).digest
    assert await now_named() == old
    hub.context.upstreams._now = lambda: hub.context.now() + 2000
    assert await now_named() == new


@pytest.mark.parametrize("fault", ["errors", "limit", "gone"])
async def test_what_is_stored_is_served_when_the_upstream_fails(
    hub: RunningHub, upstream: FakeRegistry, fault: str
) -> None:
    built = upstream.add_image("team/app", "1.0")
    nobody = await copied(hub, upstream, fresh_s=0.0)
    assert (await nobody("GET", path("manifests", "1.0"))).status == 200
    await eventually_got(hub, nobody, built.blobs[0])
    if fault == "errors":
        upstream.faults.server_errors = 1000
    elif fault == "limit":
        upstream.faults.retry_after = ["60"] * 1000
    else:
        change = hub.context.upstreams._client
        await change.close()
        await hub.accounts.move_upstream("copy", "http://127.0.0.1:1")
    answer = await nobody("GET", path("manifests", "1.0"))
    assert answer.headers["Docker-Content-Digest"] == built.digest
    assert (await nobody("GET", path("blobs", built.blobs[0]))).status == 200
    other = await nobody("GET", path("manifests", "2.0"))
    assert (other.status, other.code) == (503, "UNAVAILABLE")


async def test_a_tag_that_is_gone_there_is_gone_here(
    hub: RunningHub, upstream: FakeRegistry
) -> None:
    built = upstream.add_image("team/app", "1.0")
    nobody = await copied(hub, upstream, fresh_s=0.0)
    assert (await nobody("GET", path("manifests", "1.0"))).status == 200
    del upstream.manifests["team/app", "1.0"]
    assert (await nobody("GET", path("manifests", "1.0"))).code == "MANIFEST_UNKNOWN"
    assert (await nobody("GET", path("manifests", built.digest))).status == 200


@pytest.mark.parametrize("fault", ["wrong", "short", "dropped"])
async def test_wrong_bytes_reach_nobody_whole(
    hub: RunningHub, upstream: FakeRegistry, fault: str
) -> None:
    import aiohttp

    data = b"layer" * 100_000
    blob = upstream.add_blob(data)
    upstream.add_image("team/app", "1.0")
    faults = upstream.faults
    if fault == "wrong":
        faults.wrong_bytes.add(blob)
    elif fault == "short":
        faults.truncated[blob] = 1000
    else:
        faults.drop_after[blob] = 1000
    nobody = await copied(hub, upstream)
    with pytest.raises(aiohttp.ClientError):
        answer = await nobody("GET", path("blobs", blob))
        assert answer.status >= 500
        raise aiohttp.ClientError
    assert await hub.context.blobs.size(Digest(blob)) is None
    for known in (faults.wrong_bytes, faults.truncated, faults.drop_after):
        known.clear()
    assert (await nobody("GET", path("blobs", blob))).body == data


async def test_nobody_pushes_into_a_copy(hub: RunningHub, upstream: FakeRegistry) -> None:
    await copied(hub, upstream)
    upstream.add_image("team/app", "1.0")
    root = Client(hub, "root")
    assert (await root("GET", path("manifests", "1.0"))).status == 200
    begun = await root("POST", "/v2/copy/team/app/blobs/uploads/")
    assert (begun.status, begun.code) == (403, "DENIED")


async def test_what_the_upstream_does_not_have_leaves_nothing(
    hub: RunningHub, upstream: FakeRegistry
) -> None:
    nobody = await copied(hub, upstream)
    for _ in range(2):
        assert (await nobody("GET", path("manifests", "1", "copy/never"))).status == 404
        absent = Digest.of(b"absent")
        assert (await nobody("GET", path("blobs", absent, "copy/never"))).code == "BLOB_UNKNOWN"
    assert (await Client(hub, "root")("GET", "/v2/_catalog")).json["repositories"] == []
