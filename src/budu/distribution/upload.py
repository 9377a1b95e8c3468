"""One blob into a registry: there already, mounted from a neighbour, or uploaded.

A small blob goes in one request. A large one goes in chunks; when the way breaks, the registry is
asked how far it came and the upload goes on from there. An upload that a cancelled push left is
taken up again by the next push of the same engine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import msgspec

from budu.base.errors import BuduError, Hint, NotFound
from budu.distribution.errors import RequestFailed
from budu.distribution.flights import Emit
from budu.distribution.retry import RetryPolicy
from budu.distribution.target import MakeBody, PushTarget, Refused, Upload, error_of
from budu.snapshot.blobs import Blobs
from budu.spec.digest import Digest

EXISTS = "Layer already exists"
PUSHING = "Pushing"
PUSHED = "Pushed"
MOUNTED = "Mounted from "

WHOLE_BYTES = 1 << 20
"""Blobs up to this size go in one request."""
CHUNK_BYTES = 32 << 20
_PIECE_BYTES = 1 << 20
_REPORT_S = 0.1
_LOST = frozenset({404, 409, 416})


class PushBlob(msgspec.Struct, frozen=True, kw_only=True):
    """A blob that a push brings."""

    digest: Digest
    size: int
    id: str = ""
    """What progress calls it: the short diff id. Empty for a config, which is not shown."""
    sources: tuple[str, ...] = ()
    """Repositories of the same registry that have it."""


class Uploader:
    """Brings blobs to registries. `unfinished` uploads are remembered while the engine runs."""

    def __init__(self, blobs: Blobs, policy: RetryPolicy) -> None:
        self._blobs = blobs
        self._policy = policy
        self._unfinished: dict[tuple[str, Digest], Upload] = {}

    async def bring(self, target: PushTarget, blob: PushBlob, emit: Emit) -> None:
        """See that the repository has the blob; `emit` is told how.

        Raises: NotFound when the bytes are nowhere; what the registry and the way to it raise.
        """
        try:
            await self._bring(target, blob, emit)
        except (Refused, RequestFailed) as error:
            raise error_of(error, target.reference) from None

    async def _bring(self, target: PushTarget, blob: PushBlob, emit: Emit) -> None:
        if await target.has_blob(blob.digest):
            emit(EXISTS)
            return
        upload: Upload | None = None
        for source in blob.sources:
            upload = await target.begin(blob.digest, source=source)
            if upload is None:
                emit(MOUNTED + source)
                return
        if not self._blobs.has(blob.digest):
            raise _missing(blob.digest)
        fd = self._blobs.open_fd(blob.digest)
        try:
            sending = _Sending(target, blob, fd, emit, self._policy)
            await self._send(sending, upload)
        finally:
            os.close(fd)
        emit(PUSHED)

    async def _send(self, sending: _Sending, upload: Upload | None) -> None:
        """Upload, from where an earlier push was cut off if there was one."""
        key = (sending.target.key, sending.blob.digest)
        known = self._unfinished.pop(key, None)
        if known is not None and (known := await sending.target.status(known)) is not None:
            upload = known
        sending.upload = upload or await sending.target.begin(sending.blob.digest)
        try:
            await sending.run()
        except (asyncio.CancelledError, RequestFailed):
            if sending.upload is not None:
                self._unfinished[key] = sending.upload
            raise


class _Sending:
    """One upload with its repetitions."""

    def __init__(
        self, target: PushTarget, blob: PushBlob, fd: int, emit: Emit, policy: RetryPolicy
    ) -> None:
        self.target = target
        self.blob = blob
        self.upload: Upload | None = None
        self._fd = fd
        self._emit = emit
        self._policy = policy
        self._failures = 0
        self._told_at = float("-inf")
        self._restarted = False

    async def run(self) -> None:
        """Until the registry has the blob. Raises: Refused, RequestFailed, BuduError."""
        while True:
            upload = self.upload or await self.target.begin(self.blob.digest)
            assert upload is not None  # without a source nothing is mounted
            self.upload = upload
            before = upload.offset
            try:
                await self._step(upload)
                return
            except (Refused, RequestFailed) as error:
                await self._recover(error, before=before)

    async def _step(self, upload: Upload) -> None:
        """Send what is left and end the upload."""
        size = self.blob.size
        if upload.offset == 0 and size <= WHOLE_BYTES:
            await self.target.finish(upload, self.blob.digest, self._body(0, size), size=size)
            return
        while upload.offset < size:
            count = min(CHUNK_BYTES, size - upload.offset)
            body = self._body(upload.offset, count)
            upload = self.upload = await self.target.patch(upload, body, size=count)
            self._failures = 0
        await self.target.finish(upload, self.blob.digest)

    async def _recover(self, error: Refused | RequestFailed, *, before: int) -> None:
        """Wait, and find out where to go on. Raises: the error, when that is of no use."""
        if isinstance(error, Refused):
            refusal = error.refusal
            is_spoilt = refusal.code in {"DIGEST_INVALID", "SIZE_INVALID"} and not self._restarted
            if not (is_spoilt or refusal.status >= 500 or refusal.status in _LOST):
                raise error
            self._restarted = self._restarted or is_spoilt
            if is_spoilt:
                self.upload = None
        self._failures += 1
        if self._failures >= self._policy.attempts:
            raise error
        pause_s = self._policy.pause_s(self._failures)
        whole = max(1, round(pause_s))
        self._emit(f"Retrying in {whole} second{'s' if whole > 1 else ''}")
        await self._policy.sleep(pause_s)
        if self.upload is not None:
            self.upload = await self.target.status(self.upload)
        if self.upload is not None and not before <= self.upload.offset <= self.blob.size:
            self.upload = None  # the registry lost what it had confirmed

    def _body(self, start: int, size: int) -> MakeBody:
        async def pieces() -> AsyncIterator[bytes]:
            at, end = start, start + size
            while at < end:
                wanted = min(_PIECE_BYTES, end - at)
                piece = await asyncio.to_thread(os.pread, self._fd, wanted, at)
                if not piece:
                    raise _missing(self.blob.digest)
                yield piece
                at += len(piece)
                self._report(at)

        return pieces

    def _report(self, position: int) -> None:
        """At most ten times a second, and always at the end."""
        now = asyncio.get_running_loop().time()
        if position >= self.blob.size or now - self._told_at >= _REPORT_S:
            self._told_at = now
            self._emit(PUSHING, position, self.blob.size)


def _missing(digest: Digest) -> BuduError:
    hint = Hint("distribution.blob-missing")
    return NotFound(f"content digest {digest}: not found", hint=hint, reference=digest)
