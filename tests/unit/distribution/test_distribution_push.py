"""Pushes to a registry on loopback that breaks off, forgets, denies and spoils."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.fakes.upload_registry import UploadRegistry

from budu.base.errors import InvalidArgument, NotFound, PermissionDenied, Unavailable
from budu.content.disk import DiskContent
from budu.distribution.client import Registries
from budu.distribution.hosts import hosts_config
from budu.distribution.progress import ProgressEvent, PullEvent, PullSummary, PushResult
from budu.distribution.push import MAX_UPLOADS, PushDocument, Pusher, PushPlan
from budu.distribution.retry import RetryPolicy
from budu.distribution.upload import PushBlob
from budu.snapshot.blobs import Blobs
from budu.snapshot.extracted import ExtractedLayers
from budu.spec.digest import Digest
from budu.spec.reference import parse_reference

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BIG = random.Random(5).randbytes(3_500_000)
SMALL = b"small blob"


class Pushing:
    """A pusher on stores in a folder, and what it told."""

    def __init__(self, root: Path, registry: UploadRegistry) -> None:
        self.registry = registry
        self.content = DiskContent(root / "content")
        layers = ExtractedLayers(root / "layers", rootless=True)
        self.registries = Registries(hosts_config(), retry=RetryPolicy(attempts=3, sleep=no_pause))
        self.pusher = Pusher(self.registries, Blobs(self.content, layers))
        self.told: list[ProgressEvent] = []

    def keep(self, data: bytes) -> PushBlob:
        digest = Digest.of(data)
        self.content.write_blob(digest, data)
        return PushBlob(digest=digest, size=len(data), id=digest.short)

    async def push(self, *blobs: PushBlob, name: str = "team/app:1") -> Digest:
        body = json.dumps({"schemaVersion": 2}).encode()
        plan = PushPlan(
            reference=parse_reference(f"{self.registry.address}/{name}"),
            blobs=blobs,
            documents=(PushDocument(body=body, media_type=MANIFEST),),
        )
        return await self.pusher.push(plan, progress=self.told.append)

    def statuses(self, blob: PushBlob) -> list[str]:
        lines = [each for each in self.told if isinstance(each, PullEvent)]
        found = [each.status for each in lines if each.id == blob.id]
        return list(dict.fromkeys(found))


async def no_pause(seconds: float) -> None:
    """Sleeps not at all."""


@asynccontextmanager
async def pushing(root: Path) -> AsyncIterator[Pushing]:
    async with UploadRegistry().serving() as registry:
        pushing = Pushing(root, registry)
        yield pushing
        await pushing.registries.close()


async def test_blobs_and_manifest_arrive_byte_for_byte(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        big, small = one.keep(BIG), one.keep(SMALL)
        digest = await one.push(big, small)
        assert one.registry.blobs["team/app", big.digest] == BIG
        assert one.registry.blobs["team/app", small.digest] == SMALL
        media_type, body = one.registry.manifests["team/app", "1"]
        assert (media_type, Digest.of(body)) == (MANIFEST, digest)
        assert one.statuses(big) == ["Preparing", "Pushing", "Pushed"]
        last = [each for each in one.told if not isinstance(each, PullSummary)][-2:]
        assert last == [
            PullEvent(status=f"1: digest: {digest} size: {len(body)}"),
            PushResult(tag="1", digest=digest, size=len(body)),
        ]


async def test_present_blob_is_not_sent(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blob = one.keep(BIG)
        one.registry.blobs["team/app", blob.digest] = BIG
        await one.push(blob)
        assert one.registry.requests == []
        assert one.statuses(blob) == ["Preparing", "Layer already exists"]


async def test_blob_of_a_neighbour_is_mounted(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        kept = one.keep(BIG)
        blob = PushBlob(digest=kept.digest, size=kept.size, id=kept.id, sources=("team/base",))
        one.registry.blobs["team/base", blob.digest] = BIG
        await one.push(blob)
        assert one.registry.requests == ["POST"]
        assert one.statuses(blob) == ["Preparing", "Mounted from team/base"]


async def test_neighbour_without_the_blob_costs_no_second_request(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        kept = one.keep(SMALL)
        blob = PushBlob(digest=kept.digest, size=kept.size, id=kept.id, sources=("team/base",))
        await one.push(blob)
        assert one.registry.requests == ["POST", "PUT"]


async def test_broken_upload_goes_on_where_it_ended(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blob = one.keep(BIG)
        one.registry.cut_after = [1_000_000]
        await one.push(blob)
        assert one.registry.requests == ["POST", "PATCH 0", "GET", "PATCH 1000000", "PUT"]
        assert one.registry.blobs["team/app", blob.digest] == BIG
        assert "Retrying in 1 second" in one.statuses(blob)


async def test_lost_upload_begins_anew(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blob = one.keep(BIG)
        one.registry.cut_after = [1_000_000]
        one.registry.forgets = True
        await one.push(blob)
        assert one.registry.requests == ["POST", "PATCH 0", "GET", "POST", "PATCH 0", "PUT"]
        assert one.registry.blobs["team/app", blob.digest] == BIG


async def test_upload_that_keeps_breaking_fails(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        one.registry.cut_after = [10, 10, 10, 10]
        with pytest.raises(Unavailable):
            await one.push(one.keep(BIG))
        assert one.registry.manifests == {}


async def test_spoilt_upload_is_sent_once_more_from_the_start(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blob = one.keep(SMALL)
        one.registry.spoils = 1
        await one.push(blob)
        assert one.registry.blobs["team/app", blob.digest] == SMALL


async def test_registry_that_spoils_everything_is_refused(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        one.registry.spoils = 9
        with pytest.raises(InvalidArgument, match="digest invalid: provided digest did not match"):
            await one.push(one.keep(SMALL))


async def test_denied_push_says_so_and_how_to_go_on(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        one.registry.denies = True
        with pytest.raises(PermissionDenied) as caught:
            await one.push(one.keep(SMALL))
        assert caught.value.message == "denied: requested access to the resource is denied"
        assert caught.value.hint is not None
        assert caught.value.hint.key == "distribution.push-denied"


async def test_blob_that_is_nowhere_is_told(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blob = PushBlob(digest=Digest.of(b"gone"), size=4, id="gone")
        with pytest.raises(NotFound, match="not found"):
            await one.push(blob)


async def test_unreachable_registry(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        one.registry.address = "127.0.0.1:1"
        with pytest.raises(Unavailable, match="connection refused"):
            await one.push(one.keep(SMALL))


async def test_cancelled_push_is_taken_up_by_the_next_one(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blob = one.keep(BIG)
        one.registry.hold_after = 500_000
        first = asyncio.create_task(one.push(blob))
        await one.registry.held.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        one.registry.requests.clear()
        await one.push(blob)
        assert one.registry.requests == ["GET", "PATCH 500000", "PUT"]
        assert one.registry.blobs["team/app", blob.digest] == BIG


async def test_five_blobs_go_at_a_time(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blobs = [one.keep(bytes([number]) * 10_000) for number in range(7)]
        one.registry.together = MAX_UPLOADS
        async with asyncio.timeout(30):
            await one.push(*blobs)
        assert {digest for _, digest in one.registry.blobs} == {blob.digest for blob in blobs}


async def test_two_pushes_share_one_upload(tmp_path: Path) -> None:
    async with pushing(tmp_path) as one:
        blob = one.keep(BIG)
        await asyncio.gather(one.push(blob), one.push(blob, name="team/app:2"))
        assert one.registry.requests.count("POST") == 1
