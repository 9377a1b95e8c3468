"""Steps that need not be done again, and the images they made.

A step's image is an `ImageRecord` without a manifest: a config in the content store and layers to
stand on, so that a container can be made of it (that of the next RUN, or one for looking into what
a build had come to). It becomes an image like any other when it gets a name (`ImageService`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from budu.base.clock import now_ns
from budu.base.errors import DataLoss, NotFound
from budu.content.leases import Lease
from budu.content.store import ContentStore
from budu.engine.builds.records import StepRecord, StepRecords
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.image.documents import encode_config
from budu.image.model import ImageRecord
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest
from budu.spec.image import ImageConfig


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage has come to: its name in the cache, its image, and that one's config."""

    key: str
    image: ImageRecord
    config: ImageConfig

    @property
    def layers(self) -> tuple[Digest, ...]:
        """What its root stands on, lowest first."""
        return tuple(map(Digest, self.image.diff_ids))


class StepCache:
    """Finds and keeps steps."""

    def __init__(
        self,
        records: StepRecords,
        images: ImageRepository,
        storage: ImageStorage,
        content: ContentStore,
        layers: LayerStore,
    ) -> None:
        self._records = records
        self._images = images
        self._storage = storage
        self._content = content
        self._layers = layers
        self._used: Counter[str] = Counter()

    @contextmanager
    def using(self) -> Iterator[CacheUse]:
        """One build's use of the cache: what it finds and keeps stays while it is inside. What no
        record names in the end is freed."""
        with self._storage.holding(()) as lease:
            use = CacheUse(self, lease)
            try:
                yield use
            finally:
                self._used -= Counter(use.keys)
                self._touch(use.hits)

    def is_used(self, key: str) -> bool:
        """Whether a build that runs has the step."""
        return self._used[key] > 0

    def find(self, key: str) -> Step | None:
        """The step of that key; None when it, or its image or a layer of it, is not here."""
        record = self._records.get(key)
        if record is None or record.is_folder:
            return None
        image = self._images.by_id(Digest(record.image_id))
        if image is None:
            self._records.remove([key])
            return None
        try:
            config = self._storage.config(image)
        except (NotFound, DataLoss):
            return None
        if not all(self._layers.has(Digest(each)) for each in image.diff_ids):
            return None
        return Step(key=key, image=image, config=config)

    async def keep(
        self,
        key: str,
        config: ImageConfig,
        lease: Lease,
        *,
        added: tuple[str, ...],
        parent: str,
        description: str,
    ) -> Step:
        """Store a step that was done just now; its layers are in the layer store, and `added` are
        those that the step below has not."""
        document = encode_config(config)
        digest = Digest.of(document)
        lease.add(digest, *map(Digest, config.rootfs.diff_ids))
        await asyncio.to_thread(self._content.write_blob, digest, document)
        image = self._images.by_id(digest)
        if image is None:
            image = self._images.put(_image(digest, config, self._storage.layer_size), ())
        now = now_ns()
        self._records.put(
            StepRecord(
                key=key,
                image_id=image.id,
                layers=added,
                parent=parent,
                description=description,
                created_ns=now,
                last_used_ns=now,
                usage_count=1,
            )
        )
        return Step(key=key, image=image, config=config)

    def _use(self, key: str) -> None:
        self._used[key] += 1

    def _touch(self, keys: Iterable[str]) -> None:
        """Note that steps were used. All in one transaction, at a build's end."""
        now = now_ns()
        found = [each for each in map(self._records.get, dict.fromkeys(keys)) if each is not None]
        self._records.put(
            *(
                msgspec.structs.replace(each, last_used_ns=now, usage_count=each.usage_count + 1)
                for each in found
            )
        )


class CacheUse:
    """See `StepCache.using`."""

    def __init__(self, cache: StepCache, lease: Lease) -> None:
        self._cache = cache
        self.lease = lease
        """Keeps what the build works with."""
        self.keys: list[str] = []
        self.hits: list[str] = []

    def find(self, key: str) -> Step | None:
        """See `StepCache.find`."""
        step = self._cache.find(key)
        if step is not None:
            self._have(step)
            self.hits.append(key)
        return step

    async def keep(
        self,
        key: str,
        config: ImageConfig,
        *,
        added: tuple[str, ...] = (),
        parent: str = "",
        description: str,
    ) -> Step:
        """See `StepCache.keep`."""
        step = await self._cache.keep(
            key, config, self.lease, added=added, parent=parent, description=description
        )
        self._have(step)
        return step

    def hold(self, image: ImageRecord) -> None:
        """Keep an image that the build stands on."""
        self.lease.add(image.digest, *map(Digest, image.diff_ids))

    def _have(self, step: Step) -> None:
        self.hold(step.image)
        self.keys.append(step.key)
        self._cache._use(step.key)


def _image(digest: Digest, config: ImageConfig, layer_size: Callable[[str], int]) -> ImageRecord:
    return ImageRecord(
        id=str(digest),
        manifest_digest="",
        is_step=True,
        size=sum(map(layer_size, config.rootfs.diff_ids)),
        created=config.created,
        labels=config.labels,
        platform=config.platform,
        diff_ids=config.rootfs.diff_ids,
    )
