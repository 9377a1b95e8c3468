"""Whole pulls from a real registry on loopback into real stores in a folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path

import pytest
from distribution_engine import AMD64, BIG, Engine, engine_on, tar_in
from tests.fakes.registry import OCI_INDEX, OCI_MANIFEST, FakeRegistry, tar_of

from budu.base.errors import (
    DataLoss,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    ResourceExhausted,
)
from budu.content.disk import DiskIngest
from budu.distribution.progress import PullEvent, PullSummary
from budu.distribution.pull import PulledImage, Puller
from budu.spec.digest import Digest
from budu.spec.platform import parse_platform


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
