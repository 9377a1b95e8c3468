"""Saving: images become one tar that Docker, containerd, podman and skopeo read.

Blobs go out as they are kept, so an image that is loaded elsewhere has the same digests there.
Source: Engine API 1.51 ImageGet, ImageGetAll; moby 28.3, image/tarexport/save.go (what a name
without a tag means).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack

import msgspec

from budu.archive.tar import TarEntry, TarKind
from budu.archive.tar_headers import END, padding, render_header
from budu.base.errors import DataLoss, InvalidArgument
from budu.engine.events import EventLog
from budu.engine.images.making import ImageMaker
from budu.engine.images.platforms import of_platform
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.engine.images.tree import ImageTree, ManifestNode, image_tree, is_foreign
from budu.engine.streams import MadeInThread, Write
from budu.image.layout import ArchivedImage, archive_documents, blob_path
from budu.image.model import ImageRecord
from budu.spec.digest import Digest
from budu.spec.platform import Platform
from budu.spec.reference import Reference, parse_reference


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into the archive for one image."""

    image: ArchivedImage
    blobs: tuple[Digest, ...]


class ImageSaver:
    """The writing half of `engine.contract.archives.ImageArchives`."""

    def __init__(
        self,
        repository: ImageRepository,
        storage: ImageStorage,
        maker: ImageMaker,
        events: EventLog,
    ) -> None:
        self._maker = maker
        self._repository = repository
        self._storage = storage
        self._blobs = storage.blobs
        self._events = events

    async def save(
        self, names: Sequence[str], *, platforms: Sequence[Platform]
    ) -> AsyncIterator[bytes]:
        """See `ImageArchives.save`."""
        wanted: dict[tuple[str, str], tuple[ImageRecord, list[Reference]]] = {}
        for name in names:
            image, tags = self._named(name)
            for tag in tags:
                one = self._repository.get(str(tag))
                _, known = wanted.setdefault((one.id, one.form.target), (one, []))
                known += [tag] if tag not in known else []
            if image is not None:
                image = await self._maker.complete(image)
                wanted.setdefault((image.id, image.form.target), (image, []))
        saved = []
        for image, tags in wanted.values():
            saved += self._saved(image, tuple(tags), platforms)
            self._events.emit("image", "save", image.id, name=image.id)
        holding = ExitStack()
        holding.enter_context(self._storage.holding({d for each in saved for d in each.blobs}))
        stream = MadeInThread("save", lambda write: self._write(saved, write, holding))
        await stream.ready()
        return stream

    def _named(self, text: str) -> tuple[ImageRecord | None, list[Reference]]:
        """What a name stands for: one image with the tag asked for, or all tags of a repository."""
        try:
            reference = parse_reference(text)
        except InvalidArgument:
            return self._repository.get(text), []
        if not reference.tag and not reference.digest:
            tags = [each for each in self._repository.of_repository(reference.name) if each.tag]
            if tags:
                return None, tags
            return self._repository.get(text), []
        image = self._repository.get(text)
        names = self._repository.names(image.id)
        return image, [each for each in names if each == reference and each.tag]

    def _saved(
        self, image: ImageRecord, tags: tuple[Reference, ...], platforms: Sequence[Platform]
    ) -> list[Saved]:
        if not platforms:
            tree = image_tree(image, self._blobs)
            nodes = [each for each in tree.nodes if each.available]
            root = [Digest(tree.root.digest)]
            own = [each for each in nodes if each.digest == image.manifest_digest]
            ordered = own + [each for each in nodes if each not in own]
            return [self._one(tree, tags, ordered, root)]
        every = self._repository.all()
        found = []
        for platform in platforms:
            name = tags[0].familiar if tags else image.id
            chosen = of_platform(image, every, platform, name=name)
            tree = image_tree(chosen, self._blobs)
            node = next(
                each for each in tree.nodes if each.descriptor.digest == chosen.manifest_digest
            )
            single = msgspec.structs.replace(tree, root=node.descriptor)
            found.append(self._one(single, tags, [node], []))
        return found

    def _one(
        self,
        tree: ImageTree,
        tags: tuple[Reference, ...],
        nodes: Sequence[ManifestNode],
        roots: list[Digest],
    ) -> Saved:
        parts = [
            Digest(part.digest) for node in nodes for part in node.parts if not is_foreign(part)
        ]
        archived = ArchivedImage(
            names=tags,
            root=tree.root,
            contents=tuple(_contents(node) for node in nodes if node.config is not None),
        )
        return Saved(image=archived, blobs=(*roots, *(node.digest for node in nodes), *parts))

    def _write(self, saved: Sequence[Saved], write: Write, holding: ExitStack) -> None:
        """In a thread, which ends what is held."""
        with holding:
            _write_folders(write)
            for digest in sorted({digest for each in saved for digest in each.blobs}):
                self._write_blob(digest, write)
            for name, body in archive_documents([each.image for each in saved]).items():
                _write_file(name, len(body), [body], write)
            write(END)

    def _write_blob(self, digest: Digest, write: Write) -> None:
        size = self._blobs.size(digest)
        _write_file(blob_path(digest), size, self._blobs.pieces(digest), write)


def _contents(node: ManifestNode) -> tuple[str, tuple[str, ...]]:
    config, *layers = node.parts
    return config.digest, tuple(each.digest for each in layers)


def _write_folders(write: Write) -> None:
    for path in (b"blobs/", b"blobs/sha256/"):
        write(render_header(TarEntry(path=path, kind=TarKind.DIRECTORY, mode=0o755)))


def _write_file(name: str, size: int, pieces: Iterable[bytes], write: Write) -> None:
    write(render_header(TarEntry(path=name.encode(), kind=TarKind.FILE, mode=0o444, size=size)))
    written = 0
    for piece in pieces:
        write(piece)
        written += len(piece)
    if written != size:
        raise DataLoss(f"{name}: {written} bytes are here instead of {size}")
    write(padding(size))
