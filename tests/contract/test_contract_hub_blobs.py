"""Every blob store of the hub keeps the contract of `budu.hub.blobs.contract`."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.support.s3 import s3_url

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.blobs.contract import BlobStore
from budu.hub.blobs.opening import open_blobs
from budu.spec.digest import Digest

MIB = 1 << 20
SMALL = b"small " * 1000
LARGE = secrets.token_bytes(MIB) * 21
"""More than two parts of S3 and a piece."""
Open = Callable[[], BlobStore]


@pytest.fixture(params=["folder", "s3"])
async def another(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the same store once more, as another process would."""
    url = f"file://{tmp_path}/blobs"
    if request.param == "s3":
        url = s3_url(request.getfixturevalue("s3"), tmp_path.name)
    opened: list[BlobStore] = []

    def open_one() -> BlobStore:
        opened.append(open_blobs(url))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
def store(another: Open) -> BlobStore:
    return another()


async def pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def broken(data: bytes) -> AsyncIterator[bytes]:
    async for piece in pieces(data):
        yield piece
    raise ConnectionResetError


async def joined(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


async def stored(store: BlobStore, data: bytes) -> Digest:
    upload = await store.begin()
    assert await store.append(upload, 0, pieces(data), hashlib.sha256()) == len(data)
    digest = Digest.of(data)
    assert await store.commit(upload, digest) == len(data)
    return digest


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
async def test_blob_is_what_was_appended(store: BlobStore, data: bytes) -> None:
    digest = await stored(store, data)
    assert await store.size(digest) == len(data)
    assert await joined(store.read(digest)) == data
    path = store.path(digest)
    assert path is None or path.read_bytes() == data


async def test_hash_is_fed_with_what_was_appended(store: BlobStore) -> None:
    hashed = hashlib.sha256()
    upload = await store.begin()
    size = await store.append(upload, 0, pieces(LARGE[: 9 * MIB]), hashed)
    await store.append(upload, size, pieces(LARGE[9 * MIB :]), hashed)
    assert hashed.hexdigest() == Digest.of(LARGE).hex


async def test_ranges(store: BlobStore) -> None:
    digest = await stored(store, SMALL)
    assert await joined(store.read(digest, start=10, end=20)) == SMALL[10:20]
    assert await joined(store.read(digest, start=5990)) == SMALL[5990:]
    assert await joined(store.read(digest, start=5990, end=99_999)) == SMALL[5990:]
    assert await joined(store.read(digest, start=6000)) == b""


@pytest.mark.parametrize("cut", [1000, 7 * MIB, 8 * MIB, 20 * MIB])
async def test_another_process_goes_on(store: BlobStore, another: Open, cut: int) -> None:
    upload = await store.begin()
    await store.append(upload, 0, pieces(LARGE[:cut]), hashlib.sha256())
    other = another()
    assert await other.upload_size(upload) == cut
    assert await other.append(upload, cut, pieces(LARGE[cut:]), hashlib.sha256()) == len(LARGE)
    digest = Digest.of(LARGE)
    await other.commit(upload, digest)
    assert await joined(store.read(digest)) == LARGE


async def test_many_small_chunks(store: BlobStore) -> None:
    upload, size = await store.begin(), 0
    for start in range(0, len(SMALL), 1000):
        size = await store.append(
            upload, size, pieces(SMALL[start : start + 1000]), hashlib.sha256()
        )
    await store.commit(upload, Digest.of(SMALL))
    assert await joined(store.read(Digest.of(SMALL))) == SMALL


async def test_what_came_before_a_break_is_kept(store: BlobStore) -> None:
    hashed = hashlib.sha256()
    upload = await store.begin()
    with pytest.raises(ConnectionResetError):
        await store.append(upload, 0, broken(LARGE[: 10 * MIB]), hashed)
    size = await store.upload_size(upload)
    assert size == 10 * MIB
    assert hashed.hexdigest() == Digest.of(LARGE[:size]).hex
    await store.append(upload, size, pieces(LARGE[size:]), hashed)
    await store.commit(upload, Digest.of(LARGE))
    assert await joined(store.read(Digest.of(LARGE))) == LARGE


async def test_a_cancelled_append_leaves_a_prefix(store: BlobStore) -> None:
    waiting = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield LARGE[: 9 * MIB]
        yield b"x"
        waiting.set()
        await asyncio.Event().wait()

    upload = await store.begin()
    task = asyncio.create_task(store.append(upload, 0, stuck(), hashlib.sha256()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    size = await store.upload_size(upload)
    assert size <= 9 * MIB + 1
    assert await joined(store.read_upload(upload)) == (LARGE[: 9 * MIB] + b"x")[:size]


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
async def test_upload_is_read_back_and_goes_on(store: BlobStore, data: bytes) -> None:
    upload = await store.begin()
    size = await store.append(upload, 0, pieces(data), hashlib.sha256())
    assert await joined(store.read_upload(upload)) == data
    assert await store.upload_size(upload) == size
    assert await joined(store.read_upload(upload)) == data
    await store.append(upload, size, pieces(SMALL), hashlib.sha256())
    digest = Digest.of(data + SMALL)
    assert await store.commit(upload, digest) == size + len(SMALL)
    assert await joined(store.read(digest)) == data + SMALL


async def test_a_chunk_begins_where_the_upload_ends(store: BlobStore) -> None:
    upload = await store.begin()
    await store.append(upload, 0, pieces(SMALL), hashlib.sha256())
    for offset in (0, len(SMALL) - 1, len(SMALL) + 1):
        with pytest.raises(InvalidArgument):
            await store.append(upload, offset, pieces(SMALL), hashlib.sha256())
    assert await store.upload_size(upload) == len(SMALL)


async def test_the_same_blob_twice(store: BlobStore) -> None:
    assert await stored(store, SMALL) == await stored(store, SMALL)
    assert [blob.digest async for blob in store.list()] == [Digest.of(SMALL)]


async def test_list(store: BlobStore) -> None:
    before = time.time()
    digests = {await stored(store, b"%d" % number) for number in range(5)}
    found = [blob async for blob in store.list()]
    assert {blob.digest for blob in found} == digests
    assert all(blob.size_bytes == 1 and blob.stored_at >= before - 2 for blob in found)


async def test_deleted_blob_is_gone(store: BlobStore) -> None:
    digest = await stored(store, SMALL)
    for _ in range(2):
        await store.delete(digest)
    assert await store.size(digest) is None
    with pytest.raises(NotFound):
        await joined(store.read(digest))


async def test_a_reader_reads_on_beside_a_delete(store: BlobStore) -> None:
    digest = await stored(store, SMALL)
    stream = store.read(digest)
    first = await anext(stream)
    await store.delete(digest)
    assert first + await joined(stream) == SMALL


async def test_aborted_and_committed_uploads_are_unknown(store: BlobStore) -> None:
    aborted, done = await store.begin(), await store.begin()
    for upload in (aborted, done):
        await store.append(upload, 0, pieces(LARGE), hashlib.sha256())
    for _ in range(2):
        await store.abort(aborted)
    await store.commit(done, Digest.of(LARGE))
    for upload in (aborted, done):
        with pytest.raises(NotFound):
            await store.upload_size(upload)
        with pytest.raises(NotFound):
            await store.append(upload, 0, pieces(SMALL), hashlib.sha256())
        with pytest.raises(NotFound):
            await store.commit(upload, Digest.of(SMALL))
        with pytest.raises(NotFound):
            await joined(store.read_upload(upload))
    assert [name async for name, _ in store.list_uploads()] == []


async def test_uploads_are_listed_with_their_age(store: BlobStore) -> None:
    before = time.time()
    names = {await store.begin() for _ in range(3)}
    for name in names:
        await store.append(name, 0, pieces(SMALL), hashlib.sha256())
    found = [upload async for upload in store.list_uploads()]
    assert {name for name, _ in found} == names
    assert all(touched_at >= before - 2 for _, touched_at in found)


@pytest.mark.parametrize("name", ["", ".", "..", "../blobs", "a/b", "0" * 31, "A" * 32, "é" * 32])
async def test_other_names_are_no_uploads(store: BlobStore, name: str) -> None:
    with pytest.raises(NotFound):
        await store.upload_size(name)
    with pytest.raises(NotFound):
        await store.append(name, 0, pieces(SMALL), hashlib.sha256())


@pytest.mark.parametrize(
    "url", ["", "/srv/blobs", "file://host/srv", "s3://", "s3://b?colour=red", "ftp://a/b"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="s3://BUCKET/PREFIX"):
        open_blobs(url)
