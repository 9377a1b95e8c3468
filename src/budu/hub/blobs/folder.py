"""Blobs in a folder, shared by any number of processes.

    <root>/blobs/sha256/<2 hex>/<64 hex>    whole blobs, mode 0444
    <root>/uploads/<32 hex>                 uploads, appended to

A blob appears by a rename after its bytes were synced, and the directory is synced after it: the
client that was told 201 finds it after a power failure. Names are made of hex digits that were
checked, so no name leads anywhere else. Bytes are written and hashed in threads, in pieces, while
the next ones arrive. A write that fails in the middle (a full disk) is cut back to the piece
before.

Source: man 2 fsync, rename.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from budu.archive.faults import os_errors
from budu.base.errors import InvalidArgument
from budu.base.files import sync_directory
from budu.hub.blobs.contract import Hash
from budu.hub.blobs.faults import no_blob, no_upload, wrong_offset
from budu.hub.blobs.pieces import gathered
from budu.spec.digest import Digest

PIECE_BYTES = 1 << 20
"""How much is written, hashed or read at once."""
_LISTED_AT_ONCE = 1000
_UPLOAD = re.compile(r"[0-9a-f]{32}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
T = TypeVar("T")


@dataclass(frozen=True)
class FolderBlob:
    """A blob that was found in the folder."""

    digest: Digest
    size_bytes: int
    stored_at: float


class FolderBlobs:
    """See the module and `contract.BlobStore`."""

    def __init__(self, root: str | Path) -> None:
        """Makes what is missing of the folder. Blocking."""
        self._blobs = Path(root) / "blobs" / "sha256"
        self._uploads = Path(root) / "uploads"
        with os_errors(f"mkdir {root}"):
            for directory in (self._blobs, self._uploads):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, digest: Digest) -> Path:
        """See `BlobStore.path`; also where the blob would be."""
        return self._blobs / digest.hex[:2] / digest.hex

    async def size(self, digest: Digest) -> int | None:
        """See `BlobStore.size`."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            return None

    async def read(
        self, digest: Digest, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """See `BlobStore.read`."""
        async for piece in _pieces(self.path(digest), no_blob(digest), start, end):
            yield piece

    async def delete(self, digest: Digest) -> None:
        """See `BlobStore.delete`."""
        with os_errors(f"remove {digest}"):
            await asyncio.to_thread(self.path(digest).unlink, missing_ok=True)

    async def list(self) -> AsyncIterator[FolderBlob]:
        """See `BlobStore.list`."""
        found = self._found()
        while some := await asyncio.to_thread(lambda: list(islice(found, _LISTED_AT_ONCE))):
            for blob in some:
                yield blob

    def _found(self) -> Iterator[FolderBlob]:
        for directory in os.scandir(self._blobs):
            for entry in os.scandir(directory):
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # deleted meanwhile
                    continue
                if _HEX.match(entry.name):
                    digest = Digest.from_hex(entry.name)
                    yield FolderBlob(digest, facts.st_size, facts.st_mtime)

    async def begin(self) -> str:
        """See `BlobStore.begin`."""
        upload = secrets.token_hex(16)
        with os_errors(f"create upload {upload}"):
            os.close(os.open(self._uploads / upload, _NEW, 0o600))
        return upload

    async def upload_size(self, upload: str) -> int:
        """See `BlobStore.upload_size`."""
        try:
            return os.stat(self._upload(upload)).st_size
        except FileNotFoundError:
            raise no_upload(upload) from None

    async def append(
        self, upload: str, offset: int, data: AsyncIterable[bytes], hashed: Hash
    ) -> int:
        """See `BlobStore.append`."""
        fd = self._open(upload)
        try:
            size = os.fstat(fd).st_size
            if offset != size:
                raise wrong_offset(offset, size)
            writer = _Appender(fd, size, hashed, f"write upload {upload}")
            await _fed(gathered(data, PIECE_BYTES), writer.write)
            return writer.size
        finally:
            os.close(fd)

    def _open(self, upload: str) -> int:
        try:
            return os.open(self._upload(upload), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            raise no_upload(upload) from None

    async def read_upload(self, upload: str) -> AsyncIterator[bytes]:
        """See `BlobStore.read_upload`."""
        async for piece in _pieces(self._upload(upload), no_upload(upload), 0, None):
            yield piece

    async def commit(self, upload: str, digest: Digest) -> int:
        """See `BlobStore.commit`."""
        return await asyncio.to_thread(self._commit, self._upload(upload), digest)

    def _commit(self, source: Path, digest: Digest) -> int:
        target = self.path(digest)
        with os_errors(f"store {digest}"):
            try:
                fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise no_upload(source.name) from None
            try:
                os.fchmod(fd, 0o444)
                os.fsync(fd)
                target.parent.mkdir(mode=0o700, exist_ok=True)
                # Also over a blob that is there: its bytes are the same, and its age is renewed.
                os.replace(source, target)
                sync_directory(target.parent)
                return os.fstat(fd).st_size
            finally:
                os.close(fd)

    async def abort(self, upload: str) -> None:
        """See `BlobStore.abort`."""
        with os_errors(f"remove upload {upload}"):
            await asyncio.to_thread(self._upload(upload).unlink, missing_ok=True)

    async def list_uploads(self) -> AsyncIterator[tuple[str, float]]:
        """See `BlobStore.list_uploads`."""
        for name in await asyncio.to_thread(os.listdir, self._uploads):
            try:
                yield name, os.stat(self._uploads / name).st_mtime
            except FileNotFoundError:  # done meanwhile
                continue

    async def close(self) -> None:
        """See `BlobStore.close`; nothing is open here."""

    def _upload(self, name: str) -> Path:
        if not _UPLOAD.match(name):
            raise no_upload(name)
        return self._uploads / name


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class _Appender:
    """Writes and hashes pieces at the end of a file. Used in one thread at a time."""

    def __init__(self, fd: int, size: int, hashed: Hash, action: str) -> None:
        self.size = size
        self._fd = fd
        self._hashed = hashed
        self._action = action

    def write(self, piece: bytes) -> None:
        """The whole piece, or nothing of it."""
        left = memoryview(piece)
        with os_errors(self._action):
            try:
                while left:
                    left = left[os.write(self._fd, left) :]
            except OSError:
                os.ftruncate(self._fd, self.size)
                raise
        self._hashed.update(piece)
        self.size += len(piece)


async def _fed(pieces: AsyncIterator[bytes], take: Callable[[bytes], None]) -> None:
    """Gives every piece to `take` in a thread while the next one arrives.

    However it ends, no `take` is running any more and all pieces that came were taken.
    """
    loop = asyncio.get_running_loop()
    taking: asyncio.Future[None] | None = None
    try:
        async for piece in pieces:
            if taking is not None:
                await asyncio.shield(taking)
            taking = loop.run_in_executor(None, take, piece)
    finally:
        if taking is not None:
            await _finished(taking)


async def _finished(work: asyncio.Future[T]) -> T:
    """The result of something that has to be waited for also when we are cancelled."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return work.result()


async def _pieces(
    path: Path, missing: Exception, start: int, end: int | None
) -> AsyncIterator[bytes]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise missing from None
    try:
        size = os.fstat(fd).st_size
        end = size if end is None else min(end, size)
        if start < 0:
            raise InvalidArgument(f"negative start {start}")
        while start < end:
            reading = asyncio.to_thread(os.pread, fd, min(PIECE_BYTES, end - start), start)
            piece = await _finished(asyncio.ensure_future(reading))
            if not piece:
                return
            yield piece
            start += len(piece)
    finally:
        os.close(fd)
