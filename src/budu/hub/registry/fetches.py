"""One blob on its way from an upstream: many may read along while it comes.

The bytes go into a file of their own, unlinked from the start. Readers follow it at their own pace,
so a slow one holds up nobody and costs no memory. The last byte is held back until the digest is
known to be right, so that nobody takes wrong bytes for a whole blob; then the blob is stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from budu.archive.faults import os_errors
from budu.base.errors import BuduError, Unavailable
from budu.hub.blobs.pieces import gathered
from budu.spec.digest import Digest

_PIECE_BYTES = 256 << 10


class Fetch:
    """A blob that comes. Who works with it holds it meanwhile."""

    def __init__(self, digest: Digest, folder: Path | None) -> None:
        self.digest = digest
        self.size: int | None = None
        """What the upstream announces; known once `started`."""
        self.started = asyncio.Event()
        """It comes, or failed."""
        self.received = 0
        self._holders = 0
        self._is_verified = False
        self._failure: BuduError | None = None
        self._changed = asyncio.Event()
        with os_errors("create a file for a blob"):
            self._file = tempfile.TemporaryFile(dir=folder)

    def fail(self, error: BuduError) -> None:
        """Nothing more comes; readers are told."""
        self._failure = self._failure or error
        self.started.set()
        self._wake()

    def check(self) -> None:
        """Raises: why it can't be read to its end."""
        if self._failure is not None and not self._is_verified:
            raise self._failure

    async def receive(self, answer: aiohttp.ClientResponse) -> None:
        """Take the upstream's answer in. Raises: Unavailable when it is cut off or wrong."""
        self.size = answer.content_length
        self.started.set()
        hashed = hashlib.sha256()
        async for piece in gathered(answer.content.iter_any(), _PIECE_BYTES):
            await asyncio.to_thread(self._take, piece, hashed)
            self.received += len(piece)
            self._wake()
        if self.size is not None and self.received != self.size:
            raise Unavailable(f"the upstream cut {self.digest} off")
        if hashed.hexdigest() != self.digest.hex:
            raise Unavailable(f"the upstream sent other bytes than {self.digest}")
        self._is_verified = True
        self._wake()

    def _take(self, piece: bytes, hashed: hashlib._Hash) -> None:
        with os_errors(f"write {self.digest}"):
            left = memoryview(piece)
            while left:
                left = left[os.write(self._file.fileno(), left) :]
        hashed.update(piece)

    async def read(self, start: int, end: int | None) -> AsyncIterator[bytes]:
        """Bytes as they come. Raises: what the fetch failed with."""
        while end is None or start < end:
            self.check()
            changed, last = self._changed, self._readable(end)
            if start < last:
                count = min(_PIECE_BYTES, last - start)
                piece = await asyncio.to_thread(os.pread, self._file.fileno(), count, start)
                yield piece
                start += len(piece)
            elif self._is_verified:
                return
            else:
                await changed.wait()

    def _readable(self, end: int | None) -> int:
        there = self.received if self._is_verified else self.received - 1
        return there if end is None else min(end, there)

    def hold(self) -> None:
        """Keep the bytes until `release`."""
        self._holders += 1

    def release(self) -> None:
        """The last one lets go of the bytes."""
        self._holders -= 1
        if not self._holders:
            self._file.close()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
