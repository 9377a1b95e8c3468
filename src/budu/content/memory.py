"""Content store in memory: for tests, and for images that are never written down.

Holds everything as `bytes`; runs the same contract suite as `content.disk`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from budu.content.faults import does_not_fit, is_locked, not_found
from budu.spec.digest import Digest


class MemoryContent:
    """See `content.store.ContentStore`."""

    def __init__(self) -> None:
        self._blobs: dict[Digest, bytes] = {}
        self._partial: dict[Digest, bytearray] = {}
        self._open: set[Digest] = set()

    def has(self, digest: Digest) -> bool:
        """See `ContentStore.has`."""
        return digest in self._blobs

    def size(self, digest: Digest) -> int:
        """See `ContentStore.size`."""
        return len(self.read_blob(digest))

    def open_fd(self, digest: Digest) -> int:
        """See `ContentStore.open_fd`; the descriptor is a memory file."""
        data = memoryview(self.read_blob(digest))
        fd = os.memfd_create(digest.short)
        while data:
            data = data[os.write(fd, data) :]
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    def read_blob(self, digest: Digest) -> bytes:
        """See `ContentStore.read_blob`."""
        try:
            return self._blobs[digest]
        except KeyError:
            raise not_found(digest) from None

    def write_blob(self, digest: Digest, data: bytes) -> None:
        """See `ContentStore.write_blob`."""
        if Digest.of(data) != digest:
            raise does_not_fit(digest, Digest.of(data))
        self._blobs[digest] = data

    def ingest(self, digest: Digest) -> MemoryIngest:
        """See `ContentStore.ingest`."""
        if digest in self._open:
            raise is_locked(digest)
        self._open.add(digest)
        return MemoryIngest(self, digest, self._partial.setdefault(digest, bytearray()))

    def stage(self, digest: Digest) -> MemoryIngest:
        """See `ContentStore.stage`."""
        return MemoryIngest(self, digest, bytearray(), is_own=True)

    def delete(self, digest: Digest) -> None:
        """See `ContentStore.delete`."""
        if self._blobs.pop(digest, None) is None:
            raise not_found(digest)

    def list(self) -> Iterator[Digest]:
        """See `ContentStore.list`."""
        return iter(tuple(self._blobs))

    def _finish(self, digest: Digest, *, keep_partial: bool) -> None:
        self._open.discard(digest)
        if not keep_partial:
            self._partial.pop(digest, None)


class MemoryIngest:
    """A partial blob in memory; see `content.store.Ingest`."""

    def __init__(
        self, store: MemoryContent, digest: Digest, data: bytearray, *, is_own: bool = False
    ) -> None:
        self._store = store
        self._is_own = is_own
        self._digest = digest
        self._data = data
        self._is_open = True

    @property
    def digest(self) -> Digest:
        """See `Ingest.digest`."""
        return self._digest

    @property
    def offset(self) -> int:
        """See `Ingest.offset`."""
        return len(self._data)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """See `Ingest.write`."""
        self._data += chunk

    def read_back(self) -> Iterator[bytes]:
        """See `Ingest.read_back`."""
        return iter((bytes(self._data),) if self._data else ())

    def verify(self) -> None:
        """See `Ingest.verify`."""
        found = Digest.of(self._data)
        if found != self._digest:
            self.abort()
            raise does_not_fit(self._digest, found)

    def commit(self) -> None:
        """See `Ingest.commit`."""
        self.verify()
        self._store.write_blob(self._digest, bytes(self._data))
        self.abort()

    def close(self) -> None:
        """See `Ingest.close`."""
        self._end(keep_partial=True)

    def abort(self) -> None:
        """See `Ingest.abort`."""
        self._end(keep_partial=False)

    def _end(self, *, keep_partial: bool) -> None:
        if self._is_open:
            self._is_open = False
            if not self._is_own:
                self._store._finish(self._digest, keep_partial=keep_partial)
