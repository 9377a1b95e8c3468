"""Every content store keeps the contract of `budu.content.store`."""

from __future__ import annotations

import os
import threading

import pytest

from budu.base.errors import Conflict, DataLoss, NotFound
from budu.content.disk import DiskContent
from budu.content.leases import Leases
from budu.content.memory import MemoryContent
from budu.spec.digest import Digest

DATA = b"layer " * 100_000
DIGEST = Digest.of(DATA)


@pytest.fixture(params=["disk", "memory"])
def store(request, tmp_path):
    return DiskContent(tmp_path / "content") if request.param == "disk" else MemoryContent()


def read_all(store, digest: Digest) -> bytes:
    with os.fdopen(store.open_fd(digest), "rb") as file:
        return file.read()


def test_document_is_readable_once_written(store):
    store.write_blob(DIGEST, DATA)
    store.write_blob(DIGEST, DATA)
    assert store.has(DIGEST)
    assert store.size(DIGEST) == len(DATA)
    assert store.read_blob(DIGEST) == read_all(store, DIGEST) == DATA
    assert list(store.list()) == [DIGEST]


def test_document_with_wrong_digest_is_refused(store):
    with pytest.raises(DataLoss):
        store.write_blob(DIGEST, b"other")
    assert not store.has(DIGEST)


def test_missing_blob_is_not_found(store):
    for question in (store.size, store.open_fd, store.read_blob, store.delete):
        with pytest.raises(NotFound, match=f"content digest {DIGEST}: not found"):
            question(DIGEST)
    assert not store.has(DIGEST)


def test_ingest_becomes_visible_at_commit(store):
    ingest = store.ingest(DIGEST)
    ingest.write(DATA[:1000])
    ingest.write(memoryview(DATA)[1000:])
    assert ingest.offset == len(DATA)
    assert not store.has(DIGEST)
    ingest.commit()
    assert read_all(store, DIGEST) == DATA
    assert store.ingest(DIGEST).offset == 0


def test_closed_ingest_goes_on_where_it_stopped(store):
    first = store.ingest(DIGEST)
    first.write(DATA[:70_000])
    first.close()
    second = store.ingest(DIGEST)
    assert second.offset == 70_000
    assert b"".join(second.read_back()) == DATA[:70_000]
    second.write(DATA[70_000:])
    second.commit()
    assert read_all(store, DIGEST) == DATA


def test_read_back_is_what_was_there_when_asked(store):
    ingest = store.ingest(DIGEST)
    ingest.write(b"before")
    pieces = ingest.read_back()
    ingest.write(b"after")
    assert b"".join(pieces) == b"before"
    ingest.abort()


def test_aborted_ingest_is_forgotten(store):
    ingest = store.ingest(DIGEST)
    ingest.write(DATA[:10])
    ingest.abort()
    ingest.close()
    assert store.ingest(DIGEST).offset == 0


@pytest.mark.parametrize("end", ["verify", "commit"])
def test_wrong_bytes_are_thrown_away(store, end):
    ingest = store.ingest(DIGEST)
    ingest.write(b"wrong")
    with pytest.raises(DataLoss, match="filesystem layer verification failed for digest") as info:
        getattr(ingest, end)()
    assert info.value.hint is not None
    assert not store.has(DIGEST)
    assert store.ingest(DIGEST).offset == 0


def test_one_ingest_of_a_blob_at_a_time(store):
    ingest = store.ingest(DIGEST)
    with pytest.raises(Conflict):
        store.ingest(DIGEST)
    ingest.close()
    store.ingest(DIGEST).abort()


def test_deleted_blob_is_gone_but_open_ones_read_on(store):
    store.write_blob(DIGEST, DATA)
    fd = store.open_fd(DIGEST)
    store.delete(DIGEST)
    assert not store.has(DIGEST)
    with os.fdopen(fd, "rb") as file:
        assert file.read() == DATA


def test_staged_blobs_are_independent(store):
    kept = store.ingest(DIGEST)
    kept.write(DATA[:3])
    one, two = store.stage(DIGEST), store.stage(DIGEST)
    for each in (one, two):
        assert each.offset == 0
        each.write(DATA)
    two.close()
    assert not store.has(DIGEST)
    one.commit()
    assert store.read_blob(DIGEST) == DATA
    kept.close()
    assert store.ingest(DIGEST).offset == 3


def test_wrong_staged_blob_leaves_nothing(store):
    staged = store.stage(DIGEST)
    staged.write(DATA + b"x")
    with pytest.raises(DataLoss):
        staged.commit()
    assert [*store.list()] == []


def test_what_is_named_or_leased_is_spared(store):
    leases = Leases()
    blobs = {name: Digest.of(name.encode()) for name in ("garbage", "leased", "used")}
    for name, digest in blobs.items():
        store.write_blob(digest, name.encode())

    def unnamed(digests: set[Digest]) -> set[Digest]:
        return digests - {blobs["used"]}

    with leases.hold([blobs["leased"]]) as lease:
        assert leases.free(store.list(), store.delete, unnamed=unnamed) == [blobs["garbage"]]
        assert {*store.list()} == {blobs["leased"], blobs["used"]}
        assert leases.free([blobs["used"]], store.delete, unnamed=unnamed, besides=lease) == []
        own = leases.free([blobs["leased"]], store.delete, unnamed=unnamed, besides=lease)
        assert own == [blobs["leased"]]
    assert leases.free(store.list(), store.delete, unnamed=set) == [blobs["used"]]
    assert leases.free([DIGEST], store.delete, unnamed=set) == []


def test_lease_waits_for_a_deletion_under_way(store):
    leases = Leases()
    store.write_blob(DIGEST, DATA)
    begun, go_on = threading.Event(), threading.Event()

    def delete(digest: Digest) -> None:
        begun.set()
        go_on.wait(30)
        store.delete(digest)

    freeing = threading.Thread(
        target=lambda: leases.free([DIGEST], delete, unnamed=set), daemon=True
    )
    freeing.start()
    begun.wait(30)
    leases.hold([Digest.of(b"another")]).release()  # others do not wait
    seen = []
    leasing = threading.Thread(
        target=lambda: (leases.hold([DIGEST]), seen.append(store.has(DIGEST))), daemon=True
    )
    leasing.start()
    go_on.set()
    for thread in (freeing, leasing):
        thread.join(30)
    assert seen == [False]
