"""Images as archives: save and load. See `engine.images.saving`, `engine.images.loading`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from budu.distribution.progress import ProgressSink
from budu.spec.platform import Platform


class ImageArchives(Protocol):
    """Brings images to other machines without a registry."""

    async def save(
        self, names: Sequence[str], *, platforms: Sequence[Platform]
    ) -> AsyncIterator[bytes]:
        """An archive of images, by tag, repository (all its tags) or id.

        Raises: NotFound, before the first byte.
        """

    async def load(
        self,
        body: AsyncIterator[bytes],
        *,
        platforms: Sequence[Platform],
        progress: ProgressSink,
    ) -> tuple[str, ...]:
        """Take an archive in; Docker's lines about what came. Nothing stays of one that is refused.

        `progress` hears of layers.
        Raises: InvalidArgument for hostile and malformed archives; DataLoss for broken ones;
        ResourceExhausted for bombs and full disks; NotFound for a platform that is not in it.
        """
