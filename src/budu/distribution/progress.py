"""What a pull reports while it runs, in Docker's words and order.

A layer passes: Pulling fs layer → Waiting → Downloading → Verifying Checksum → Download complete →
Extracting → Pull complete; one that is there already: Already exists.
Source: Engine API 1.51 ImageCreate, CreateImageInfo.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from budu.spec.digest import Digest
from budu.spec.image import Descriptor
from budu.spec.reference import Reference

PULLING_LAYER = "Pulling fs layer"
WAITING = "Waiting"
DOWNLOADING = "Downloading"
VERIFYING = "Verifying Checksum"
DOWNLOADED = "Download complete"
EXTRACTING = "Extracting"
COMPLETE = "Pull complete"
EXISTS = "Already exists"


class PullEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of progress. Without `total` it is a bare status."""

    id: str = ""
    """The layer's short blob digest, the tag or the whole name with its digest on the first line,
    or empty on the last lines."""
    status: str
    current: int = 0
    """Bytes done."""
    total: int = 0
    """Bytes to do."""


class PullSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole pull in numbers, for one honest bar. Sent first, and as bytes arrive."""

    current: int
    """Compressed bytes that are here, a resumed part included."""
    resumed: int
    """Those of them that an earlier, interrupted pull had left."""
    total: int
    """Compressed bytes of all layers that were not here when the pull began."""
    layers: int
    """Layers of the image."""
    present: int
    """Layers that were here already."""


class PushResult(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a push ended with; Docker's clients get it as `aux`."""

    tag: str
    digest: str
    size: int


class PushedManifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One platform's manifest was pushed where the name stands for an index that is not here whole.

    Source: moby 28.3, api/types/auxprogress.
    """

    manifest_pushed_instead_of_index: bool = True
    original_index: Descriptor
    selected_manifest: Descriptor


class LoadedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Text that a client prints as it is: what a load brought."""

    text: str


ProgressEvent = PullEvent | PullSummary | PushResult | PushedManifest | LoadedLine
ProgressSink = Callable[[ProgressEvent], None]


def ignore_progress(_: ProgressEvent) -> None:
    """A sink for pulls and pushes that nobody watches."""


class PullProgress:
    """Adds the layers of one pull up and passes every event on."""

    def __init__(self, sink: ProgressSink) -> None:
        self._sink = sink
        self._sizes: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._resumed: dict[str, int] = {}
        self._present = 0

    def expect(self, layers: dict[str, int], *, present: int) -> None:
        """State the layers to fetch (short id → size) and how many need no fetching."""
        self._sizes, self._present = layers, present
        self._done = dict.fromkeys(layers, 0)
        self._summarize()

    def expect_also(self, short_id: str, size: int) -> None:
        """State something more to fetch, which turned up later."""
        self._sizes = {**self._sizes, short_id: size}
        self._done[short_id] = 0
        self._summarize()

    def emit(self, event: PullEvent) -> None:
        """Pass an event on, and the new sum when it moved bytes."""
        self._sink(event)
        size = self._sizes.get(event.id)
        if size is None:
            return
        done = _bytes_done(event, size)
        if done is None:
            return
        if event.status == DOWNLOADING:
            # A layer's first count is where it goes on; a damaged part is fetched anew.
            self._resumed[event.id] = min(done, self._resumed.get(event.id, done))
        if done != self._done[event.id]:
            self._done[event.id] = done
            self._summarize()

    def _summarize(self) -> None:
        self._sink(
            PullSummary(
                current=sum(self._done.values()),
                resumed=sum(self._resumed.values()),
                total=sum(self._sizes.values()),
                layers=len(self._sizes) + self._present,
                present=self._present,
            )
        )


def _bytes_done(event: PullEvent, size: int) -> int | None:
    if event.status == DOWNLOADING:
        return event.current
    return size if event.status in {DOWNLOADED, COMPLETE, EXISTS} else None


def first_event(reference: Reference) -> PullEvent:
    """`2.4: Pulling from library/httpd`; a digest stands with its whole name."""
    id_ = str(reference) if reference.digest else reference.tag or ""
    return PullEvent(id=id_, status=f"Pulling from {reference.path}")


def last_events(reference: Reference, digest: Digest, *, changed: bool) -> tuple[PullEvent, ...]:
    """The digest and status lines that end a pull."""
    word = "Downloaded newer image for" if changed else "Image is up to date for"
    return (
        PullEvent(status=f"Digest: {digest}"),
        PullEvent(status=f"Status: {word} {reference.familiar}"),
    )
