"""What takes room on the disk.

Source: Engine API 1.51, SystemDataUsage; moby 28.5, api/types.DiskUsage.
"""

from __future__ import annotations

from budu.spec.api.build import BuildCache
from budu.spec.api.container import ContainerSummary
from budu.spec.api.fields import NULL, ZERO, Body
from budu.spec.api.image import ImageSummary
from budu.spec.api.volume import Volume


class DiskUsage(Body, frozen=True, kw_only=True):
    """Answer to the question for disk usage; null for kinds that were not asked for.

    `layers_size` is bytes of all image layers; `builder_size`, those of the build cache, is told
    only to clients before 1.42.
    """

    layers_size: int = ZERO
    images: list[ImageSummary] | None = NULL
    containers: list[ContainerSummary] | None = NULL
    volumes: list[Volume] | None = NULL
    build_cache: list[BuildCache] | None = NULL
    builder_size: int = 0
