"""Making image documents: the config of a child image, and the bytes of config and manifest. Pure.

Source: OCI image-spec 1.1, config and manifest; moby 28.3 image/image.go NewChildImage.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from budu.archive.compression import Compression, of_media_type
from budu.base.errors import InvalidArgument
from budu.spec.digest import Digest
from budu.spec.image import (
    MEDIA_DOCKER_CONFIG,
    MEDIA_DOCKER_LAYER,
    MEDIA_DOCKER_LAYER_GZIP,
    MEDIA_DOCKER_LAYER_ZSTD,
    MEDIA_DOCKER_MANIFEST,
    MEDIA_OCI_CONFIG,
    MEDIA_OCI_LAYER,
    MEDIA_OCI_LAYER_GZIP,
    MEDIA_OCI_LAYER_ZSTD,
    MEDIA_OCI_MANIFEST,
    Descriptor,
    History,
    ImageConfig,
    Manifest,
    RootFS,
)

_DOCKER = "application/vnd.docker."
_LAYER_TYPES = {
    Compression.NONE: (MEDIA_OCI_LAYER, MEDIA_DOCKER_LAYER),
    Compression.GZIP: (MEDIA_OCI_LAYER_GZIP, MEDIA_DOCKER_LAYER_GZIP),
    Compression.ZSTD: (MEDIA_OCI_LAYER_ZSTD, MEDIA_DOCKER_LAYER_ZSTD),
}


def child_config(
    parent: ImageConfig, config: ImageConfig, *, step: History, diff_id: Digest | None
) -> ImageConfig:
    """The document of an image that adds one step to `parent`.

    `config` brings what is new: author, creation time and how to run it. `diff_id` is the layer
    that the step added, None when it changed no file.
    """
    step = msgspec.structs.replace(step, empty_layer=diff_id is None)
    added = (str(diff_id),) if diff_id is not None else ()
    return msgspec.structs.replace(
        parent,
        created=config.created,
        author=config.author,
        config=config.config,
        rootfs=RootFS(diff_ids=(*parent.rootfs.diff_ids, *added)),
        history=(*(parent.history or ()), step),
        docker_version="",
    )


def decode_config(document: bytes) -> ImageConfig:
    """A config document. Raises: InvalidArgument."""
    try:
        return msgspec.json.decode(document, type=ImageConfig)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"invalid image configuration: {error}") from None


def encode_config(config: ImageConfig) -> bytes:
    """The document's bytes, with the fields that the specification wants even when empty."""
    document = msgspec.to_builtins(config)
    document["rootfs"] = {"type": "layers", "diff_ids": list(config.rootfs.diff_ids)}
    document |= {"architecture": config.architecture, "os": config.os}
    return msgspec.json.encode(document)


def encode_manifest(config: bytes, layers: Sequence[Descriptor]) -> tuple[Manifest, bytes]:
    """A manifest over a config document and its layers, and its bytes.

    It is of Docker's type when the lowest layer is, so that one image never mixes both families.
    """
    is_docker = bool(layers) and layers[0].media_type.startswith(_DOCKER)
    manifest = Manifest(
        schema_version=2,
        media_type=MEDIA_DOCKER_MANIFEST if is_docker else MEDIA_OCI_MANIFEST,
        config=Descriptor(
            media_type=MEDIA_DOCKER_CONFIG if is_docker else MEDIA_OCI_CONFIG,
            digest=str(Digest.of(config)),
            size=len(config),
        ),
        layers=tuple(_of_family(layer, is_docker=is_docker) for layer in layers),
    )
    document = msgspec.to_builtins(manifest)
    document["layers"] = msgspec.to_builtins(manifest.layers)
    return manifest, msgspec.json.encode(document)


def _of_family(layer: Descriptor, *, is_docker: bool) -> Descriptor:
    types = _LAYER_TYPES.get(of_media_type(layer.media_type) or Compression.XZ)
    if types is None:
        return layer
    return msgspec.structs.replace(layer, media_type=types[is_docker])
