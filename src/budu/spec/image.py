"""OCI image documents: descriptors, manifests, indexes and image configs, and Docker's twins.

Unknown fields are ignored on decoding; blobs are kept byte for byte, so nothing is lost.
Source: OCI image-spec 1.1; Docker image manifest version 2, schema 2.
"""

from __future__ import annotations

import msgspec

from budu.spec.platform import Platform

MEDIA_OCI_INDEX = "application/vnd.oci.image.index.v1+json"
MEDIA_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEDIA_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
MEDIA_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
MEDIA_OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
MEDIA_OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
MEDIA_DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MEDIA_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEDIA_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
MEDIA_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
MEDIA_DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MEDIA_DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"

INDEX_TYPES = (MEDIA_OCI_INDEX, MEDIA_DOCKER_INDEX)
MANIFEST_TYPES = (MEDIA_OCI_MANIFEST, MEDIA_DOCKER_MANIFEST)
CONFIG_TYPES = (MEDIA_OCI_CONFIG, MEDIA_DOCKER_CONFIG)
_IMAGE_CONFIGS = frozenset({*CONFIG_TYPES, "", "application/octet-stream"})


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A typed, sized pointer to a blob. `size` in bytes; `digest` is checked by its user."""

    media_type: str = ""
    digest: str
    size: int
    urls: tuple[str, ...] = ()
    annotations: dict[str, str] = {}
    platform: Platform | None = None
    artifact_type: str = ""
    data: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One platform's image: a config and its layers, lowest first."""

    schema_version: int = 0
    media_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...] = ()
    annotations: dict[str, str] = {}
    artifact_type: str = ""
    subject: Descriptor | None = None

    @property
    def artifact(self) -> str:
        """What kind of thing it is when it is no image: a config of another type, or layers of
        which none is a tar. Empty for an image."""
        kinds = [layer.media_type for layer in self.layers]
        has_tars = not kinds or any("tar" in kind or not kind for kind in kinds)
        if self.config.media_type in _IMAGE_CONFIGS and has_tars:
            return ""
        if self.config.media_type in _IMAGE_CONFIGS:
            return self.artifact_type or kinds[0]
        return self.artifact_type or self.config.media_type


class Index(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A list of manifests, one per platform (Docker: manifest list)."""

    schema_version: int = 0
    media_type: str = ""
    manifests: tuple[Descriptor, ...] = ()
    annotations: dict[str, str] = {}


class Healthcheck(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """A health probe. Durations in nanoseconds; 0 inherits. Source: Docker image spec 1.2.

    `on_unhealthy` is ours, see `spec.api.container.HealthConfig`.
    """

    test: tuple[str, ...] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0
    on_unhealthy: str = ""


class ExecConfig(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """How the image's program is run: `config` inside the image config."""

    user: str = ""
    exposed_ports: dict[str, dict[str, object]] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: dict[str, dict[str, object]] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    args_escaped: bool = False
    healthcheck: Healthcheck | None = None
    on_build: tuple[str, ...] | None = None
    shell: tuple[str, ...] | None = None


class RootFS(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The layers' identities, lowest first."""

    type: str = "layers"
    diff_ids: tuple[str, ...] = ()


class History(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one layer came to be; `empty_layer` for steps that changed no file."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The image config document. `created` is RFC 3339."""

    created: str | None = None
    author: str = ""
    architecture: str = ""
    os: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    variant: str = ""
    config: ExecConfig | None = None
    rootfs: RootFS = RootFS()
    history: tuple[History, ...] | None = None
    docker_version: str = ""

    @property
    def labels(self) -> dict[str, str] | None:
        """The labels, None without any."""
        return (self.config.labels or None) if self.config is not None else None

    @property
    def platform(self) -> Platform:
        """The platform that the image was built for."""
        return Platform(os=self.os, architecture=self.architecture, variant=self.variant)
