"""Pulls that break off, and pulls of what is damaged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from distribution_engine import BIG, Engine, big_image, engine_on, tar_in
from tests.fakes.registry import FakeRegistry, digest_of, tar_of

from budu.base.errors import (
    BuduError,
    DataLoss,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from budu.spec.digest import Digest


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


async def one_fails_after_half_of_the_other(
    engine: Engine, fake: FakeRegistry, kind: type[BuduError], good: str, bad: str
) -> None:
    """A pull whose second layer is answered when half of the first one is on the disk."""
    fake.faults.hold_after[good] = 100_000
    fake.faults.waits[bad] = asyncio.Event()
    partial = engine.partials / good.removeprefix("sha256:")
    failing = asyncio.create_task(engine.fail(kind))
    async with asyncio.timeout(30):
        while not (partial.exists() and partial.stat().st_size):
            await asyncio.sleep(0.01)
        fake.faults.waits[bad].set()
        await failing


async def test_what_came_of_the_others_goes_when_one_layer_is_wrong(
    engine: Engine, fake: FakeRegistry
) -> None:
    built = fake.add_image("team/app", "1", layers=[{"big": BIG}, {"b": b"2"}])
    fake.faults.wrong_bytes.add(built.blobs[1])
    await one_fails_after_half_of_the_other(engine, fake, DataLoss, *built.blobs)
    assert engine.holds_nothing()


async def test_what_has_come_stays_when_a_rate_limit_ends_the_pull(
    engine: Engine, fake: FakeRegistry
) -> None:
    built = fake.add_image("team/app", "1", layers=[{"big": BIG}, {"b": b"2"}])
    fake.faults.limited_blobs.add(built.blobs[1])
    await one_fails_after_half_of_the_other(engine, fake, ResourceExhausted, *built.blobs)
    assert [each.name for each in engine.partials.iterdir()] == [built.blobs[0][7:]]
    fake.faults.limited_blobs.clear()
    fake.faults.hold_after.clear()
    await engine.pull()
    asked = [r for r in fake.requests if r.path.endswith(built.blobs[0])]
    assert asked[-1].headers.get("Range", "").startswith("bytes=")


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
