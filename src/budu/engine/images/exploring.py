"""Looking into images: layers read from their tars, in a thread; nothing is mounted or unpacked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence

from budu.archive.tar import FileSource, TarEntry, TarReader
from budu.base.errors import Hint, InvalidArgument
from budu.engine.images.service import ImageService
from budu.engine.streams import ThreadResult
from budu.image.explore import (
    FileFact,
    ImageReport,
    LayerReport,
    PathChange,
    Tree,
    apply_layer,
    differences,
    explore,
    look_alike,
)
from budu.image.model import ImageRecord
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest

_PIECE_BYTES = 1 << 20


class ExploringService:
    """See `engine.contract.care.ImageExplorer`."""

    def __init__(self, images: ImageService, layers: LayerStore) -> None:
        self._images = images
        self._layers = layers

    async def explore(self, ref: str, *, files: int) -> ImageReport:
        """See `ImageExplorer.explore`."""
        image = self._find(ref)
        steps = [step for step in self._images.config(image).history or () if not step.empty_layer]
        made = [step.created_by for step in steps]
        made = made if len(made) == len(image.diff_ids) else [""] * len(image.diff_ids)

        def work() -> ImageReport:
            layers = [
                (
                    LayerReport(
                        diff_id=diff_id, size=self._layers.size(Digest(diff_id)), created_by=by
                    ),
                    self._entries(Digest(diff_id)),
                )
                for diff_id, by in zip(image.diff_ids, made, strict=True)
            ]
            return explore(layers, files=files)

        return await ThreadResult("explore", work).wait()

    async def compare(self, first: str, second: str) -> list[PathChange]:
        """See `ImageExplorer.compare`."""
        images = (self._find(first), self._find(second))
        return await ThreadResult("image-diff", lambda: self._compare(*images)).wait()

    def _find(self, ref: str) -> ImageRecord:
        image = self._images.get(ref)
        if image.artifact_type:
            message = f"{ref} is no image: it is of type {image.artifact_type}"
            raise InvalidArgument(message, hint=Hint("engine.artifact-look"))
        return image

    def _compare(self, first: ImageRecord, second: ImageRecord) -> list[PathChange]:
        trees = self._tree(first), self._tree(second)
        same = {
            path: self._same(first, old, second, new)
            for path, old in trees[0].items()
            if (new := trees[1].get(path)) is not None and look_alike(old, new)
        }
        return differences(*trees, same_content=same)

    def _tree(self, image: ImageRecord) -> Tree:
        tree: Tree = {}
        for number, diff_id in enumerate(image.diff_ids):
            for _ in apply_layer(tree, self._entries(Digest(diff_id)), number=number):
                pass
        return tree

    def _entries(self, diff_id: Digest) -> Iterator[TarEntry]:
        fd = self._layers.open_tar(diff_id)
        try:
            yield from TarReader(FileSource(fd))
        finally:
            os.close(fd)

    def _same(self, first: ImageRecord, old: FileFact, second: ImageRecord, new: FileFact) -> bool:
        places = (first.diff_ids[old.layer], old.offset), (second.diff_ids[new.layer], new.offset)
        return places[0] == places[1] or self._hash(first.diff_ids, old) == self._hash(
            second.diff_ids, new
        )

    def _hash(self, diff_ids: Sequence[str], fact: FileFact) -> bytes:
        hashed = hashlib.sha256()
        fd = self._layers.open_tar(Digest(diff_ids[fact.layer]))
        try:
            at, end = fact.offset, fact.offset + fact.size
            while at < end and (piece := os.pread(fd, min(_PIECE_BYTES, end - at), at)):
                hashed.update(piece)
                at += len(piece)
        finally:
            os.close(fd)
        return hashed.digest()
