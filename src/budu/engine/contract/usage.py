"""How much of the disk everything takes. See `engine.usage`."""

from __future__ import annotations

from typing import Protocol

import msgspec

from budu.base.filters import Filters
from budu.engine.containers.model import Container
from budu.image.model import ImageRecord
from budu.spec.api.build import BuildCache
from budu.spec.api.volume import Volume, VolumeOverview

CONTAINERS, IMAGES, VOLUMES, BUILD_CACHE = "container", "image", "volume", "build-cache"
KINDS = frozenset((CONTAINERS, IMAGES, VOLUMES, BUILD_CACHE))
"""What can be asked for. Source: Engine API 1.51 SystemDataUsage, `type`."""


class ContainerUsage(msgspec.Struct, frozen=True, kw_only=True):
    """A container, bytes of its writable layer, and of that with the image."""

    container: Container
    writable: int
    total: int


class ImageUsage(msgspec.Struct, frozen=True, kw_only=True):
    """An image, bytes of its layers that other images have too, and how many containers use it."""

    image: ImageRecord
    shared: int
    containers: int


class DiskUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What takes room; None for a kind that was not asked for.

    `layers` is bytes of all layers, each counted once. Volumes carry their usage.
    """

    layers: int = 0
    containers: tuple[ContainerUsage, ...] | None = None
    images: tuple[ImageUsage, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    build_cache: tuple[BuildCache, ...] | None = None


class Usages(Protocol):
    """How much of the disk everything takes."""

    async def measure(self, kinds: frozenset[str]) -> DiskUsage:
        """Look at all objects of the kinds asked for. Takes as long as walking their files."""

    async def volumes(self, filters: Filters, *, sizes: bool) -> list[VolumeOverview]:
        """Volumes with their users and last use; with `sizes`, what is in them too.

        Raises: InvalidArgument for an unknown filter.
        """

    def shared_sizes(self) -> dict[str, int]:
        """Bytes of each image's layers that other images have too, by image id."""
