"""Content store in a directory.

    <root>/blobs/sha256/<hex>     whole blobs, as in an OCI image layout; mode 0444
    <root>/ingest/<hex>           partial blobs, kept across restarts
    <root>/tmp/                   documents and staged blobs being written; emptied at open

Durability. A blob appears by rename, so no process ever sees half of one, whatever gets killed. For
a power failure, documents (`write_blob`) are synced before the rename: they are small, and the
engine's records point at them. Layers (`ingest`) are not: syncing 50 MB would cost more than
fetching it, and the registry has it. After a power failure such a blob may be short, which readers
find out by comparing `size` with the descriptor's; then `delete` and fetch again.
Partial blobs are hashed again when reopened, so a damaged one ends in DataLoss and a fresh start.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from budu.archive.faults import os_errors
from budu.content.faults import does_not_fit, is_locked, not_found
from budu.spec.digest import Digest

_PIECE_BYTES = 1 << 20
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class DiskContent:
    """See the module and `content.store.ContentStore`."""

    def __init__(self, root: str | Path) -> None:
        self._blobs = Path(root) / "blobs" / "sha256"
        self._partial = Path(root) / "ingest"
        self._tmp = Path(root) / "tmp"
        self._open: set[Digest] = set()
        self._lock = threading.Lock()
        with os_errors(f"mkdir {root}"):
            for directory in (self._blobs, self._partial, self._tmp):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for leftover in self._tmp.iterdir():
                leftover.unlink()

    def path(self, digest: Digest) -> Path:
        """Where the blob is, or would be."""
        return self._blobs / digest.hex

    def has(self, digest: Digest) -> bool:
        """See `ContentStore.has`."""
        return self.path(digest).exists()

    def size(self, digest: Digest) -> int:
        """See `ContentStore.size`."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            raise not_found(digest) from None

    def open_fd(self, digest: Digest) -> int:
        """See `ContentStore.open_fd`."""
        try:
            return os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise not_found(digest) from None

    def read_blob(self, digest: Digest) -> bytes:
        """See `ContentStore.read_blob`."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise not_found(digest) from None
        if Digest.of(data) != digest:
            raise does_not_fit(digest, Digest.of(data))
        return data

    def write_blob(self, digest: Digest, data: bytes) -> None:
        """See `ContentStore.write_blob`."""
        if Digest.of(data) != digest:
            raise does_not_fit(digest, Digest.of(data))
        if self.has(digest) and self.size(digest) == len(data):
            return
        with os_errors(f"write {self.path(digest)}"):
            self._write_synced(self.path(digest), data)

    def _write_synced(self, path: Path, data: bytes) -> None:
        fd, name = tempfile.mkstemp(dir=self._tmp)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(fd, 0o444)
                os.fdatasync(fd)
            os.replace(name, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(name)
            raise

    def ingest(self, digest: Digest) -> DiskIngest:
        """See `ContentStore.ingest`."""
        with self._lock:
            if digest in self._open:
                raise is_locked(digest)
            self._open.add(digest)
        try:
            return DiskIngest(self, digest, self._partial / digest.hex)
        except BaseException:
            self._release(digest)
            raise

    def stage(self, digest: Digest) -> DiskIngest:
        """See `ContentStore.stage`."""
        with os_errors(f"write {self._tmp}"):
            fd, name = tempfile.mkstemp(dir=self._tmp)
        os.close(fd)
        return DiskIngest(self, digest, Path(name), is_own=True)

    def _release(self, digest: Digest) -> None:
        with self._lock:
            self._open.discard(digest)

    def delete(self, digest: Digest) -> None:
        """See `ContentStore.delete`."""
        try:
            self.path(digest).unlink()
        except FileNotFoundError:
            raise not_found(digest) from None

    def list(self) -> Iterator[Digest]:
        """See `ContentStore.list`."""
        for name in os.listdir(self._blobs):
            if _HEX.match(name):
                yield Digest.from_hex(name)

    def discard_partial(self, *, older_than_s: float) -> int:
        """Removes partial blobs that nobody touched for so long; how many."""
        limit = time.time() - older_than_s
        removed = 0
        for path in self._partial.iterdir():
            with self._lock:
                if _HEX.match(path.name) and Digest.from_hex(path.name) in self._open:
                    continue
                with suppress(FileNotFoundError):  # committed meanwhile
                    if path.stat().st_mtime < limit:
                        path.unlink()
                        removed += 1
        return removed


class DiskIngest:
    """A partial blob in a file; see `content.store.Ingest`."""

    def __init__(
        self, store: DiskContent, digest: Digest, path: Path, *, is_own: bool = False
    ) -> None:
        self._store = store
        self._is_own = is_own
        self._digest = digest
        self._path = path
        self._hash = hashlib.sha256()
        self._offset = 0
        self._action = f"write {path}"
        self._fd = -1
        with os_errors(self._action):
            self._fd = os.open(path, _APPEND, 0o600)
            for piece in _read_range(self._fd, os.fstat(self._fd).st_size):
                self._hash.update(piece)
                self._offset += len(piece)

    @property
    def digest(self) -> Digest:
        """See `Ingest.digest`."""
        return self._digest

    @property
    def offset(self) -> int:
        """See `Ingest.offset`."""
        return self._offset

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """See `Ingest.write`."""
        self._hash.update(chunk)
        left = memoryview(chunk)
        with os_errors(self._action):
            while left:
                left = left[os.write(self._fd, left) :]
        self._offset += len(chunk)

    def read_back(self) -> Iterator[bytes]:
        """See `Ingest.read_back`."""
        return _read_range(self._fd, self._offset)

    def verify(self) -> None:
        """See `Ingest.verify`."""
        found = Digest.from_hex(self._hash.hexdigest())
        if found != self._digest:
            self.abort()
            raise does_not_fit(self._digest, found)

    def commit(self) -> None:
        """See `Ingest.commit`."""
        self.verify()
        with os_errors(self._action):
            os.fchmod(self._fd, 0o444)
            os.replace(self._path, self._store.path(self._digest))
        self._end(keep=True)

    def close(self) -> None:
        """See `Ingest.close`."""
        self._end(keep=not self._is_own)

    def abort(self) -> None:
        """See `Ingest.abort`."""
        self._end(keep=False)

    def _end(self, *, keep: bool) -> None:
        if self._fd < 0:
            return
        if not keep:
            self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1
        if not self._is_own:
            self._store._release(self._digest)


def _read_range(fd: int, end: int) -> Iterator[bytes]:
    position = 0
    while piece := os.pread(fd, min(_PIECE_BYTES, end - position), position):
        yield piece
        position += len(piece)
