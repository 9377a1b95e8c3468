"""Push: blobs first, several at once, then manifests, then the name.

What is pushed is decided by the caller: a `PushPlan` lists blobs and documents. Bytes go as they
are kept, so digests in the registry are those that are here (decision 1).
Source: OCI distribution-spec 1.1, "Push"; moby `daemon/internal/distribution/push_v2.go` for the
wording.
"""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from budu.base.errors import BuduError
from budu.distribution.auth import ANONYMOUS, Credentials
from budu.distribution.client import Registries
from budu.distribution.errors import RequestFailed
from budu.distribution.flights import Flights
from budu.distribution.progress import (
    WAITING,
    ProgressSink,
    PullEvent,
    PullSummary,
    PushResult,
    ignore_progress,
)
from budu.distribution.target import PushTarget, Refused, error_of, open_target
from budu.distribution.upload import EXISTS, MOUNTED, PUSHED, PUSHING, PushBlob, Uploader
from budu.snapshot.blobs import Blobs
from budu.spec.digest import Digest
from budu.spec.reference import Reference

MAX_UPLOADS = 5
PREPARING = "Preparing"
_DONE = (EXISTS, PUSHED)


class PushDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest or an index, byte for byte."""

    body: bytes
    media_type: str

    @property
    def digest(self) -> Digest:
        """Of the bytes."""
        return Digest.of(self.body)


class PushPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one name stands for."""

    reference: Reference
    """The name, with its tag; without one, the root is stored under its digest only."""
    blobs: tuple[PushBlob, ...]
    """Layers, topmost first, and configs."""
    documents: tuple[PushDocument, ...]
    """Children before what names them; the last one is the root."""


class Pusher:
    """Pushes images of one engine; pushes of the same blob to the same place share the upload."""

    def __init__(
        self, registries: Registries, blobs: Blobs, *, max_uploads: int = MAX_UPLOADS
    ) -> None:
        self._registries = registries
        self._uploader = Uploader(blobs, registries.retry)
        self._flights = Flights()
        self._slots = asyncio.Semaphore(max_uploads)

    async def push(
        self,
        plan: PushPlan,
        *,
        credentials: Credentials = ANONYMOUS,
        progress: ProgressSink = ignore_progress,
    ) -> Digest:
        """Push; the digest that the name stands for then.

        Raises: Unauthenticated, PermissionDenied, Unavailable and others as the registry or the
        way to it says; NotFound when a blob is nowhere.
        """
        sources = frozenset(source for blob in plan.blobs for source in blob.sources)
        target = await open_target(
            self._registries, plan.reference, credentials=credentials, sources=sources
        )
        report = _Report(plan, progress)
        try:
            async with asyncio.TaskGroup() as group:
                for blob in plan.blobs:
                    name = f"push blob {blob.digest.short}"
                    group.create_task(self._bring(target, blob, report), name=name)
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        await self._put_documents(target, plan)
        return _tell_end(plan, progress)

    async def _bring(self, target: PushTarget, blob: PushBlob, report: _Report) -> None:
        def emit(status: str, current: int = 0, total: int = 0) -> None:
            report.tell(blob, status, current, total)

        if self._slots.locked():
            emit(WAITING)
        async with self._slots:
            key = f"{target.key}@{blob.digest}"
            await self._flights.join(key, partial(self._uploader.bring, target, blob), emit)

    async def _put_documents(self, target: PushTarget, plan: PushPlan) -> None:
        try:
            for document in plan.documents:
                is_root = document is plan.documents[-1]
                name = (plan.reference.tag if is_root else "") or str(document.digest)
                await target.put_manifest(name, document.body, document.media_type)
        except (Refused, RequestFailed) as error:
            raise error_of(error, plan.reference) from None


class _Report:
    """Docker's lines, and the sum for one honest bar. A layer that two blobs share is told once."""

    def __init__(self, plan: PushPlan, sink: ProgressSink) -> None:
        self._sink = sink
        self._sizes = {blob.digest: blob.size for blob in plan.blobs if blob.id}
        self._done = dict.fromkeys(self._sizes, 0)
        self._present = 0
        for blob in plan.blobs:
            if blob.id:
                sink(PullEvent(id=blob.id, status=PREPARING))
        self._summarize()

    def tell(self, blob: PushBlob, status: str, current: int, total: int) -> None:
        if not blob.id:
            return
        self._sink(PullEvent(id=blob.id, status=status, current=current, total=total))
        if status == EXISTS or status.startswith(MOUNTED):
            self._present += 1
            del self._sizes[blob.digest], self._done[blob.digest]
        elif status == PUSHING:
            self._done[blob.digest] = current
        elif status in _DONE:
            self._done[blob.digest] = blob.size
        self._summarize()

    def _summarize(self) -> None:
        self._sink(
            PullSummary(
                current=sum(self._done.values()),
                resumed=0,
                total=sum(self._sizes.values()),
                layers=len(self._sizes) + self._present,
                present=self._present,
            )
        )


def _tell_end(plan: PushPlan, sink: ProgressSink) -> Digest:
    root = plan.documents[-1]
    size, tag = len(root.body), plan.reference.tag or str(root.digest)
    sink(PullEvent(status=f"{tag}: digest: {root.digest} size: {size}"))
    sink(PushResult(tag=tag, digest=str(root.digest), size=size))
    return root.digest


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure of ours in nested groups, else the first of all."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((each for each in leaves if isinstance(each, BuduError)), leaves[0])
