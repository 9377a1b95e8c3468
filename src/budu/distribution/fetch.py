"""One layer from a registry into the layer store, unpacked while it arrives.

The bytes go into the content store's partial blob and through `snapshot.unpack` at once. When the
stream breaks off it is taken up again where it ended; when the pull ends early, the partial blob
stays for the next pull, also of another engine process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import msgspec

from budu.base.errors import BuduError, DataLoss, Hint, InvalidArgument, Unavailable
from budu.content.store import ContentStore, Ingest
from budu.distribution import progress
from budu.distribution.diagnose import request_error
from budu.distribution.errors import RequestFailed
from budu.distribution.flights import Emit, finish
from budu.distribution.repository import Repository
from budu.distribution.retry import RetryPolicy
from budu.snapshot.layers import LayerStore
from budu.snapshot.unpack import LayerUnpacker
from budu.spec.digest import Digest

_BATCH = 512 << 10
_REPORT_INTERVAL_S = 0.1

_Result = TypeVar("_Result")


class LayerBlob(msgspec.Struct, frozen=True, kw_only=True):
    """A layer as a manifest and a config name it."""

    digest: Digest
    """Of the blob as the registry has it, compressed or not."""
    size: int
    """Bytes of that blob."""
    media_type: str
    """Says how the blob is compressed."""
    diff_id: Digest | None
    """Of the plain tar; None for what is kept as it is and never unpacked."""

    @property
    def key(self) -> Digest:
        """What tells it apart from the others of its image."""
        return self.diff_id or self.digest


class LayerFetcher:
    """Fetches layers, a few at a time for the whole engine. `close` ends its threads."""

    def __init__(
        self,
        content: ContentStore,
        layers: LayerStore,
        *,
        policy: RetryPolicy,
        max_downloads: int,
        keep_blobs: bool,
    ) -> None:
        self._content = content
        self._layers = layers
        self._policy = policy
        self._keep_blobs = keep_blobs
        self._slots = asyncio.Semaphore(max_downloads)
        self._threads = ThreadPoolExecutor(max_downloads + 1, thread_name_prefix="pull")

    async def fetch(self, repository: Repository, blob: LayerBlob, emit: Emit) -> None:
        """Bring one layer in, telling `emit` Docker's statuses.

        A kept partial blob that turns out damaged is thrown away and the layer fetched anew, once.
        Raises: DataLoss for bytes that do not fit their digest; InvalidArgument for a hostile or
        malformed layer; ResourceExhausted for a full disk; and what `Repository` raises.
        """
        if self._slots.locked():
            emit(progress.WAITING)
        async with self._slots:
            if await self.in_thread(self.has, blob):
                emit(progress.EXISTS)
                return
            if await self._fetch_once(repository, blob, emit):
                await self._fetch_once(repository, blob, emit)
        emit(progress.COMPLETE)

    def has(self, blob: LayerBlob) -> bool:
        """Whether the layer is here, with the blob that push and save need. Blocking."""
        if blob.diff_id is None:
            return self._content.has(blob.digest)
        if not self._layers.has(blob.diff_id):
            return False
        is_plain = blob.digest == blob.diff_id  # the plain tar is the blob
        return is_plain or not self._keep_blobs or self._content.has(blob.digest)

    async def in_thread(self, call: Callable[..., _Result], *arguments: object) -> _Result:
        """Run blocking work beside the loop. Not interrupted: a cancellation waits for its end."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, partial(call, *arguments))
        try:
            await finish(asyncio.wait([future]))
        except asyncio.CancelledError:
            future.exception()
            raise
        return future.result()

    async def discard(self, digest: Digest) -> None:
        """Throw a partial blob away. Raises: Conflict when somebody is at it."""
        await self.in_thread(lambda: self._content.ingest(digest).abort())

    def close(self) -> None:
        """End the threads once their work is done."""
        self._threads.shutdown(wait=False)

    async def _fetch_once(self, repository: Repository, blob: LayerBlob, emit: Emit) -> bool:
        """One attempt; True when it has to be made again because a kept part was damaged."""
        attempt = _Attempt(self._content, self._layers, blob, keep_blob=self._keep_blobs)
        keep_partial = True
        try:
            await self.in_thread(attempt.open)
            await self._download(repository, attempt, emit)
            emit(progress.VERIFYING)
            emit(progress.DOWNLOADED)
            if blob.diff_id is not None:
                emit(progress.EXTRACTING, blob.size, blob.size)
            await self.in_thread(attempt.finish)
        except DataLoss as error:
            keep_partial = False
            if not attempt.resumed:
                domain = repository.reference.domain
                error.hint = Hint("distribution.wrong-digest", registry=domain)
                raise
            return True
        except InvalidArgument:
            keep_partial = False
            raise
        finally:
            await self.in_thread(partial(attempt.end, keep_partial=keep_partial))
        return False

    async def _download(self, repository: Repository, attempt: _Attempt, emit: Emit) -> None:
        blob = attempt.blob
        report = _Reporter(emit, total=blob.size)
        position, failures = attempt.resumed, 0
        report(position)
        while position < blob.size:
            before = position
            try:
                async for batch in _stream(repository, blob, offset=position, patient=failures > 0):
                    await self.in_thread(attempt.feed, batch)
                    position += len(batch)
                    report(position)
                failure: BuduError = _cut_short(repository)
            except RequestFailed as error:
                failure = request_error(error)
            if position >= blob.size:
                break
            failures = 1 if position > before else failures + 1
            if failures >= self._policy.attempts:
                raise failure
            await self._pause(failures, emit)

    async def _pause(self, failures: int, emit: Emit) -> None:
        pause_s = self._policy.pause_s(failures)
        whole = max(1, round(pause_s))
        emit(f"Retrying in {whole} second{'s' if whole > 1 else ''}")
        await self._policy.sleep(pause_s)


class _Attempt:
    """The blocking half of one attempt: a partial blob and its unpacker, ended together."""

    def __init__(
        self, content: ContentStore, layers: LayerStore, blob: LayerBlob, *, keep_blob: bool
    ) -> None:
        self.blob = blob
        self.resumed = 0
        self._content = content
        self._layers = layers
        self._keep_blob = keep_blob
        self._ingest: Ingest | None = None
        self._unpacker: LayerUnpacker | None = None

    def open(self) -> None:
        """Take up what an earlier attempt kept. Raises: DataLoss when that is too much."""
        self._ingest = self._content.ingest(self.blob.digest)
        self.resumed = self._ingest.offset
        if self.resumed > self.blob.size:
            raise _does_not_fit(self.blob)
        if self.blob.diff_id is None:
            return
        self._unpacker = LayerUnpacker(
            self._layers,
            self.blob.media_type,
            self.blob.digest,
            self.blob.diff_id,
            ingest=self._ingest,
            keep_blob=self._keep_blob,
        )

    def feed(self, batch: bytes) -> None:
        """Pass bytes on; see `LayerUnpacker.feed`."""
        assert self._ingest is not None
        if self._unpacker is None:
            self._ingest.write(batch)
        else:
            self._unpacker.feed(batch)

    def finish(self) -> None:
        """Commit the layer; see `LayerUnpacker.finish`."""
        assert self._ingest is not None
        if self._unpacker is None:
            self._ingest.commit()
        else:
            self._unpacker.finish()

    def end(self, *, keep_partial: bool) -> None:
        """Close what is open, without a partial blob of no bytes; nothing after `finish`."""
        keep_partial = keep_partial and self._ingest is not None and self._ingest.offset > 0
        if self._unpacker is not None:
            self._unpacker.abort(keep_partial=keep_partial)
        elif self._ingest is not None and keep_partial:
            self._ingest.close()
        elif self._ingest is not None:
            self._ingest.abort()


class _Reporter:
    """Tells how far a download is, at most ten times a second, and always at its end."""

    def __init__(self, emit: Emit, *, total: int) -> None:
        self._emit = emit
        self._total = total
        self._clock = asyncio.get_running_loop().time
        self._told_at = float("-inf")

    def __call__(self, position: int) -> None:
        now = self._clock()
        if position < self._total and now - self._told_at < _REPORT_INTERVAL_S:
            return
        self._told_at = now
        self._emit(progress.DOWNLOADING, position, self._total)


async def _stream(
    repository: Repository, blob: LayerBlob, *, offset: int, patient: bool
) -> AsyncIterator[bytes]:
    """The blob from `offset` on, in pieces worth a trip to a thread, or ten a second.

    What has arrived before a break is yielded first. Raises: RequestFailed at a break; DataLoss
    when there is more than the manifest says.
    """
    left = blob.size - offset
    pending: list[bytes] = []
    held = 0
    clock = asyncio.get_running_loop().time
    passed_at = float("-inf")
    broken: RequestFailed | None = None
    async with await repository.open_blob(blob.digest, offset=offset, patient=patient) as stream:
        try:
            async for chunk in stream.chunks():
                pending.append(chunk)
                held += len(chunk)
                left -= len(chunk)
                if left < 0:
                    raise _does_not_fit(blob)
                if held >= _BATCH or clock() - passed_at >= _REPORT_INTERVAL_S:
                    yield b"".join(pending)
                    pending, held, passed_at = [], 0, clock()
        except RequestFailed as error:
            broken = error
        if pending:
            yield b"".join(pending)
    if broken is not None:
        raise broken


def _does_not_fit(blob: LayerBlob) -> DataLoss:
    return DataLoss(
        f"filesystem layer verification failed for digest {blob.digest}", reference=blob.digest
    )


def _cut_short(repository: Repository) -> Unavailable:
    domain = repository.reference.domain
    return Unavailable(
        "unexpected EOF", hint=Hint("distribution.cut-off", registry=domain), reference=domain
    )
