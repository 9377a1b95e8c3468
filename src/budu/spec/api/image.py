"""Images: rows of the list, inspection, history, deletion, and the lines of a pull.

Source: Engine API 1.51, ImageSummary, ImageInspect, ImageHistoryResponseItem, CreateImageInfo;
moby 28.3, api/types/image, pkg/jsonmessage.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.container import DriverData
from budu.spec.api.fields import FALSE, NO_ITEMS, NULL, TEXT, ZERO, Body, named
from budu.spec.api.network import ZERO_TIME
from budu.spec.image import Descriptor, ExecConfig
from budu.spec.platform import Platform


class ManifestSize(Body, frozen=True, kw_only=True):
    """Bytes of a manifest's blobs, and with what was unpacked from them."""

    total: int = ZERO
    content: int = ZERO


class UnpackedSize(Body, frozen=True, kw_only=True):
    """Bytes of the unpacked layers."""

    unpacked: int = ZERO


class ImageData(Body, frozen=True, kw_only=True):
    """What a manifest of kind image says."""

    platform: Platform = msgspec.field(default_factory=lambda: Platform())
    containers: list[str] | None = NULL
    size: UnpackedSize = msgspec.field(default_factory=lambda: UnpackedSize())


class AttestationData(Body, frozen=True, kw_only=True):
    """The digest of the manifest that an attestation is about."""

    for_: str = named("For", TEXT)


class ManifestSummary(Body, frozen=True, kw_only=True):
    """One manifest of an image; `kind` is image, attestation or unknown."""

    id: str = named("ID", TEXT)
    descriptor: Descriptor
    available: bool = FALSE
    kind: str = TEXT
    size: ManifestSize = msgspec.field(default_factory=lambda: ManifestSize())
    image_data: ImageData | None = None
    attestation_data: AttestationData | None = None


class ImageSummary(Body, frozen=True, kw_only=True):
    """A row of the image list. `created` in unix seconds; -1 where a count was not asked for."""

    containers: int = ZERO
    created: int = ZERO
    id: str = TEXT
    labels: dict[str, str] | None = NULL
    parent_id: str = TEXT
    descriptor: Descriptor | None = None
    manifests: list[ManifestSummary] | None = None
    repo_digests: list[str] | None = NO_ITEMS
    repo_tags: list[str] | None = NO_ITEMS
    shared_size: int = ZERO
    size: int = ZERO


class RootFS(Body, frozen=True, kw_only=True):
    """The layers' diff ids, lowest first."""

    type: str = ""
    layers: list[str] | None = None


class ImageMetadata(Body, frozen=True, kw_only=True):
    """What this engine remembers of an image; RFC 3339."""

    last_tag_time: str = msgspec.field(default_factory=lambda: ZERO_TIME)


class ImageInspect(Body, frozen=True, kw_only=True):
    """Inspection of one image; `size` in bytes, `created` RFC 3339."""

    id: str = TEXT
    repo_tags: list[str] | None = NO_ITEMS
    repo_digests: list[str] | None = NO_ITEMS
    parent: str = TEXT
    comment: str = TEXT
    created: str = TEXT
    docker_version: str = TEXT
    author: str = TEXT
    config: ExecConfig | None = NULL
    architecture: str = TEXT
    variant: str = ""
    os: str = TEXT
    os_version: str = ""
    size: int = ZERO
    graph_driver: DriverData = msgspec.field(default_factory=lambda: DriverData())
    root_fs: RootFS = msgspec.field(default_factory=lambda: RootFS(), name="RootFS")
    metadata: ImageMetadata = msgspec.field(default_factory=lambda: ImageMetadata())
    descriptor: Descriptor | None = None
    manifests: list[ManifestSummary] | None = None


class ImageDeleteItem(Body, frozen=True, kw_only=True):
    """One effect of an image deletion: a name taken away, or an image deleted."""

    deleted: str = ""
    untagged: str = ""


class ImagePruneResponse(Body, frozen=True, kw_only=True):
    """What an image prune did."""

    images_deleted: list[ImageDeleteItem] | None = NULL
    space_reclaimed: int = ZERO


class BuildPruneResponse(Body, frozen=True, kw_only=True):
    """Build records that a prune removed, and the bytes that became free."""

    caches_deleted: list[str] | None = NULL
    space_reclaimed: int = ZERO


class CommitResponse(Body, frozen=True, kw_only=True):
    """The image that a commit made."""

    id: str = TEXT


class ImageSearchItem(msgspec.Struct, frozen=True, kw_only=True):
    """A hit of a search in the registry's index."""

    star_count: int = 0
    is_official: bool = False
    name: str = ""
    is_automated: bool = False
    description: str = ""


class ProgressDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a step is, in bytes unless `units` names something else."""

    current: int = 0
    total: int = 0
    start: int = 0
    hidecounts: bool = False
    units: str = ""


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The error that ends a stream of progress lines."""

    code: int = 0
    message: str = ""


class ProgressMessage(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True
):
    """A JSON line of pull, push, load and build."""

    stream: str = ""
    status: str = ""
    progress_detail: ProgressDetail | None = None
    progress: str = ""
    id: str = ""
    error_detail: ErrorDetail | None = None
    error: str = ""
    aux: dict[str, object] | None = None
