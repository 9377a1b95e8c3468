"""How much of the disk everything takes: containers, images, volumes, the cache of builds.

Layers never change and their sizes are known; what containers wrote and what is in volumes has to
be walked, file by file, in a thread. Nothing of that is remembered: a file can grow without its
folder telling. Who asks while somebody else's walk is under way gets the result of that one.
Source: Engine API 1.51 SystemDataUsage; moby 28.5, daemon/disk_usage.go,
daemon/images/image_list.go (what counts as shared).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from budu.base.errors import NotFound
from budu.base.filters import Filters
from budu.engine.containers.model import Container
from budu.engine.containers.service import ContainerService
from budu.engine.contract.usage import (
    BUILD_CACHE,
    CONTAINERS,
    IMAGES,
    VOLUMES,
    ContainerUsage,
    DiskUsage,
    ImageUsage,
)
from budu.engine.images.service import ImageService
from budu.engine.images.storage import ImageStorage
from budu.engine.streams import ThreadResult
from budu.engine.volumes import VolumeService
from budu.image.model import ImageRecord
from budu.spec.api.build import BuildCache
from budu.spec.api.volume import Volume, VolumeOverview, VolumeUsage
from budu.spec.digest import Digest, chain_id
from budu.volume.contract import LOCAL

T = TypeVar("T")

_UNKNOWN = -1
_NO_FILTERS = Filters()


class UsageService:
    """See `engine.contract.usage.Usages`."""

    def __init__(
        self,
        containers: ContainerService,
        images: ImageService,
        storage: ImageStorage,
        volumes: VolumeService,
        *,
        volume_size: Callable[[str], int | None],
        build_cache: Callable[[], tuple[BuildCache, ...]],
    ) -> None:
        """`volume_size` walks the files of a volume and blocks; None where it does not look.
        `build_cache` gives the records of the cache, with their sizes."""
        self._containers = containers
        self._images = images
        self._storage = storage
        self._volumes = volumes
        self._volume_size = volume_size
        self._build_cache = build_cache
        self._walks: dict[str, ThreadResult[Any]] = {}

    async def measure(self, kinds: frozenset[str]) -> DiskUsage:
        """See `Usages.measure`."""
        containers = volumes = None
        if CONTAINERS in kinds:
            everyone = self._everyone()
            containers = await self._shared(CONTAINERS, lambda: self._walk_containers(everyone))
        if VOLUMES in kinds:
            volumes = await self._measure_volumes()
        build_cache = None
        if BUILD_CACHE in kinds:
            build_cache = await self._shared(BUILD_CACHE, self._build_cache)
        return DiskUsage(
            layers=self._storage.usage() if IMAGES in kinds else 0,
            containers=containers,
            images=self._measure_images() if IMAGES in kinds else None,
            volumes=volumes,
            build_cache=build_cache,
        )

    async def _shared(self, kind: str, walk: Callable[[], T]) -> T:
        """The result of the walk that is under way, or of a new one."""
        work = self._walks.get(kind)
        if work is None or work.is_done:
            work = self._walks[kind] = ThreadResult(f"usage-{kind}", walk)
        result: T = await work.wait()
        return result

    def _everyone(self) -> list[Container]:
        return self._containers.list(everything=True, limit=0, filters=_NO_FILTERS)

    # Images

    def shared_sizes(self) -> dict[str, int]:
        """See `Usages.shared_sizes`."""
        images = self._images.list(everything=True, filters=_NO_FILTERS)
        return shared_sizes(images, self._images.unpacked_size)

    def _measure_images(self) -> tuple[ImageUsage, ...]:
        listed = self._images.list(everything=True, filters=_NO_FILTERS)
        images = [each for each in listed if not each.is_step]
        shared, counts = (
            shared_sizes(images, self._images.unpacked_size),
            self._images.user_counts(),
        )
        return tuple(
            ImageUsage(image=image, shared=shared[image.id], containers=counts[image.id])
            for image in images
        )

    # Containers

    def _walk_containers(self, everyone: Iterable[Container]) -> tuple[ContainerUsage, ...]:
        """In a thread."""
        measured = map(self._measure_one, everyone)
        return tuple(each for each in measured if each is not None)

    def _measure_one(self, container: Container) -> ContainerUsage | None:
        """None when it is gone meanwhile."""
        try:
            writable, total = self._containers.size(container)
        except NotFound:
            return None
        return ContainerUsage(container=container, writable=writable, total=total)

    # Volumes

    async def _measure_volumes(self) -> tuple[Volume, ...]:
        """Volumes with options of their own are not really local, and are left out."""
        volumes, _ = await self._volumes.list(_NO_FILTERS)
        local = [each for each in volumes if not each.options]
        sizes = await self._volume_sizes()
        users = references(self._everyone())
        return tuple(
            msgspec.structs.replace(
                volume,
                usage_data=VolumeUsage(
                    ref_count=users[volume.name], size=sizes.get(volume.name, _UNKNOWN)
                ),
            )
            for volume in local
        )

    async def volumes(self, filters: Filters, *, sizes: bool) -> list[VolumeOverview]:
        """See `Usages.volumes`."""
        chosen, _ = await self._volumes.list(filters)
        found = await self._volume_sizes() if sizes else {}
        everyone = self._everyone()
        users = references(everyone)
        in_use = references(each for each in everyone if each.is_running)
        last_used = {each.name: each.last_used_ns for each in self._volumes.records()}

        def usage(name: str) -> VolumeUsage:
            return VolumeUsage(ref_count=users[name], size=found.get(name, _UNKNOWN))

        return [
            VolumeOverview(
                **(msgspec.structs.asdict(volume) | {"usage_data": usage(volume.name)}),
                last_used_ns=last_used.get(volume.name, 0),
                in_use=bool(in_use[volume.name]),
            )
            for volume in chosen
        ]

    async def _volume_sizes(self) -> dict[str, int]:
        """Bytes in each local volume, those with options too."""
        names = [each.name for each in self._volumes.records() if each.driver == LOCAL]
        return await self._shared(VOLUMES, lambda: {name: self._size(name) for name in names})

    def _size(self, name: str) -> int:
        try:
            size = self._volume_size(name)
        except OSError:
            return _UNKNOWN
        return _UNKNOWN if size is None else size


def references(containers: Iterable[Container]) -> Counter[str]:
    """How many containers have each volume, running or not."""
    counted: Counter[str] = Counter()
    for each in containers:
        counted.update({mount.name for mount in each.mounts if mount.name})
    return counted


def shared_sizes(images: Iterable[ImageRecord], layer_size: Callable[[str], int]) -> dict[str, int]:
    """Bytes of each image's layers that another one has too, by image id. Pure.

    A layer is the same only on the same layers below it.
    """
    chains = {each.id: _chain_ids(each) for each in images}
    counted = Counter(chain for ids in chains.values() for chain in ids)
    return {
        each.id: sum(
            layer_size(diff_id)
            for diff_id, chain in zip(each.diff_ids, chains[each.id], strict=True)
            if counted[chain] > 1
        )
        for each in images
    }


def _chain_ids(image: ImageRecord) -> list[Digest]:
    digests = [Digest(each) for each in image.diff_ids]
    return [chain_id(digests[: index + 1]) for index in range(len(digests))]
