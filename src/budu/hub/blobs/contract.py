"""The contract of the hub's blob stores.

Life of an upload: `begin` makes an empty one and returns its name; `append` adds bytes at its end
and may break off in the middle, what came is kept; `commit` makes the bytes a blob under their
digest, whole, at once; `abort` throws them away. An upload outlives the process that began it and
may be taken up by another one (any number of hub processes share one store), so nothing about it is
kept in memory alone. What the bytes hash to is the caller's to know: `append` takes a hash that it
feeds, and `commit` believes the digest it is given; `read_upload` gives the bytes back to hash them
again where another process began.

A blob never changes. `delete` removes it; who reads it may read on. Blobs are shared by all
repositories; who may see which is not the store's to know.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Protocol

from budu.spec.digest import Digest


class Hash(Protocol):
    """What of a hash an upload needs; `hashlib` gives it."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Takes in more bytes."""


class StoredBlob(Protocol):
    """A blob as the store lists it."""

    @property
    def digest(self) -> Digest:
        """Its name."""

    @property
    def size_bytes(self) -> int:
        """Its length."""

    @property
    def stored_at(self) -> float:
        """When it was stored, in seconds since the epoch."""


class BlobStore(Protocol):
    """Blobs by digest, and uploads that become blobs."""

    async def size(self, digest: Digest) -> int | None:
        """The blob's size in bytes; None when it is not there."""

    def path(self, digest: Digest) -> Path | None:
        """The file that holds the blob, for sendfile; None when the store has no files."""

    def read(
        self, digest: Digest, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but without `end`, in pieces. Raises: NotFound."""

    async def delete(self, digest: Digest) -> None:
        """Remove the blob; nothing happens when it is not there."""

    def list(self) -> AsyncIterator[StoredBlob]:
        """Every blob, in no particular order."""

    async def begin(self) -> str:
        """Make an empty upload; its name is safe in a URL."""

    async def upload_size(self, upload: str) -> int:
        """Bytes that are there: where the next `append` begins. Raises: NotFound."""

    async def append(
        self, upload: str, offset: int, data: AsyncIterable[bytes], hashed: Hash
    ) -> int:
        """Add bytes; the size after them. When `data` breaks off, what came before is kept.

        Raises: NotFound; InvalidArgument when `offset` is not the size; ResourceExhausted when the
        store is full.
        """

    def read_upload(self, upload: str) -> AsyncIterator[bytes]:
        """The bytes of an upload, in pieces. Raises: NotFound."""

    async def commit(self, upload: str, digest: Digest) -> int:
        """Make the upload the blob `digest`; its size. A blob that is there already stays.

        Raises: NotFound.
        """

    async def abort(self, upload: str) -> None:
        """Throw the upload away; nothing happens when it is not there."""

    def list_uploads(self) -> AsyncIterator[tuple[str, float]]:
        """Every upload with the time of its last byte, in seconds since the epoch."""

    async def close(self) -> None:
        """Let go of connections."""
