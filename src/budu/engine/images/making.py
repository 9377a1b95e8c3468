"""Making images here: layers and a config become a stored, pushable image.

    layers in the layer store ─▶ compressed blobs ─▶ config ─▶ manifest ─▶ record and names

Used by commit and import, and by whoever else ends with layers and a config. The record comes
last, so an image is there whole or not at all. Neighbours: `image.documents` (bytes),
`snapshot.packing` (blobs).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from budu.base.errors import InvalidArgument
from budu.content.store import ContentStore
from budu.engine.containers.model import Container
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.image.documents import decode_config, encode_config, encode_manifest
from budu.image.model import ImageRecord
from budu.snapshot.layers import LayerStore
from budu.snapshot.packing import pack_layer
from budu.spec.digest import Digest
from budu.spec.image import Descriptor, ImageConfig
from budu.spec.reference import Reference, parse_reference


class ImageMaker:
    """Stores images that were made here."""

    def __init__(
        self,
        repository: ImageRepository,
        storage: ImageStorage,
        content: ContentStore,
        layers: LayerStore,
        *,
        containers: Callable[[], Iterable[Container]],
        folder: Path,
    ) -> None:
        """`folder` takes nameless files for a while; it is on the disk of the stores."""
        self._repository = repository
        self._storage = storage
        self._containers = containers
        self._content = content
        self._layers = layers
        self._folder = folder
        self._claims: Counter[Digest] = Counter()
        self._packing = asyncio.Lock()

    @property
    def claimed_layers(self) -> frozenset[Digest]:
        """Layers that images in the making count on: not to be removed now."""
        return frozenset(+self._claims)

    @contextmanager
    def claiming(self, diff_ids: Sequence[Digest]) -> Iterator[None]:
        """Keeps layers from being removed before an image names them."""
        self._claims.update(diff_ids)
        try:
            yield
        finally:
            self._claims.subtract(diff_ids)
            self._claims = +self._claims

    async def make(self, config: ImageConfig, names: Sequence[Reference] = ()) -> ImageRecord:
        """Store the image of `config`, whose layers are in the layer store, under `names`.

        Raises: NotFound when a layer is missing; ResourceExhausted. Layers that nothing else needs
        are gone then.
        """
        diff_ids = tuple(map(Digest, config.rootfs.diff_ids))
        try:
            with self.claiming(diff_ids):
                blobs = [await self._blob(diff_id) for diff_id in diff_ids]
                return await self._store(config, blobs, names)
        except BaseException:
            self._storage.release_layers(
                diff_ids, images=self._repository.all(), containers=self._containers()
            )
            raise

    async def make_exact(self, document: bytes, names: Sequence[Reference]) -> ImageRecord:
        """Store the image of a config document as it is, so that it keeps its id.

        Raises: as `make`; InvalidArgument for a document that is no config.
        """
        config = decode_config(document)
        diff_ids = tuple(map(Digest, config.rootfs.diff_ids))
        with self.claiming(diff_ids):
            blobs = [await self._blob(diff_id) for diff_id in diff_ids]
            return await self._store(config, blobs, names, document=document)

    async def _blob(self, diff_id: Digest) -> Descriptor:
        """The layer's compressed blob: that of an image that has it, else a new one."""
        known = self._known_blob(diff_id)
        if known is not None and self._content.has(Digest(known.digest)):
            return known
        async with self._packing:
            return await asyncio.to_thread(
                pack_layer, diff_id, self._layers, self._content, folder=self._folder
            )

    def _known_blob(self, diff_id: Digest) -> Descriptor | None:
        for image in self._repository.all():
            if diff_id in image.diff_ids and len(image.layers) == len(image.diff_ids):
                return image.layers[image.diff_ids.index(diff_id)]
        return None

    async def _store(
        self,
        config: ImageConfig,
        blobs: Sequence[Descriptor],
        names: Sequence[Reference],
        *,
        document: bytes = b"",
    ) -> ImageRecord:
        await asyncio.to_thread(self._layers.flush)  # no registry has what was made here
        document = document or encode_config(config)
        manifest, manifest_document = encode_manifest(document, blobs)
        for data in (document, manifest_document):
            await asyncio.to_thread(self._content.write_blob, Digest.of(data), data)
        record = ImageRecord(
            id=str(Digest.of(document)),
            manifest_digest=str(Digest.of(manifest_document)),
            size=sum(self._layers.size(Digest(each)) for each in config.rootfs.diff_ids),
            created=config.created,
            platform=config.platform,
            diff_ids=config.rootfs.diff_ids,
            layers=manifest.layers,
        )
        return self._repository.put(record, names)


def new_name(repository: str, tag: str) -> Reference | None:
    """The name for an image in the making, `latest` unless told; None without a repository.

    Raises: InvalidArgument with Docker's sentences.
    """
    if not repository:
        return None
    name = parse_reference(repository)
    if name.digest:
        raise InvalidArgument("cannot import digest reference", reference=repository)
    return name.with_tag(tag) if tag else name.with_default_tag()
