"""Blobs in an S3 bucket.

    <prefix>/blobs/sha256/<2 hex>/<64 hex>     whole blobs
    <prefix>/uploads/<id>/begun                an upload, empty
    <prefix>/uploads/<id>/multipart/<S3's id>  it has parts; they belong to the key `…/data`
    <prefix>/uploads/<id>/tail/<offset>        its last bytes from there on, too few for a part
    <prefix>/uploads/<id>/data                 all its bytes, sealed

S3 takes no part below 5 MiB but the last, so bytes that do not fill one wait in a tail object, and
the next append, in this process or another, takes them up. A tail counts only where the parts end:
one that a killed process left behind is known by its offset. Parts can't be read before they are
sealed; an append to a sealed upload makes the whole its first part.

One append at a time is the caller's to see to. Source: docs.aws.amazon.com, "Multipart upload
overview", "Copying objects".
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from budu.hub.blobs.contract import Hash
from budu.hub.blobs.faults import no_blob, no_upload, wrong_offset
from budu.hub.blobs.pieces import gathered
from budu.hub.blobs.s3_bucket import Bucket, StoredObject
from budu.spec.digest import Digest

PART_BYTES = 8 << 20
"""Of the first thousand parts."""
LARGE_PART_BYTES = 64 << 20
"""Of later ones, since S3 knows ten thousand."""
_SMALL_PARTS = 1000
_COPIED_AT_ONCE = 4 << 30
_PIECE_BYTES = 256 << 10
_UPLOAD = re.compile(r"[0-9a-f]{32}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class S3Blob:
    """A blob that was found in the bucket."""

    digest: Digest
    size_bytes: int
    stored_at: float


@dataclass
class _State:
    """What is there of an upload."""

    sealed_bytes: int | None = None
    multipart: str | None = None
    parts: list[tuple[str, int]] = field(default_factory=list)
    """ETag and size of each."""
    tail_bytes: int = 0

    @property
    def parts_bytes(self) -> int:
        return sum(size for _, size in self.parts)

    @property
    def size(self) -> int:
        if self.sealed_bytes is not None:
            return self.sealed_bytes
        return self.parts_bytes + self.tail_bytes


class S3Blobs:
    """See the module and `contract.BlobStore`."""

    def __init__(
        self, bucket: str, prefix: str, *, endpoint: str | None = None, region: str | None = None
    ) -> None:
        """Nothing is asked of S3 before the first call."""
        self._bucket = Bucket(bucket, endpoint=endpoint, region=region)
        self._prefix = f"{prefix}/" if prefix else ""

    def path(self, digest: Digest) -> Path | None:
        """See `BlobStore.path`: there are no files here."""
        return None

    async def size(self, digest: Digest) -> int | None:
        """See `BlobStore.size`."""
        return await self._bucket.size(self._blob(digest))

    async def read(
        self, digest: Digest, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """See `BlobStore.read`."""
        async for piece in self._bucket.read(self._blob(digest), no_blob(digest), start, end):
            yield piece

    async def delete(self, digest: Digest) -> None:
        """See `BlobStore.delete`."""
        await self._bucket.delete(self._blob(digest))

    async def list(self) -> AsyncIterator[S3Blob]:
        """See `BlobStore.list`."""
        async for found in self._bucket.listed(f"{self._prefix}blobs/sha256/"):
            name = found.key.rpartition("/")[2]
            if _HEX.match(name):
                yield S3Blob(Digest.from_hex(name), found.size_bytes, found.stored_at)

    async def begin(self) -> str:
        """See `BlobStore.begin`."""
        upload = secrets.token_hex(16)
        await self._bucket.put(self._key(upload, "begun"), b"")
        return upload

    async def upload_size(self, upload: str) -> int:
        """See `BlobStore.upload_size`."""
        return (await self._state(upload)).size

    async def append(
        self, upload: str, offset: int, data: AsyncIterable[bytes], hashed: Hash
    ) -> int:
        """See `BlobStore.append`."""
        state = await self._state(upload)
        if offset != state.size:
            raise wrong_offset(offset, state.size)
        if state.sealed_bytes is not None:
            state = await self._reopened(upload, state.sealed_bytes)
        tail = await self._tail(upload, state)
        appender = _Appender(self, upload, state, tail, hashed)
        try:
            async for piece in gathered(data, _PIECE_BYTES):
                await appender.take(piece)
        finally:
            await _shielded(appender.keep_tail())
        return state.size

    async def read_upload(self, upload: str) -> AsyncIterator[bytes]:
        """See `BlobStore.read_upload`; seals it."""
        state = await self._state(upload)
        missing = no_upload(upload)
        if state.sealed_bytes is None and not state.parts:
            yield await self._tail(upload, state)
            return
        if state.sealed_bytes is None:
            await self._seal(upload, state)
        async for piece in self._bucket.read(self._key(upload, "data"), missing, 0, None):
            yield piece

    async def commit(self, upload: str, digest: Digest) -> int:
        """See `BlobStore.commit`."""
        state = await self._state(upload)
        target = self._blob(digest)
        if state.sealed_bytes is None and not state.parts:
            await self._bucket.put(target, await self._tail(upload, state))
        else:
            if state.sealed_bytes is None:
                await self._seal(upload, state)
            await self._bucket.copy(self._key(upload, "data"), target, state.size, _COPIED_AT_ONCE)
        await self._forget(upload)
        return state.size

    async def abort(self, upload: str) -> None:
        """See `BlobStore.abort`."""
        if not _UPLOAD.match(upload):
            return
        async for found in self._bucket.listed(self._key(upload, "multipart/")):
            await self._bucket.abort_multipart(
                self._key(upload, "data"), found.key.rpartition("/")[2]
            )
        await self._forget(upload)

    async def list_uploads(self) -> AsyncIterator[tuple[str, float]]:
        """See `BlobStore.list_uploads`."""
        last: tuple[str, float] | None = None
        async for found in self._bucket.listed(f"{self._prefix}uploads/"):
            upload = found.key.removeprefix(f"{self._prefix}uploads/").partition("/")[0]
            if last is not None and last[0] != upload:
                yield last
                last = None
            last = (upload, max(found.stored_at, last[1] if last else 0.0))
        if last is not None:
            yield last

    async def close(self) -> None:
        """See `BlobStore.close`."""
        await self._bucket.close()

    def _blob(self, digest: Digest) -> str:
        return f"{self._prefix}blobs/sha256/{digest.hex[:2]}/{digest.hex}"

    def _key(self, upload: str, name: str) -> str:
        if not _UPLOAD.match(upload):
            raise no_upload(upload)
        return f"{self._prefix}uploads/{upload}/{name}"

    async def _state(self, upload: str) -> _State:
        folder = self._key(upload, "")
        objects = {
            found.key.removeprefix(folder): found async for found in self._bucket.listed(folder)
        }
        if not objects:
            raise no_upload(upload)
        state = _State()
        if sealed := objects.get("data"):
            state.sealed_bytes = sealed.size_bytes
            return state
        state.multipart = next(_below("multipart/", objects), None)
        if state.multipart is not None:
            state.parts = await self._bucket.parts(f"{folder}data", state.multipart)
        tail = objects.get(f"tail/{state.parts_bytes}")
        state.tail_bytes = tail.size_bytes if tail else 0
        return state

    async def _tail(self, upload: str, state: _State) -> bytes:
        if not state.tail_bytes:
            return b""
        key = self._key(upload, f"tail/{state.parts_bytes}")
        return b"".join(
            [piece async for piece in self._bucket.read(key, no_upload(upload), 0, None)]
        )

    async def _add_part(self, upload: str, state: _State, data: bytes) -> None:
        key = self._key(upload, "data")
        if state.multipart is None:
            state.multipart = await self._bucket.begin_multipart(key)
            await self._bucket.put(self._key(upload, f"multipart/{state.multipart}"), b"")
        etag = await self._bucket.put_part(key, state.multipart, len(state.parts) + 1, data)
        state.parts.append((etag, len(data)))

    async def _seal(self, upload: str, state: _State) -> None:
        if tail := await self._tail(upload, state):
            state.tail_bytes = 0
            await self._add_part(upload, state, tail)
        assert state.multipart is not None  # it has parts
        etags = [etag for etag, _ in state.parts]
        await self._bucket.complete_multipart(self._key(upload, "data"), state.multipart, etags)

    async def _reopened(self, upload: str, size: int) -> _State:
        """A sealed upload as one that can be appended to."""
        key = self._key(upload, "data")
        whole = self._key(upload, "whole")
        state = _State()
        await self._bucket.copy(key, whole, size, _COPIED_AT_ONCE)
        async for found in self._bucket.listed(self._key(upload, "multipart/")):
            await self._bucket.delete(found.key)
        multipart = await self._bucket.begin_multipart(key)
        state.parts = await self._bucket.copy_parts(whole, key, multipart, size, _COPIED_AT_ONCE)
        state.multipart = multipart
        await self._bucket.put(self._key(upload, f"multipart/{multipart}"), b"")
        for name in (key, whole):
            await self._bucket.delete(name)
        return state

    async def _forget(self, upload: str) -> None:
        async for found in self._bucket.listed(self._key(upload, "")):
            await self._bucket.delete(found.key)


def _below(folder: str, objects: dict[str, StoredObject]) -> Iterator[str]:
    return (key.removeprefix(folder) for key in objects if key.startswith(folder))


class _Appender:
    """Collects bytes into parts; hashes what has been stored."""

    def __init__(
        self, store: S3Blobs, upload: str, state: _State, tail: bytes, hashed: Hash
    ) -> None:
        self._store = store
        self._upload = upload
        self._state = state
        self._hashed = hashed
        self._buffer = bytearray(tail)
        self._known = len(tail)
        """Bytes at the buffer's beginning that were hashed, and stored as a tail."""
        self._tail_at = state.parts_bytes if tail else None

    async def take(self, piece: bytes) -> None:
        """More bytes."""
        self._buffer += piece
        small = len(self._state.parts) < _SMALL_PARTS
        size = PART_BYTES if small else LARGE_PART_BYTES
        if len(self._buffer) >= size:
            await self._store._add_part(self._upload, self._state, bytes(self._buffer))
            self._state.tail_bytes = 0
            await self._count()
            self._buffer.clear()
            self._known = 0

    async def keep_tail(self) -> None:
        """Store what fills no part."""
        offset = self._state.parts_bytes
        if len(self._buffer) > self._known:
            key = self._store._key(self._upload, f"tail/{offset}")
            await self._store._bucket.put(key, bytes(self._buffer))
            await self._count()
            self._state.tail_bytes = len(self._buffer)
        if self._tail_at is not None and self._tail_at != offset:
            await self._store._bucket.delete(
                self._store._key(self._upload, f"tail/{self._tail_at}")
            )

    async def _count(self) -> None:
        fresh = bytes(self._buffer[self._known :])
        await asyncio.to_thread(self._hashed.update, fresh)
        self._known = len(self._buffer)


async def _shielded(work: Any) -> None:
    """Lets `work` finish also when we are cancelled."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
