"""Images as Docker shows them: rows of the list, the inspection, deletions.

Source: Engine API 1.51 and the version history of 1.43, 1.44, 1.50 and 1.51; moby 28.3,
daemon/server/router/image.
"""

from __future__ import annotations

import msgspec

from budu.api.codec import widen
from budu.api.versions import ApiVersion
from budu.engine.contract import ImageDeletion
from budu.image.history import unix_seconds
from budu.image.model import ImageRecord
from budu.spec.api.container import ContainerConfig, DriverData
from budu.spec.api.fields import TEXT
from budu.spec.api.image import (
    ImageDeleteItem,
    ImageInspect,
    ImageSummary,
    RootFS,
)
from budu.spec.image import ImageConfig

_NO_NAMES_BEFORE = ApiVersion(1, 43)
_VIRTUAL_SIZE_BEFORE = ApiVersion(1, 44)
_CONTAINER_BEFORE = ApiVersion(1, 45)
_WHOLE_CONFIG_BEFORE = ApiVersion(1, 50)
_COUNTS_SINCE = ApiVersion(1, 51)
_DRIVER = "overlay2"
_UNKNOWN = -1


class OldImageSummary(ImageSummary, frozen=True, kw_only=True):
    """A row before 1.44, which repeats the size."""

    virtual_size: int = 0


class OldImageInspect(ImageInspect, frozen=True, kw_only=True):
    """An inspection before 1.50: the size repeated, the config with its empty fields."""

    virtual_size: int = 0
    config: ContainerConfig | None = None  # type: ignore[assignment]  # another type on the wire


class OlderImageInspect(OldImageInspect, frozen=True, kw_only=True):
    """An inspection before 1.45: with the container that a build made it of, never known here."""

    container: str = TEXT
    container_config: ContainerConfig = msgspec.field(default_factory=lambda: ContainerConfig())


def image_row(
    image: ImageRecord,
    labels: dict[str, str] | None,
    *,
    containers: int,
    version: ApiVersion,
    shared: int | None = None,
) -> ImageSummary:
    """A row of the list; `containers` is how many use the image, `shared` is bytes of the layers
    that other images have too, when asked for."""
    tags, digests = list(image.repo_tags), list(image.repo_digests)
    if version < _NO_NAMES_BEFORE and not tags and not digests:
        tags, digests = ["<none>:<none>"], ["<none>@<none>"]
    row = ImageSummary(
        containers=containers if version >= _COUNTS_SINCE else _UNKNOWN,
        created=unix_seconds(image.created),
        id=image.id,
        labels=labels,
        repo_digests=digests,
        repo_tags=tags,
        shared_size=_UNKNOWN if shared is None else shared,
        size=image.size,
    )
    if version >= _VIRTUAL_SIZE_BEFORE:
        return row
    return widen(row, OldImageSummary, virtual_size=image.size)


def image_inspection(
    image: ImageRecord, config: ImageConfig, *, version: ApiVersion
) -> ImageInspect:
    """The whole record of one image."""
    history = config.history or ()
    inspection = ImageInspect(
        id=image.id,
        repo_tags=list(image.repo_tags),
        repo_digests=list(image.repo_digests),
        comment=history[-1].comment if history else "",
        created=config.created or "",
        docker_version=config.docker_version,
        author=config.author,
        config=config.config,
        architecture=config.architecture,
        variant=config.variant,
        os=config.os,
        os_version=config.os_version,
        size=image.size,
        graph_driver=DriverData(name=_DRIVER),
        root_fs=RootFS(type=config.rootfs.type, layers=list(config.rootfs.diff_ids)),
    )
    if version >= _WHOLE_CONFIG_BEFORE:
        return inspection
    whole = msgspec.convert(msgspec.to_builtins(config.config or {}), ContainerConfig)
    virtual_size = image.size if version < _VIRTUAL_SIZE_BEFORE else 0
    kind = OlderImageInspect if version < _CONTAINER_BEFORE else OldImageInspect
    return widen(inspection, kind, config=whole, virtual_size=virtual_size)


def deletion_views(deletions: list[ImageDeletion]) -> list[ImageDeleteItem]:
    """What a removal did, in its order."""
    return [ImageDeleteItem(untagged=one.untagged, deleted=one.deleted) for one in deletions]
