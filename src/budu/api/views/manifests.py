"""The manifests of an image as Docker shows them.

Source: Engine API 1.51, ImageManifestSummary; moby 28.3, daemon/containerd/image_manifest.go.
"""

from __future__ import annotations

from collections.abc import Callable

from budu.distribution.choose import ATTESTED
from budu.engine.images.tree import ATTESTATION, IMAGE, ImageTree, ManifestNode
from budu.spec.api.image import (
    AttestationData,
    ImageData,
    ManifestSize,
    ManifestSummary,
    UnpackedSize,
)


def manifest_views(
    tree: ImageTree, *, unpacked: Callable[[str], int], users: Callable[[str], list[str]]
) -> list[ManifestSummary]:
    """Every manifest of an image. `unpacked` gives bytes of a layer by its diff id, 0 when it is
    not here; `users` the containers made from a config."""
    return [_view(node, unpacked=unpacked, users=users) for node in tree.nodes]


def _view(
    node: ManifestNode, *, unpacked: Callable[[str], int], users: Callable[[str], list[str]]
) -> ManifestSummary:
    content = node.descriptor.size + sum(part.size for part in node.parts)
    content = content if node.available else 0
    extra = 0
    image = attestation = None
    if node.kind == IMAGE:
        diff_ids = node.config.rootfs.diff_ids if node.config is not None else ()
        extra = sum(map(unpacked, diff_ids)) if node.available else 0
        image = ImageData(
            platform=node.platform,
            containers=users(node.manifest.config.digest) if node.manifest is not None else [],
            size=UnpackedSize(unpacked=extra),
        )
    elif node.kind == ATTESTATION:
        about = node.descriptor.annotations.get(ATTESTED, "")
        attestation = AttestationData(for_=about)
    return ManifestSummary(
        id=node.descriptor.digest,
        descriptor=node.descriptor,
        available=node.available,
        kind=node.kind,
        size=ManifestSize(total=content + extra, content=content),
        image_data=image,
        attestation_data=attestation,
    )
