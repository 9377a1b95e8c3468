"""What takes room on the disk.

Source: Engine API 1.51, SystemDataUsage; moby 28.5, api/types.DiskUsage.
"""

from __future__ import annotations

from budu.spec.api.container import ContainerSummary
from budu.spec.api.fields import NULL, ZERO, Body
from budu.spec.api.image import ImageSummary
from budu.spec.api.volume import Volume


class DiskUsage(Body, frozen=True, kw_only=True):
    """Answer to the question for disk usage; null for kinds that were not asked for.

    `layers_size` is bytes of all image layers. There is no build cache yet, so its list is empty.
    """

    layers_size: int = ZERO
    images: list[ImageSummary] | None = NULL
    containers: list[ContainerSummary] | None = NULL
    volumes: list[Volume] | None = NULL
    build_cache: list[dict[str, object]] | None = NULL
