"""Whole pulls from a real registry on loopback into real stores in a folder."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.fakes.registry import OCI_INDEX, OCI_MANIFEST, Built, FakeRegistry, digest_of, tar_of

from budu.base.errors import (
    BuduError,
    DataLoss,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    ResourceExhausted,
    Unavailable,
)
from budu.content.disk import DiskContent, DiskIngest
from budu.content.leases import Leases
from budu.distribution.client import Registries
from budu.distribution.hosts import hosts_config
from budu.distribution.progress import PullEvent, PullSummary
from budu.distribution.pull import PulledImage, Puller
from budu.distribution.retry import RetryPolicy
from budu.snapshot.extracted import ExtractedLayers
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest
from budu.spec.platform import Platform, parse_platform
from budu.spec.reference import Reference, parse_reference

AMD64 = parse_platform("linux/amd64")
BIG = random.Random(7).randbytes(600_000)


async def no_pause(seconds: float) -> None:
    """Sleeps not at all."""


class Engine:
    """Stores in a folder and a puller on them, as an engine has."""

    def __init__(self, root: Path, fake: FakeRegistry, *, max_downloads: int = 3) -> None:
        self.fake = fake
        self.content = DiskContent(root / "content")
        self.layers = ExtractedLayers(root / "layers", rootless=True)
        self.registries = Registries(hosts_config(), retry=RetryPolicy(attempts=3, sleep=no_pause))
        self.leases = Leases()
        self.named: set[Digest] = set()
        self.puller = Puller(
            self.registries,
            self.content,
            self.layers,
            leases=self.leases,
            unnamed=lambda digests: digests - self.named,
            max_downloads=max_downloads,
        )
        self.partials = root / "content" / "ingest"
        self.unfinished = root / "layers" / "tmp"
        self.events: list[PullEvent | PullSummary] = []

    def reference(self, name: str) -> Reference:
        return parse_reference(f"{self.fake.address}/{name}")

    async def pull(self, name: str = "team/app:1", platform: Platform = AMD64) -> PulledImage:
        return await self.puller.pull(
            self.reference(name), platform=platform, progress=self.events.append
        )

    async def fail(self, kind: type[BuduError], name: str = "team/app:1") -> BuduError:
        with pytest.raises(kind) as caught:
            await self.pull(name)
        assert type(caught.value) is kind
        return caught.value

    def statuses(self, blob: str) -> list[str]:
        """The statuses of one layer in order, repetitions left out."""
        short = Digest(blob).short
        found = [e.status for e in self.events if isinstance(e, PullEvent) and e.id == short]
        return [s for i, s in enumerate(found) if i == 0 or found[i - 1] != s]

    def lines(self) -> list[str]:
        """The statuses that belong to no layer."""
        events = [e for e in self.events if isinstance(e, PullEvent)]
        return [e.status for e in events if len(e.id) != 12]

    def holds_nothing(self) -> bool:
        return not (
            [*self.content.list()]
            or [*self.layers.list()]
            or [*self.partials.iterdir()]
            or [*self.unfinished.iterdir()]
        )

    async def close(self) -> None:
        await self.registries.close()
        self.puller.close()
        self.layers.close()


@asynccontextmanager
async def engine_on(root: Path, fake: FakeRegistry, **options: int) -> AsyncIterator[Engine]:
    engine = Engine(root, fake, **options)
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
async def fake() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry().serving() as registry:
        yield registry


@pytest.fixture
async def engine(tmp_path: Path, fake: FakeRegistry) -> AsyncIterator[Engine]:
    async with engine_on(tmp_path / "engine", fake) as engine:
        yield engine


def tar_in(layers: LayerStore, diff_id: str) -> bytes:
    with os.fdopen(layers.open_tar(Digest(diff_id)), "rb") as tar:
        return tar.read()


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
@pytest.mark.parametrize("docker", [False, True])
async def test_an_image_arrives_whole(
    engine: Engine, fake: FakeRegistry, compression: str, docker: bool
) -> None:
    layers = [{"etc/a": b"1"}, {"etc/b": BIG}]
    built = fake.add_image("team/app", "1", layers=layers, compression=compression, docker=docker)
    pulled = await engine.pull()
    assert pulled.manifest_digest == pulled.descriptor.digest == built.digest
    assert pulled.config_digest == built.config_digest
    assert pulled.diff_ids == built.diff_ids
    assert pulled.config.platform == AMD64
    assert pulled.new
    for files, diff_id in zip(layers, built.diff_ids, strict=True):
        assert tar_in(engine.layers, diff_id) == tar_of(files)
    wanted = {built.digest, built.config_digest, *built.blobs}
    assert set(engine.content.list()) == wanted
    assert [*engine.partials.iterdir()] == []


async def test_dockers_lines_come_in_dockers_order(engine: Engine, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1", layers=[{"a": b"1"}])
    await engine.pull()
    assert engine.events[0] == PullEvent(id="1", status="Pulling from team/app")
    assert engine.statuses(built.blobs[0]) == [
        "Pulling fs layer",
        "Downloading",
        "Verifying Checksum",
        "Download complete",
        "Extracting",
        "Pull complete",
    ]
    assert engine.lines() == [
        "Pulling from team/app",
        f"Digest: {built.digest}",
        f"Status: Downloaded newer image for {fake.address}/team/app:1",
    ]


async def test_the_summary_reaches_the_total(engine: Engine, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1", layers=[{"a": BIG}, {"b": b"2"}])
    await engine.pull()
    total = sum(len(fake.blobs[blob]) for blob in built.blobs)
    summaries = [e for e in engine.events if isinstance(e, PullSummary)]
    assert summaries[0] == PullSummary(current=0, resumed=0, total=total, layers=2, present=0)
    assert summaries[-1].current == total
    assert [s.current for s in summaries] == sorted(s.current for s in summaries)


async def test_the_platforms_image_is_chosen_from_an_index(
    engine: Engine, fake: FakeRegistry
) -> None:
    images = {
        name: fake.add_image("team/app", layers=[{"a": name.encode()}], platform=name)
        for name in ("linux/amd64", "linux/arm64/v8", "linux/arm/v7")
    }
    index = fake.add_index("team/app", "1", list(images.values()))
    for name, built in images.items():
        pulled = await engine.pull(platform=parse_platform(name))
        assert pulled.descriptor.digest == index
        assert pulled.manifest_digest == built.digest
    assert engine.content.has(Digest(index))
    with pytest.raises(NotFound, match="no matching manifest for linux/s390x in the manifest list"):
        await engine.pull(platform=parse_platform("linux/s390x"))


async def test_a_second_pull_fetches_nothing(engine: Engine, fake: FakeRegistry) -> None:
    fake.add_index("team/app", "1", [fake.add_image("team/app")])
    await engine.pull()
    asked = len(fake.requests)
    engine.events.clear()
    pulled = await engine.pull()
    assert not pulled.new
    assert [r.method for r in fake.requests[asked:]] == ["HEAD"]
    assert engine.lines()[-1] == f"Status: Image is up to date for {fake.address}/team/app:1"


async def test_a_layer_that_is_there_is_not_fetched(engine: Engine, fake: FakeRegistry) -> None:
    one = fake.add_image("team/app", "1", layers=[{"base": BIG}, {"a": b"1"}])
    two = fake.add_image("team/app", "2", layers=[{"base": BIG}, {"b": b"2"}])
    await engine.pull("team/app:1")
    engine.events.clear()
    await engine.pull("team/app:2")
    assert engine.statuses(two.blobs[0]) == ["Already exists"]
    assert fake.paths("blobs").count(f"/v2/team/app/blobs/{two.blobs[0]}") == 1
    assert {*engine.layers.list()} == {*one.diff_ids, *two.diff_ids}


async def test_a_layer_in_another_packing_is_fetched_so_that_it_can_be_pushed(
    engine: Engine, fake: FakeRegistry
) -> None:
    one = fake.add_image("team/app", "1", layers=[{"base": BIG}])
    two = fake.add_image("team/app", "2", layers=[{"base": BIG}], compression="zstd")
    await engine.pull("team/app:1")
    await engine.pull("team/app:2")
    assert {*engine.layers.list()} == {*one.diff_ids}
    assert all(engine.content.has(Digest(each)) for each in (*one.blobs, *two.blobs))


async def test_failing_to_fetch_another_packing_leaves_the_layer(
    engine: Engine, fake: FakeRegistry
) -> None:
    one = fake.add_image("team/app", "1", layers=[{"base": BIG}])
    two = fake.add_image("team/app", "2", layers=[{"base": BIG}], compression="zstd")
    await engine.pull("team/app:1")
    fake.faults.wrong_bytes.add(two.blobs[0])
    with pytest.raises(DataLoss):
        await engine.pull("team/app:2")
    assert {*engine.layers.list()} == {*one.diff_ids}


async def test_a_layer_listed_twice_is_fetched_once(engine: Engine, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1", layers=[{"a": b"1"}, {"a": b"1"}])
    pulled = await engine.pull()
    assert pulled.diff_ids == built.diff_ids
    assert len([p for p in fake.paths("blobs") if p.endswith(built.blobs[0])]) == 1


async def test_an_image_without_layers(engine: Engine, fake: FakeRegistry) -> None:
    fake.add_image("team/app", "1", layers=[])
    pulled = await engine.pull()
    assert pulled.diff_ids == ()
    assert pulled.new


async def test_two_pulls_share_a_layer_on_its_way(engine: Engine, fake: FakeRegistry) -> None:
    one = fake.add_image("team/app", "1", layers=[{"base": BIG}])
    fake.add_image("team/app", "2", layers=[{"base": BIG}, {"b": b"2"}])
    fake.faults.hold_after[one.blobs[0]] = 1000
    first = asyncio.create_task(engine.pull("team/app:1"))
    await fake.faults.held.wait()
    engine.events.clear()
    second = asyncio.create_task(engine.pull("team/app:2"))
    while "Downloading" not in engine.statuses(one.blobs[0]):
        await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.wait([first])
    fake.faults.release.set()
    await second
    assert first.cancelled()
    assert len([p for p in fake.paths("blobs") if p.endswith(one.blobs[0])]) == 1


async def test_only_so_many_layers_at_once(tmp_path: Path, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1", layers=[{"a": b"1"}, {"b": b"2"}])
    for blob in built.blobs:
        fake.faults.hold_after[blob] = 10
    async with engine_on(tmp_path, fake, max_downloads=1) as engine:
        pull = asyncio.create_task(engine.pull())
        await fake.faults.held.wait()
        await asyncio.sleep(0)
        asked = [path for path in fake.paths("blobs") if path.rpartition("/")[2] in built.blobs]
        assert len(asked) == 1
        fake.faults.release.set()
        await pull
        statuses = [engine.statuses(blob)[1] for blob in built.blobs]
    assert sorted(statuses) == ["Downloading", "Waiting"]


def big_image(fake: FakeRegistry) -> Built:
    return fake.add_image("team/app", "1", layers=[{"big": BIG}])


async def test_a_cut_connection_is_taken_up_where_it_ended(
    engine: Engine, fake: FakeRegistry
) -> None:
    built = big_image(fake)
    fake.faults.drop_after[built.blobs[0]] = 200_000
    fake.faults.drops_left = 2
    await engine.pull()
    asked = [r for r in fake.requests if r.path.endswith(built.blobs[0])]
    offsets = [int(r.headers.get("Range", "bytes=0-")[6:-1]) for r in asked]
    assert len(offsets) == 3
    assert offsets[0] == 0 < offsets[1] < offsets[2]
    assert tar_in(engine.layers, built.diff_ids[0]) == tar_of({"big": BIG})
    assert any(line == "Retrying in 1 second" for line in engine.statuses(built.blobs[0]))


async def test_a_token_that_expires_during_a_pull_is_renewed(tmp_path: Path) -> None:
    async with (
        FakeRegistry(auth="token").serving() as fake,
        engine_on(tmp_path / "engine", fake) as engine,
    ):
        built = big_image(fake)
        fake.faults.hold_after[built.blobs[0]] = 100_000
        fake.faults.drop_after[built.blobs[0]] = 200_000
        fake.faults.drops_left = 1
        async with asyncio.TaskGroup() as group:
            pulling = group.create_task(engine.pull())
            await fake.faults.held.wait()
            fake.tokens_issued += 1  # what was given out before is worth nothing now
            fake.faults.release.set()
        assert pulling.result().new
        assert tar_in(engine.layers, built.diff_ids[0]) == tar_of({"big": BIG})
        asked = [r.headers for r in fake.requests if r.path.endswith(built.blobs[0])]
        assert [each.get("Range") is not None for each in asked] == [False, True, True]
        tokens = [each["Authorization"] for each in asked]
        assert tokens[0] == tokens[1] != tokens[2]


@pytest.mark.parametrize("fault", ["ignore_ranges", "refuse_ranges"])
async def test_a_cut_connection_without_range_support(
    engine: Engine, fake: FakeRegistry, fault: str
) -> None:
    built = big_image(fake)
    setattr(fake.faults, fault, True)
    fake.faults.drop_after[built.blobs[0]] = 200_000
    fake.faults.drops_left = 1
    await engine.pull()
    assert engine.layers.has(Digest(built.diff_ids[0]))


async def test_a_lasting_break_keeps_what_has_arrived(tmp_path: Path, fake: FakeRegistry) -> None:
    built = big_image(fake)
    fake.faults.drop_after[built.blobs[0]] = 100_000
    fake.faults.ignore_ranges = True
    async with engine_on(tmp_path, fake) as engine:
        error = await engine.fail(Unavailable)
        assert "EOF" in error.message
        (partial,) = engine.partials.iterdir()
        kept = partial.stat().st_size
        assert 0 < kept <= 100_000
        assert [*engine.content.list()] == [*engine.layers.list()] == []
    fake.faults.drop_after.clear()
    fake.faults.ignore_ranges = False
    async with engine_on(tmp_path, fake) as later:
        await later.pull()
        assert [*later.partials.iterdir()] == []
    assert fake.requests[-1].headers["Range"] == f"bytes={kept}-"


async def test_a_cancelled_pull_resumes_in_the_next_engine(
    tmp_path: Path, fake: FakeRegistry
) -> None:
    built = big_image(fake)
    fake.faults.hold_after[built.blobs[0]] = 300_000
    async with engine_on(tmp_path, fake) as engine:
        pull = asyncio.create_task(engine.pull())
        await fake.faults.held.wait()
        while not any(p.stat().st_size for p in engine.partials.iterdir()):
            await asyncio.sleep(0.01)
        pull.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pull
        (partial,) = engine.partials.iterdir()
        kept = partial.stat().st_size
        assert [*engine.unfinished.iterdir()] == []
    fake.faults.hold_after.clear()
    async with engine_on(tmp_path, fake) as later:
        await later.pull()
        assert tar_in(later.layers, built.diff_ids[0]) == tar_of({"big": BIG})
    assert fake.requests[-1].headers["Range"] == f"bytes={kept}-"


async def test_whole_layers_outlive_a_broken_pull(tmp_path: Path, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1", layers=[{"small": b"1"}, {"big": BIG}])
    fake.faults.drop_after[built.blobs[1]] = 0
    fake.faults.truncated[built.blobs[1]] = 10
    async with engine_on(tmp_path, fake, max_downloads=1) as engine:
        await engine.fail(Unavailable)
        assert [*engine.layers.list()] == [built.diff_ids[0]]


async def test_a_damaged_partial_blob_is_fetched_anew(engine: Engine, fake: FakeRegistry) -> None:
    built = big_image(fake)
    ingest = engine.content.ingest(Digest(built.blobs[0]))
    ingest.write(b"not what it should be")
    ingest.close()
    await engine.pull()
    assert tar_in(engine.layers, built.diff_ids[0]) == tar_of({"big": BIG})


async def test_a_partial_blob_longer_than_the_layer_is_fetched_anew(
    engine: Engine, fake: FakeRegistry
) -> None:
    built = fake.add_image("team/app", "1")
    ingest = engine.content.ingest(Digest(built.blobs[0]))
    ingest.write(bytes(10_000))
    ingest.close()
    await engine.pull()
    assert engine.layers.has(Digest(built.diff_ids[0]))


async def test_a_complete_partial_blob_needs_no_request(engine: Engine, fake: FakeRegistry) -> None:
    built = big_image(fake)
    ingest = engine.content.ingest(Digest(built.blobs[0]))
    ingest.write(fake.blobs[built.blobs[0]])
    ingest.close()
    await engine.pull()
    assert not [path for path in fake.paths("blobs") if path.endswith(built.blobs[0])]


@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_a_layer_with_a_changed_byte_leaves_nothing(
    engine: Engine, fake: FakeRegistry, compression: str
) -> None:
    layers = [{"good": b"1"}, {"big": BIG}]
    built = fake.add_image("team/app", "1", layers=layers, compression=compression)
    fake.faults.wrong_bytes.add(built.blobs[1])
    error = await engine.fail(DataLoss)
    assert error.message == f"filesystem layer verification failed for digest {built.blobs[1]}"
    assert error.hint is not None
    assert error.hint.key == "distribution.wrong-digest"
    for partial in engine.partials.iterdir():  # the good layer may still have been on its way
        assert Digest(built.blobs[0]).hex in partial.name
        partial.unlink()
    assert engine.holds_nothing()


async def test_a_wrong_config_leaves_nothing(engine: Engine, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1")
    fake.faults.wrong_bytes.add(built.config_digest)
    error = await engine.fail(DataLoss)
    assert built.config_digest in error.message
    assert engine.holds_nothing()


async def test_a_wrong_diff_id_leaves_nothing(engine: Engine, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1")
    config = fake.blobs[built.config_digest].replace(
        built.diff_ids[0].encode(), digest_of(b"other").encode()
    )
    entry = {"mediaType": "", "digest": fake.add_blob(config), "size": len(config)}
    fake.add_image("team/app", "1", changes={"config": entry})
    error = await engine.fail(DataLoss)
    assert "wrong diff id" in error.message
    assert engine.holds_nothing()


async def test_a_truncated_layer_is_an_unexpected_end(engine: Engine, fake: FakeRegistry) -> None:
    built = big_image(fake)
    fake.faults.truncated[built.blobs[0]] = 1000
    error = await engine.fail(Unavailable)
    assert error.message == "unexpected EOF"


async def test_a_layer_longer_than_stated_is_refused(engine: Engine, fake: FakeRegistry) -> None:
    tar = tar_of({"a": b"1"})
    entry = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": fake.add_blob(tar),
        "size": len(tar) - 512,
    }
    fake.add_image("team/app", "1", layers=[tar], changes={"layers": [entry]})
    error = await engine.fail(DataLoss)
    assert error.message == f"filesystem layer verification failed for digest {digest_of(tar)}"
    assert engine.holds_nothing()


async def test_a_missing_blob_leaves_nothing(engine: Engine, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1", layers=[{"a": b"1"}, {"b": b"2"}])
    fake.faults.missing_blobs.add(built.blobs[1])
    error = await engine.fail(NotFound)
    assert error.message == "blob unknown: blob unknown to registry"
    assert [*engine.layers.list()] == []
    assert [*engine.content.list()] == []


async def test_garbage_in_place_of_a_tar_leaves_nothing(engine: Engine, fake: FakeRegistry) -> None:
    fake.add_image("team/app", "1", layers=[b"\x01" * 5000])
    await engine.fail(InvalidArgument)
    assert engine.holds_nothing()


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"layers": []}, InvalidArgument, "layers from manifest don't match image configuration"),
        ({"config": {"size": 1}}, InvalidArgument, "invalid manifest"),
        (
            {"config": {"mediaType": "", "digest": "md5:0", "size": 1}},
            InvalidArgument,
            "invalid checksum digest format",
        ),
    ],
)
async def test_documents_that_make_no_image(
    engine: Engine, fake: FakeRegistry, changes: object, kind: type[BuduError], sentence: str
) -> None:
    assert isinstance(changes, dict)
    fake.add_image("team/app", "1", changes=changes)
    assert sentence in (await engine.fail(kind)).message
    assert engine.holds_nothing()


CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
HELM = "application/vnd.cncf.helm.config.v1+json"


def add_artifact(fake: FakeRegistry, config_type: str, layer_type: str, body: bytes) -> str:
    """An artifact whose config is `{}`; its digest."""
    config = {"mediaType": config_type, "digest": fake.add_blob(b"{}"), "size": 2}
    layer = {"mediaType": layer_type, "digest": fake.add_blob(body), "size": len(body)}
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}
    text = json.dumps(document).encode()
    return fake.add_manifest("team/chart", "1", text, OCI_MANIFEST)


@pytest.mark.parametrize(
    ("config_type", "layer_type", "kind"),
    [
        (HELM, CHART, HELM),
        ("application/vnd.oci.empty.v1+json", "text/plain", "application/vnd.oci.empty.v1+json"),
        ("application/vnd.oci.image.config.v1+json", "application/vnd.in-toto+json", None),
    ],
)
async def test_an_artifact_is_kept_as_it_is(
    engine: Engine, fake: FakeRegistry, config_type: str, layer_type: str, kind: str | None
) -> None:
    digest = add_artifact(fake, config_type, layer_type, BIG)
    pulled = await engine.pull("team/chart:1")
    assert (pulled.id, pulled.diff_ids) == (digest, ())
    assert pulled.artifact_type == (kind or layer_type)
    assert [*engine.layers.list()] == []
    kept = {Digest.of(b"{}"), Digest.of(BIG), Digest(digest)}
    assert {*engine.content.list()} == kept
    assert not (await engine.pull("team/chart:1")).new


async def test_a_part_of_an_artifact_with_a_changed_byte_leaves_nothing(
    engine: Engine, fake: FakeRegistry
) -> None:
    add_artifact(fake, HELM, CHART, BIG)
    fake.faults.wrong_bytes.add(str(Digest.of(BIG)))
    await engine.fail(DataLoss, "team/chart:1")
    assert engine.holds_nothing()


STATEMENT = random.Random(8).randbytes(9 << 20)
"""More than is read into memory."""


def add_attested(fake: FakeRegistry, *statements: bytes) -> str:
    """An index of one image with an attestation that holds the statements; its digest."""
    built = fake.add_image("team/app", None)
    blobs = [("application/vnd.in-toto+json", each) for each in statements]
    layers = [
        {"mediaType": kind, "digest": fake.add_blob(blob), "size": len(blob)}
        for kind, blob in blobs
    ]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2}
    config["digest"] = fake.add_blob(b"{}")
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    body = json.dumps(document).encode()
    attestation = {"mediaType": OCI_MANIFEST, "size": len(body)}
    attestation["digest"] = fake.add_manifest("team/app", None, body, OCI_MANIFEST)
    about = {"vnd.docker.reference.digest": built.digest}
    about["vnd.docker.reference.type"] = "attestation-manifest"
    image = {"mediaType": OCI_MANIFEST, "digest": built.digest, "size": built.size}
    image["platform"] = {"os": "linux", "architecture": "amd64"}
    nowhere = {"os": "unknown", "architecture": "unknown"}
    entries = [image, {**attestation, "annotations": about, "platform": nowhere}]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    fake.add_manifest("team/app", "1", json.dumps(index).encode(), OCI_INDEX)
    return attestation["digest"]


async def test_attestations_of_any_size_are_kept(engine: Engine, fake: FakeRegistry) -> None:
    small = b'{"_type": "https://in-toto.io/Statement/v0.1"}'
    attestation = add_attested(fake, small, STATEMENT)
    pulled = await engine.pull()
    parts = [str(Digest.of(each)) for each in (b"{}", small, STATEMENT)]
    assert pulled.extras == (attestation, *parts)
    assert {type(each) for each in pulled.extras} == {str}  # a record is made of them
    assert {*pulled.extras} <= {*engine.content.list()}
    assert engine.content.size(Digest.of(STATEMENT)) == len(STATEMENT)
    assert engine.statuses(parts[-1])[-1] == "Pull complete"
    assert engine.statuses(parts[-2]) == []
    before = len(fake.requests)
    assert (await engine.pull()).extras == pulled.extras
    assert not [each for each in fake.requests[before:] if "/blobs/" in each.path]


async def test_attestation_that_cannot_be_had_spoils_no_pull(
    engine: Engine, fake: FakeRegistry
) -> None:
    add_attested(fake, STATEMENT)
    fake.faults.wrong_bytes.add(str(Digest.of(STATEMENT)))
    assert (await engine.pull()).extras == ()
    assert [*engine.partials.iterdir()] == []
    fake.faults.wrong_bytes.clear()
    assert len((await engine.pull()).extras) == 3


async def test_attestation_whose_connection_is_cut_goes_on(
    engine: Engine, fake: FakeRegistry
) -> None:
    add_attested(fake, STATEMENT)
    fake.faults.drop_after[str(Digest.of(STATEMENT))] = 5 << 20
    fake.faults.drops_left = 1
    assert len((await engine.pull()).extras) == 3
    ranges = [each.headers.get("Range") for each in fake.requests]
    assert [each for each in ranges if each]


async def test_indexes_within_indexes_end(engine: Engine, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", None)
    document = {"mediaType": OCI_MANIFEST, "digest": built.digest, "size": built.size}
    for number in range(12):
        platform = {"os": "linux", "architecture": "amd64"}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX}
        body = json.dumps({**index, "manifests": [{**document, "platform": platform}]}).encode()
        digest = fake.add_manifest("team/app", f"{number}", body, OCI_INDEX)
        document = {"mediaType": OCI_INDEX, "digest": digest, "size": len(body)}
    await engine.pull("team/app:5")
    assert "too many indexes" in (await engine.fail(InvalidArgument, "team/app:11")).message


async def test_an_image_of_another_system_is_refused(engine: Engine, fake: FakeRegistry) -> None:
    fake.add_image("team/app", "1", platform="windows/amd64")
    error = await engine.fail(NotImplementedHere)
    assert error.message.startswith('image operating system "windows" cannot be used')


async def test_nothing_is_reported_before_the_registry_knows_the_name(
    engine: Engine, fake: FakeRegistry
) -> None:
    await engine.fail(NotFound)
    assert engine.events == []


async def test_a_full_disk_leaves_nothing(
    engine: Engine, fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's ENOSPC itself is tried on a real small disk in tests/host."""
    fake.add_image("team/app", "1", layers=[{"small": b"1"}, {"big": BIG}])
    write = DiskIngest.write

    def until_full(ingest: DiskIngest, chunk: bytes) -> None:
        if ingest.offset + len(chunk) > 300_000:
            raise ResourceExhausted("write /x: no space left on device")
        write(ingest, chunk)

    monkeypatch.setattr(DiskIngest, "write", until_full)
    error = await engine.fail(ResourceExhausted)
    assert error.message == "write /x: no space left on device"
    assert engine.holds_nothing()


async def test_a_failing_pull_spares_what_another_has_made_its_own(
    engine: Engine, fake: FakeRegistry
) -> None:
    shared = {"shared": BIG}
    one = fake.add_image("team/app", "1", layers=[shared])
    two = fake.add_image("team/app", "2", layers=[shared, {"bad": BIG[::-1]}])
    fake.faults.wrong_bytes.add(two.blobs[1])
    fake.faults.hold_after[two.blobs[1]] = 1000
    failing = asyncio.create_task(engine.fail(DataLoss, "team/app:2"))
    await fake.faults.held.wait()
    await engine.pull("team/app:1")
    engine.named = {Digest(each) for each in (*one.blobs, *one.diff_ids)}
    fake.faults.release.set()
    await failing
    assert [*engine.layers.list()] == [one.diff_ids[0]]
    assert engine.content.has(Digest(one.blobs[0]))


async def test_the_record_is_made_while_everything_is_protected(
    engine: Engine, fake: FakeRegistry
) -> None:
    built = fake.add_image("team/app", "1")
    seen: list[frozenset[Digest]] = []
    every = {*built.diff_ids, *built.blobs, built.digest, built.config_digest}

    async def record(image: PulledImage) -> bool:
        seen.append(engine.leases.protected())
        return False

    recording: Awaitable[PulledImage] = engine.puller.pull(
        engine.reference("team/app:1"),
        platform=AMD64,
        progress=engine.events.append,
        record=record,
    )
    await recording
    assert seen == [every]
    assert engine.leases.protected() == frozenset()
    assert engine.lines()[-1].startswith("Status: Image is up to date")


async def test_blobs_are_dropped_where_they_are_not_wanted(
    tmp_path: Path, fake: FakeRegistry
) -> None:
    built = fake.add_image("team/app", "1")
    async with engine_on(tmp_path, fake) as engine:
        puller = Puller(engine.registries, engine.content, engine.layers, keep_blobs=False)
        await puller.pull(engine.reference("team/app:1"), platform=AMD64)
        puller.close()
        assert set(engine.content.list()) == {built.digest, built.config_digest}
        assert [*engine.partials.iterdir()] == []
