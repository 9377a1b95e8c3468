"""Looking into images, and looking after what is stored. See `engine.images.care`, `.exploring`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from budu.image.explore import ImageReport, PathChange

PathChanges = list[PathChange]


class StorageReport(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What is wrong with the stores, or was."""

    blobs: int = 0
    """Blobs looked at."""
    layers: int = 0
    """Layers looked at."""
    orphan_blobs: tuple[str, ...] = ()
    """Blobs that no image names."""
    orphan_layers: tuple[str, ...] = ()
    """Layers that neither an image nor a container stands on."""
    orphan_bytes: int = 0
    missing_blobs: tuple[str, ...] = ()
    """Blobs that images name and that are not here."""
    missing_layers: tuple[str, ...] = ()
    """Layers that images or containers stand on and that are not here."""
    broken_blobs: tuple[str, ...] = ()
    """Blobs whose bytes are not theirs."""
    broken_layers: tuple[str, ...] = ()
    """Layers whose bytes are not theirs."""
    images: tuple[str, ...] = ()
    """Names or ids of images that lack something; after a repair, of those that still do."""
    repaired: tuple[str, ...] = ()
    """What was put right: digests."""
    freed_bytes: int = 0

    @property
    def bad(self) -> set[str]:
        """Digests of everything that lacks or is broken, but for what was put right."""
        found = {*self.missing_blobs, *self.missing_layers}
        return (found | {*self.broken_blobs, *self.broken_layers}) - {*self.repaired}


class CleanupRow(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An image that goes by a policy, or would."""

    id: str
    name: str
    rule: str
    """`unused-for`, `keep-last` or `max-size`."""
    size: int
    deleted: bool = False


CleanupRows = list[CleanupRow]


class Cleanup(Protocol):
    """Images that go by a policy."""

    async def clean(self, options: Mapping[str, str], *, preview: bool) -> CleanupRows:
        """Delete what a policy lets go, or only tell. Without `options` the engine's own counts.

        Raises: InvalidArgument for the options.
        """


class ImageExplorer(Protocol):
    """Looks into images."""

    async def explore(self, ref: str, *, files: int) -> ImageReport:
        """What each layer adds, changes, removes and wastes. Raises: NotFound."""

    async def compare(self, first: str, second: str) -> PathChanges:
        """How the files of a second image differ from the first one's. Raises: NotFound."""


class StorageCare(Protocol):
    """Looks after what is stored."""

    async def examine(self, *, deep: bool, repair: bool) -> StorageReport:
        """Look for what is missing, broken and in nobody's use; put right what can be.

        `deep` reads every byte. Runs beside pulls, and takes nothing from a container.
        """
