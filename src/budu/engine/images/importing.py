"""Images made of tar archives: from a request's body or from a URL.

    bytes ─▶ decompressed ─▶ layer writer (digest and index while it comes) ─▶ `making`

Source: Engine API 1.51 ImageCreate (fromSrc); moby 28.3 daemon/images/image_import.go.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

from budu.archive.compression import decompress
from budu.base.clock import format_time, now_ns
from budu.build.dockerfile.changes import apply_changes
from budu.distribution.download import Downloads
from budu.distribution.progress import ProgressSink, PullEvent
from budu.engine.containers.signals import parse_signal
from budu.engine.contract.snapshots import ImportOptions
from budu.engine.events import EventLog
from budu.engine.images.making import ImageMaker, new_name
from budu.engine.streams import used_in_thread
from budu.snapshot.layers import Layer, LayerStore
from budu.spec.image import ExecConfig, History, ImageConfig, RootFS
from budu.spec.platform import host_platform

BODY = "-"
"""The source that stands for the request's body."""


class ImportService:
    """Makes images of archives. See `engine.contract.snapshots.Imports`."""

    def __init__(
        self, maker: ImageMaker, layers: LayerStore, downloads: Downloads, events: EventLog
    ) -> None:
        self._maker = maker
        self._layers = layers
        self._downloads = downloads
        self._events = events

    async def import_image(
        self, options: ImportOptions, body: AsyncIterator[bytes], progress: ProgressSink
    ) -> str:
        """See `Imports.import_image`."""
        name = new_name(options.repository, options.tag)
        config = _config(options)
        async with AsyncExitStack() as stack:
            if options.source != BODY:
                body = await self._download(options.source, progress, stack)
            layer = await used_in_thread("import", body, self._write)
        rootfs = RootFS(diff_ids=(str(layer.diff_id),))
        config = _with_layer(config, rootfs, message=options.message)
        image = await self._maker.make(config, [name] if name else [])
        labels = config.labels or {}
        if name is not None:
            self._events.emit("image", "tag", image.id, **{**labels, "name": name.familiar})
        self._events.emit("image", "import", image.id, **{**labels, "name": image.id})
        return image.id

    async def _download(
        self, source: str, progress: ProgressSink, stack: AsyncExitStack
    ) -> AsyncIterator[bytes]:
        download = await stack.enter_async_context(await self._downloads.open(source))
        progress(PullEvent(id="", status=f"Downloading from {download.url}"))

        def tell(current: int) -> None:
            total = max(download.size, current)
            progress(PullEvent(id="", status="Importing", current=current, total=total))

        return download.chunks(tell)

    def _write(self, packed: Iterator[bytes]) -> Layer:
        """Unpacks the archive into a new layer. In a thread."""
        writer = self._layers.begin(None)
        try:
            for piece in decompress(packed):
                writer.write(piece)
            return writer.commit()
        finally:
            writer.abort()


def _config(options: ImportOptions) -> ImageConfig:
    """The document without its layer, so that a wrong instruction is refused at once."""
    platform = options.platform or host_platform()
    changed = apply_changes(ExecConfig(), options.changes)
    if changed.stop_signal:
        parse_signal(changed.stop_signal)
    return ImageConfig(
        architecture=platform.architecture,
        variant=platform.variant,
        os=platform.os,
        config=changed,
    )


def _with_layer(config: ImageConfig, rootfs: RootFS, *, message: str) -> ImageConfig:
    created = format_time(now_ns())
    return ImageConfig(
        architecture=config.architecture,
        variant=config.variant,
        os=config.os,
        config=config.config,
        created=created,
        rootfs=rootfs,
        history=(History(created=created, comment=message),),
    )
