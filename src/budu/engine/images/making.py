"""Making images here: layers and a config become a stored, pushable image.

    layers in the layer store ─▶ compressed blobs ─▶ config ─▶ manifest ─▶ record and names

Used by commit and import, and by whoever else ends with layers and a config. The record comes
last, so an image is there whole or not at all. Neighbours: `image.documents` (bytes),
`snapshot.packing` (blobs).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from budu.base.errors import InvalidArgument
from budu.content.leases import Lease
from budu.content.store import ContentStore
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.image.documents import decode_config, encode_config, encode_manifest
from budu.image.model import ImageRecord
from budu.snapshot.layers import LayerStore
from budu.snapshot.packing import Packing, pack_layer
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
        folder: Path,
        packing: Packing = Packing.FAST,
    ) -> None:
        """`folder` takes nameless files for a while; it is on the disk of the stores."""
        self._repository = repository
        self._storage = storage
        self._content = content
        self._layers = layers
        self._pack_layer = partial(pack_layer, folder=folder, packing=packing)
        self._packing = asyncio.Lock()

    def claiming(self, diff_ids: Iterable[str]) -> AbstractContextManager[Lease]:
        """Keeps layers from being removed before an image names them: `ImageStorage.holding`."""
        return self._storage.holding(diff_ids)

    async def make(self, config: ImageConfig, names: Sequence[Reference] = ()) -> ImageRecord:
        """Store the image of `config`, whose layers are in the layer store, under `names`.

        Raises: NotFound when a layer is missing; ResourceExhausted. Layers that nothing else needs
        are gone then.
        """
        with self.claiming(config.rootfs.diff_ids) as lease:
            return await self._store(config, encode_config(config), names, lease)

    async def make_exact(self, document: bytes, names: Sequence[Reference]) -> ImageRecord:
        """Store the image of a config document as it is, so that it keeps its id.

        Raises: as `make`; InvalidArgument for a document that is no config.
        """
        config = decode_config(document)
        with self.claiming(config.rootfs.diff_ids) as lease:
            return await self._store(config, document, names, lease)

    async def complete(self, image: ImageRecord) -> ImageRecord:
        """The image with all that images have: a step of a build gets its manifest and blobs."""
        if not image.is_step:
            return image
        return await self.make_exact(self._content.read_blob(image.digest), ())

    async def _blob(self, diff_id: Digest, lease: Lease) -> Descriptor:
        """The layer's compressed blob: that of an image that has it, else a new one."""
        for known in self._known_blobs(diff_id):
            lease.add(Digest(known.digest))
            if self._content.has(Digest(known.digest)):
                return known
        async with self._packing:
            return await asyncio.to_thread(
                self._pack_layer, diff_id, self._layers, self._content, lease=lease
            )

    def _known_blobs(self, diff_id: Digest) -> Iterator[Descriptor]:
        for image in self._repository.all():
            yield from image.packed_layer(diff_id)

    async def _store(
        self, config: ImageConfig, document: bytes, names: Sequence[Reference], lease: Lease
    ) -> ImageRecord:
        blobs = [await self._blob(Digest(each), lease) for each in config.rootfs.diff_ids]
        await asyncio.to_thread(self._layers.flush)  # no registry has what was made here
        manifest, manifest_document = encode_manifest(document, blobs)
        for data in (document, manifest_document):
            lease.add(Digest.of(data))
            await asyncio.to_thread(self._content.write_blob, Digest.of(data), data)
        record = ImageRecord(
            id=str(Digest.of(document)),
            manifest_digest=str(Digest.of(manifest_document)),
            size=sum(self._layers.size(Digest(each)) for each in config.rootfs.diff_ids),
            created=config.created,
            labels=config.labels,
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
