"""Images: by name, as archives, to registries, looked into, looked after."""

from __future__ import annotations

from dataclasses import dataclass

from budu.daemon.options import Options
from budu.daemon.rooms.distribution import Distribution
from budu.daemon.rooms.ground import Ground
from budu.daemon.rooms.storage import Storage
from budu.engine.images.archives import ImageArchiveService
from budu.engine.images.care import StorageCareService
from budu.engine.images.cleanup import CleanupService, read_policy
from budu.engine.images.exploring import ExploringService
from budu.engine.images.importing import ImportService
from budu.engine.images.loading import ImageLoader
from budu.engine.images.making import ImageMaker
from budu.engine.images.pushing import PushService
from budu.engine.images.registries import RegistryService
from budu.engine.images.saving import ImageSaver
from budu.engine.images.service import ImageService
from budu.snapshot.packing import Packing


@dataclass(frozen=True, kw_only=True)
class Images:
    """What `build_images` gives."""

    service: ImageService
    """Images by name and id."""
    maker: ImageMaker
    """Makes images of layers that are here."""
    archives: ImageArchiveService
    """Save and load."""
    imports: ImportService
    """Images of plain archives."""
    pushes: PushService
    """On their way to registries."""
    registries: RegistryService
    """What registries say."""
    explorer: ExploringService
    """Looks into them."""
    cleanup: CleanupService
    """Lets unused ones go by a policy."""
    care: StorageCareService
    """Collects garbage, repairs what is damaged."""


def build_images(
    options: Options, ground: Ground, storage: Storage, distribution: Distribution
) -> Images:
    """All services of images."""
    records, containers = ground.images, ground.containers.all
    maker = ImageMaker(
        records,
        storage.images,
        storage.content,
        storage.layers,
        folder=ground.paths.data_root,
        packing=Packing(options.image_compression),
    )
    service = ImageService(
        records,
        storage.images,
        distribution.puller,
        maker,
        ground.events,
        containers=containers,
        is_step=ground.build_steps.has_image,
    )
    return Images(
        service=service,
        maker=maker,
        archives=ImageArchiveService(
            ImageSaver(records, storage.images, maker, ground.events),
            ImageLoader(records, storage.images, maker, storage.blobs, ground.events),
        ),
        imports=ImportService(maker, storage.layers, distribution.downloads, ground.events),
        pushes=PushService(records, storage.images, distribution.pusher, ground.events),
        registries=RegistryService(distribution.registries, distribution.pusher),
        explorer=ExploringService(service, storage.layers),
        cleanup=CleanupService(
            service,
            records,
            ground.database,
            read_policy(options.image_cleanup),
            containers=containers,
        ),
        care=StorageCareService(
            records,
            storage.images,
            storage.content,
            containers=containers,
            layers_root=ground.paths.layers,
        ),
    )
