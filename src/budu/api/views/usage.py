"""Disk usage as Docker shows it: the rows of the lists, with sizes.

Source: Engine API 1.51, SystemDataUsage; moby 28.5, api/server/router/system.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from budu.api.versions import ApiVersion
from budu.api.views.containers import container_row
from budu.api.views.images import image_row
from budu.engine.contract.usage import ContainerUsage, DiskUsage, ImageUsage
from budu.image.model import ImageRecord
from budu.spec.api import usage as answer
from budu.spec.api.container import ContainerSummary
from budu.spec.api.image import ImageSummary

Lookup = Callable[[str], str]
"""From a name to the id it means now; empty when it means nothing."""

_ROWS_TELL_SIZES = ApiVersion(1, 42)
"""Older clients are also told the size of the whole build cache."""


def usage_view(
    usage: DiskUsage,
    *,
    labels: Callable[[ImageRecord], dict[str, str] | None],
    image_id: Lookup,
    network_id: Lookup,
    now_ns: int,
    version: ApiVersion,
) -> answer.DiskUsage:
    """The whole answer; `labels` gives an image's."""
    images = containers = volumes = build_cache = None
    if usage.images is not None:
        images = [_image(each, labels(each.image), version) for each in usage.images]
    if usage.containers is not None:
        containers = [
            _container(each, image_id=image_id, network_id=network_id, now_ns=now_ns)
            for each in usage.containers
        ]
    if usage.volumes is not None:
        volumes = list(usage.volumes)
    if usage.build_cache is not None:
        build_cache = list(usage.build_cache)
    return answer.DiskUsage(
        layers_size=usage.layers,
        images=images,
        containers=containers,
        volumes=volumes,
        build_cache=build_cache,
        builder_size=_builder_size(usage) if version < _ROWS_TELL_SIZES else 0,
    )


def _builder_size(usage: DiskUsage) -> int:
    return sum(each.size for each in usage.build_cache or ())


def _image(usage: ImageUsage, labels: dict[str, str] | None, version: ApiVersion) -> ImageSummary:
    """The row of the list; here every version of the API counts containers."""
    row = image_row(
        usage.image,
        labels,
        containers=usage.containers,
        shared=usage.shared,
        version=version,
    )
    return msgspec.structs.replace(row, containers=usage.containers)


def _container(
    usage: ContainerUsage, *, image_id: Lookup, network_id: Lookup, now_ns: int
) -> ContainerSummary:
    return container_row(
        usage.container,
        image_id=image_id(usage.container.image_name),
        network_id=network_id,
        now_ns=now_ns,
        sizes=(usage.writable, usage.total),
    )
