"""Save and load behind one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from budu.distribution.progress import ProgressSink
from budu.engine.images.loading import ImageLoader
from budu.engine.images.saving import ImageSaver
from budu.spec.platform import Platform


class ImageArchiveService:
    """See `engine.contract.archives.ImageArchives`."""

    def __init__(self, saver: ImageSaver, loader: ImageLoader) -> None:
        self._saver = saver
        self._loader = loader

    async def save(
        self, names: Sequence[str], *, platforms: Sequence[Platform]
    ) -> AsyncIterator[bytes]:
        """See `ImageArchives.save`."""
        return await self._saver.save(names, platforms=platforms)

    async def load(
        self, body: AsyncIterator[bytes], *, platforms: Sequence[Platform], progress: ProgressSink
    ) -> tuple[str, ...]:
        """See `ImageArchives.load`."""
        return await self._loader.load(body, platforms=platforms, progress=progress)
