"""Tags with their images, opened and in lists."""

from __future__ import annotations

from typing import Literal

from budu.hub.site_api.records.base import Record


class TagsQuery(Record, frozen=True, kw_only=True):
    """Which tags."""

    q: str = ""
    sort: Literal["name", "pushed", "pulled", "size"] = "pushed"
    page: int = 1
    page_size: int = 25


class TagImage(Record, frozen=True, kw_only=True):
    """One platform of a tag. `size_bytes` counts the compressed layers and the config."""

    digest: str
    platform: str
    os: str
    architecture: str
    variant: str
    size_bytes: int


class Tag(Record, frozen=True, kw_only=True):
    """A tag in the list."""

    name: str
    digest: str
    media_type: str
    size_bytes: int
    images: tuple[TagImage, ...]
    pushed_at: str
    pushed_by: str
    pulled_at: str | None
    is_immutable: bool
    pull_command: str


class TagPage(Record, frozen=True, kw_only=True):
    """A page of tags."""

    count: int
    results: tuple[Tag, ...]


class ImageSettings(Record, frozen=True, kw_only=True):
    """What of an image's config people ask for."""

    created_at: str | None
    author: str
    user: str
    working_dir: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    env: tuple[str, ...]
    exposed_ports: tuple[str, ...]
    volumes: tuple[str, ...]
    labels: dict[str, str]
    stop_signal: str


class Layer(Record, frozen=True, kw_only=True):
    """One step of an image's making; a step without a layer has neither digest nor size."""

    command: str
    created_at: str | None
    comment: str
    digest: str | None
    size_bytes: int


class Referrer(Record, frozen=True, kw_only=True):
    """What refers to an image: a signature, an attestation, a list of parts."""

    digest: str
    kind: Literal["signature", "attestation", "sbom", "other"]
    artifact_type: str
    size_bytes: int
    annotations: dict[str, str]
    pushed_at: str


class TagImageDetails(Record, frozen=True, kw_only=True):
    """One platform of a tag, opened. `settings` is null for what is no image.

    `unpacked_bytes` is what the layers take on a disk; null where it is not known: it will be soon
    where `is_measuring`.
    """

    digest: str
    platform: str
    os: str
    architecture: str
    variant: str
    media_type: str
    artifact_type: str
    size_bytes: int
    unpacked_bytes: int | None
    is_measuring: bool
    config_digest: str | None
    settings: ImageSettings | None
    layers: tuple[Layer, ...]
    dockerfile: str
    referrers: tuple[Referrer, ...]


class TagDetails(Record, frozen=True, kw_only=True):
    """A tag, opened."""

    tag: Tag
    images: tuple[TagImageDetails, ...]
    referrers: tuple[Referrer, ...]


class TagNames(Record, frozen=True, kw_only=True):
    """Some tags."""

    tags: tuple[str, ...]


class TagsDeleted(Record, frozen=True, kw_only=True):
    """What went, and why others stayed."""

    deleted: tuple[str, ...]
    refused: tuple[TagRefused, ...]


class TagRefused(Record, frozen=True, kw_only=True):
    """A tag that stays."""

    tag: str
    message: str
