"""Layers and blobs on disk, and containers' own trees over them."""

from __future__ import annotations

from dataclasses import dataclass

from budu.content.disk import DiskContent
from budu.content.leases import Leases
from budu.daemon.rooms.ground import Ground
from budu.engine.containers.upper import Uppers
from budu.engine.images.storage import ImageStorage
from budu.snapshot.blobs import Blobs
from budu.snapshot.choose import choose_layer_store, probe
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.differences import ContainerDifferences
from budu.snapshot.layers import LayerStore


@dataclass(frozen=True, kw_only=True)
class Storage:
    """What `build_storage` gives."""

    summary: str
    """How layers are kept here, as `info` tells it."""
    content: DiskContent
    """Manifests, configs, and layers as they came."""
    layers: LayerStore
    """Layers that can be mounted."""
    blobs: Blobs
    """The compressed layers of both."""
    leases: Leases
    """What is in use while nobody's record says so."""
    images: ImageStorage
    """What of these belongs to which image."""
    snapshots: ContainerSnapshots
    """The containers' root file systems."""
    differences: ContainerDifferences
    """What containers changed in them."""
    uppers: Uppers
    """Layers made of that."""


def build_storage(ground: Ground) -> Storage:
    """Find out what the kernel can do, and open the stores accordingly."""
    paths = ground.paths
    paths.layers.mkdir(parents=True, exist_ok=True, mode=0o700)
    abilities = probe(paths.layers)
    layers = choose_layer_store(paths.layers, abilities)
    content = DiskContent(paths.content)
    leases = Leases()
    snapshots = ContainerSnapshots(
        paths.snapshots, layers, style=abilities.style, userxattr=abilities.userxattr
    )
    differences = ContainerDifferences(
        snapshots, layers, style=abilities.style, userxattr=abilities.userxattr
    )
    return Storage(
        summary=abilities.summary,
        content=content,
        layers=layers,
        blobs=Blobs(content, layers),
        leases=leases,
        images=ImageStorage(
            content,
            layers,
            leases,
            images=ground.images.everything,
            containers=ground.containers.all,
        ),
        snapshots=snapshots,
        differences=differences,
        uppers=Uppers(snapshots, differences, layers),
    )
