"""The bytes behind image records: configs, layers, and freeing what nothing needs.

A layer stays while an image or a container stands on it; a blob while an image names it. Compressed
layer blobs are kept beside the plain tar, so that an image is pushed and saved byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

import msgspec

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
        *,
        claimed: Callable[[], Collection[Digest]] = frozenset,
    ) -> None:
        """`claimed` gives the layers that pulls under way count on."""
        self._claimed = claimed
        self._content = content
        self._layers = layers
        self._configs: dict[str, ImageConfig] = {}
        self.blobs = Blobs(content, layers)
        """Reads blobs of images, wherever they are."""

    def config(self, image: ImageRecord) -> ImageConfig:
        """The image's config document, read once."""
        known = self._configs.get(image.id)
        if known is None:
            known = _config_decoder.decode(self._content.read_blob(image.digest))
            self._configs[image.id] = known
        return known

    def layer_size(self, diff_id: str) -> int:
        """Bytes of a layer, unpacked."""
        return self._layers.size(Digest(diff_id))

    def usage(self) -> int:
        """Bytes of all layers, unpacked."""
        return sum(map(self._layers.size, self._layers.list()))

    async def release(
        self,
        image: ImageRecord,
        *,
        images: Iterable[ImageRecord],
        containers: Iterable[Container],
    ) -> list[str]:
        """Free what only `image` needed; the chain ids of the layers that went, top first."""
        images = tuple(images)
        self._configs.pop(image.id, None)
        kept_layers = {diff for each in images for diff in each.diff_ids}
        kept_layers |= {diff for each in containers for diff in each.all_layers}
        kept_layers |= set(self._claimed())
        kept_blobs = {digest for each in images for digest in blobs_of(each)}
        gone = [index for index, diff_id in enumerate(image.diff_ids) if diff_id not in kept_layers]
        blobs = blobs_of(image) - kept_blobs
        await asyncio.to_thread(self._free, [image.diff_ids[i] for i in gone], blobs)
        digests = [Digest(each) for each in image.diff_ids]
        return [str(chain_id(digests[: index + 1])) for index in reversed(gone)]

    def _free(self, diff_ids: list[str], blobs: set[str]) -> None:
        for diff_id in map(Digest, dict.fromkeys(diff_ids)):
            if self._layers.has(diff_id):
                self._layers.remove(diff_id)
        for digest in map(Digest, blobs):
            if self._content.has(digest):
                self._content.delete(digest)

    def release_layers(
        self,
        diff_ids: Iterable[str],
        *,
        images: Iterable[ImageRecord],
        containers: Iterable[Container],
    ) -> None:
        """Free layers that a removed container was the last to stand on."""
        kept = {diff for each in images for diff in each.diff_ids}
        kept |= {diff for each in containers for diff in each.all_layers}
        kept |= set(self._claimed())
        for diff_id in dict.fromkeys(diff_ids):
            if diff_id not in kept and self._layers.has(Digest(diff_id)):
                self._layers.remove(Digest(diff_id))


def blobs_of(image: ImageRecord) -> set[str]:
    """The digests of all blobs that an image is made of."""
    parts = {layer.digest for layer in image.layers} | set(image.extras)
    return parts | {image.id, image.manifest_digest} | ({image.index_digest} - {""})
