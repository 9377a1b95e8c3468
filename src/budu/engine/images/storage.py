"""The bytes behind image records: configs, layers, and freeing what nothing needs.

A layer stays while an image or a container stands on it; a blob while an image names it; both while
somebody has a lease on them (`content.leases`). Compressed
layer blobs are kept beside the plain tar, so that an image is pushed and saved byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from budu.base.errors import NotFound
from budu.content.leases import Lease, Leases
from budu.content.store import ContentStore
from budu.engine.containers.model import Container
from budu.image.model import ImageRecord
from budu.snapshot.blobs import Blobs
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest, chain_id
from budu.spec.image import ImageConfig

_config_decoder = msgspec.json.Decoder(ImageConfig)


class ImageStorage:
    """Blobs and layers of one engine."""

    def __init__(
        self,
        content: ContentStore,
        layers: LayerStore,
        leases: Leases,
        *,
        images: Callable[[], Iterable[ImageRecord]],
        containers: Callable[[], Iterable[Container]],
    ) -> None:
        self._content = content
        self._layers = layers
        self._images = images
        self._containers = containers
        self._configs: dict[str, ImageConfig] = {}
        self.leases = leases
        """Protects blobs and layers of images that come, and of containers that are made."""
        self.blobs = Blobs(content, layers)
        """Reads blobs of images, wherever they are."""

    def config(self, image: ImageRecord) -> ImageConfig:
        """The image's config document, read once; an artifact has none."""
        if image.artifact_type:
            return ImageConfig()
        known = self._configs.get(image.id)
        if known is None:
            known = _config_decoder.decode(self._content.read_blob(image.digest))
            self._configs[image.id] = known
        return known

    def layer_size(self, diff_id: str) -> int:
        """Bytes of a layer, unpacked."""
        return self._layers.size(Digest(diff_id))

    def unpacked_size(self, diff_id: str) -> int:
        """Bytes of a layer, 0 where it is not here: what only shows sizes goes on."""
        try:
            return self.layer_size(diff_id)
        except NotFound:
            return 0

    def usage(self) -> int:
        """Bytes of all layers, unpacked."""
        sizes = 0
        for diff_id in self._layers.list():
            with suppress(NotFound):  # removed meanwhile
                sizes += self._layers.size(diff_id)
        return sizes

    def unnamed(self, digests: set[Digest], *, besides: str = "") -> set[Digest]:
        """Those that no image and no container (except one) needs, neither as blob nor as layer."""
        left = set(digests)
        for image in self._images():
            if not left:
                return left
            left.difference_update(blobs_of(image), image.diff_ids)
        for container in self._containers():
            if container.id != besides:
                left.difference_update(container.all_layers)
        return left

    async def release(self, image: ImageRecord) -> list[str]:
        """Free what only `image`, whose record is gone, needed; the chain ids of the layers that
        went, top first."""
        self._configs.pop(image.id, None)
        gone = await asyncio.to_thread(self.free, {*blobs_of(image), *image.diff_ids})
        digests = [Digest(each) for each in image.diff_ids]
        return [
            str(chain_id(digests[: index + 1]))
            for index in reversed(range(len(digests)))
            if digests[index] in gone
        ]

    @contextmanager
    def holding(self, digests: Iterable[str]) -> Iterator[Lease]:
        """Keeps blobs and layers in the block from going, also those that the lease gets later.
        Those that no record names in the end go then."""
        lease = self.leases.hold(map(Digest, digests))
        try:
            yield lease
        finally:
            self.free(lease.digests, lease=lease)
            lease.release()

    async def release_forms(self, image: ImageRecord) -> None:
        """Free the blobs of forms that only a removed name stood for."""
        if image.others:
            await asyncio.to_thread(self.free, blobs_of(image))

    def free(
        self, digests: Iterable[str], *, lease: Lease | None = None, besides: str = ""
    ) -> list[Digest]:
        """Delete blobs and layers that no record names and no lease but `lease` protects; what
        went. With `besides`, that container does not count: it is going. Blocking."""
        return self.leases.free(
            map(Digest, digests),
            self._delete,
            unnamed=lambda left: self.unnamed(left, besides=besides),
            besides=lease,
        )

    def _delete(self, digest: Digest) -> None:
        is_blob = self._content.has(digest)
        if is_blob:
            self._content.delete(digest)
        if self._layers.has(digest) or not is_blob:
            self._layers.remove(digest)


def blobs_of(image: ImageRecord) -> set[str]:
    """The digests of all blobs that an image is made of."""
    found = {image.id}
    for form in image.forms:
        found.update(form.extras, (layer.digest for layer in form.layers))
        found |= {form.manifest_digest, form.index_digest}
    return found - {""}
