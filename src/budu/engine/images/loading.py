"""Loading: what came of an archive becomes images.

    receiving (thread) ─▶ which images it holds ─▶ layers unpacked (thread) ─▶ records and names

OCI's index.json goes before Docker's manifest.json, because it has the manifests and so the exact
digests; names are taken from both. Layers of the old format have no manifest: they are packed once
and get one. Records come last, so an image is there whole or not at all.
Source: Engine API 1.51 ImageLoad; moby 28.3, image/tarexport/load.go,
daemon/containerd/image_exporter.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeVar

import msgspec

from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.distribution.choose import is_attestation
from budu.distribution.flights import finish
from budu.distribution.progress import ProgressSink, PullEvent
from budu.engine.events import EventLog
from budu.engine.images.making import ImageMaker
from budu.engine.images.receiving import Received
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.engine.streams import used_in_thread
from budu.image.layout import DockerEntry, name_of
from budu.image.model import ImageRecord
from budu.snapshot.blobs import Blobs
from budu.spec.digest import Digest
from budu.spec.image import INDEX_TYPES, Descriptor, ImageConfig, Index, Manifest
from budu.spec.platform import Platform, host_platform, platform_rank
from budu.spec.reference import Reference, parse_reference

LOADING = "Loading layer"

_Document = TypeVar("_Document")


class _Found(msgspec.Struct, kw_only=True):
    """One image of the archive."""

    manifest: Manifest
    manifest_digest: Digest
    index_digest: str = ""
    extras: tuple[str, ...] = ()
    config: ImageConfig
    artifact_type: str = ""
    names: list[Reference] = msgspec.field(default_factory=list)

    @property
    def key(self) -> tuple[str, Digest]:
        """Index and manifest: the same manifest may stand in several indexes."""
        return self.index_digest, self.manifest_digest

    @property
    def id(self) -> str:
        """What its record is called by."""
        return str(self.manifest_digest) if self.artifact_type else self.manifest.config.digest

    @property
    def diff_ids(self) -> tuple[Digest, ...]:
        return tuple(map(Digest, self.config.rootfs.diff_ids))


class ImageLoader:
    """The reading half of `engine.contract.archives.ImageArchives`."""

    def __init__(
        self,
        repository: ImageRepository,
        storage: ImageStorage,
        maker: ImageMaker,
        blobs: Blobs,
        events: EventLog,
    ) -> None:
        self._repository = repository
        self._storage = storage
        self._maker = maker
        self._blobs = blobs
        self._events = events

    async def load(
        self,
        body: AsyncIterator[bytes],
        *,
        platforms: Sequence[Platform],
        progress: ProgressSink,
    ) -> tuple[str, ...]:
        """See `ImageArchives.load`."""
        loop = asyncio.get_running_loop()

        def tell(shown: str, done: int, size: int) -> None:
            event = PullEvent(id=shown, status=LOADING, current=done, total=size)
            loop.call_soon_threadsafe(progress, event)

        with self._storage.leases.hold() as lease:
            received = Received(self._blobs, tell, lease=lease)
            try:
                await used_in_thread("load", body, received.read)
                return await self._take_images(received, tuple(platforms))
            finally:
                brought = received.new_blobs | received.new_layers
                await finish(asyncio.to_thread(self._storage.free, brought, lease=lease))

    async def _take_images(
        self, received: Received, platforms: tuple[Platform, ...]
    ) -> tuple[str, ...]:
        entries = _docker_entries(received)
        if "index.json" in received.documents:
            found = _oci_images(received, entries)
        elif entries:
            return await self._take_old(received, entries)
        else:
            hint = Hint("engine.archive-unknown")
            message = "invalid archive: does not contain a manifest.json or an index.json"
            raise InvalidArgument(message, hint=hint)
        found = _filtered(found, platforms)
        with self._maker.claiming([diff_id for each in found for diff_id in each.diff_ids]):
            for each in found:
                await asyncio.to_thread(_unpack, received, each)
            await asyncio.to_thread(self._blobs.layers.flush)
            named = {each.index_digest for each in found if each.names} - {""}
            lines: list[str] = []
            for each in found:
                told = self._store(each)
                if each.names or each.index_digest not in named:
                    lines += told  # of several platforms, the one with the names speaks
            return tuple(lines)

    def _store(self, found: _Found) -> list[str]:
        record = ImageRecord(
            id=found.id,
            artifact_type=found.artifact_type,
            manifest_digest=str(found.manifest_digest),
            index_digest=found.index_digest,
            extras=found.extras,
            size=self._size(found),
            created=found.config.created,
            labels=found.config.labels,
            platform=found.config.platform,
            diff_ids=found.config.rootfs.diff_ids,
            layers=found.manifest.layers,
        )
        lines = self._moved(record.id, found.names, index=found.index_digest)
        self._repository.put(record, found.names)
        return lines + self._loaded(record.id, found.names)

    def _size(self, found: _Found) -> int:
        if found.artifact_type:
            return sum(layer.size for layer in found.manifest.layers)
        return sum(map(self._storage.layer_size, found.diff_ids))

    def _moved(self, id_: str, names: Sequence[Reference], *, index: str = "") -> list[str]:
        """What is told of images that lose a name, unless it is the name of their index."""
        lines = []
        for name in names:
            old = self._repository.by_name(str(name))
            if old is not None and old.id != id_ and not (index and old.index_digest == index):
                lines.append(
                    f"The image {name.familiar} already exists, renaming the old one with ID "
                    f"{old.id} to empty string\n"
                )
        return lines

    def _loaded(self, id_: str, names: Sequence[Reference]) -> list[str]:
        self._events.emit("image", "load", id_, name=id_)
        if not names:
            return [f"Loaded image ID: {id_}\n"]
        return [f"Loaded image: {name.familiar}\n" for name in names]

    async def _take_old(
        self, received: Received, entries: Sequence[DockerEntry]
    ) -> tuple[str, ...]:
        """Images of an archive without manifests: `docker save` before 25, `podman save`."""
        checked = [(*_old_image(received, each), _names(each)) for each in entries]
        for _, config, layers, _ in checked:
            for path, diff_id in zip(layers, map(Digest, config.rootfs.diff_ids), strict=True):
                await asyncio.to_thread(_old_layer, received, path, diff_id)
        lines: list[str] = []
        for document, _, _, names in checked:
            moved = self._moved(str(Digest.of(document)), names)
            image = await self._maker.make_exact(document, names)
            lines += moved + self._loaded(image.id, names)
        return tuple(lines)


def _docker_entries(received: Received) -> tuple[DockerEntry, ...]:
    if "manifest.json" not in received.documents:
        return ()
    return _decoded(received.documents["manifest.json"], tuple[DockerEntry, ...], "manifest.json")


def _oci_images(received: Received, entries: Sequence[DockerEntry]) -> list[_Found]:
    """The images that index.json leads to, with the names of both lists."""
    index = _decoded(received.documents["index.json"], Index, "index.json")
    found: dict[tuple[str, Digest], _Found] = {}
    for descriptor in index.manifests:
        name = name_of(descriptor.annotations)
        images = _below(received, descriptor)
        for image in images:
            found.setdefault(image.key, image)
        if name is not None and images:
            named = found[_preferred(images).key]
            if name not in named.names:
                named.names.append(name)
    if not any(each.names for each in found.values()):
        by_config = {each.manifest.config.digest: each for each in found.values()}
        for entry in entries:
            digest = received.layer_blob(entry.config) if entry.config else None
            if digest in by_config:
                by_config[digest].names += _names(entry)
    return list(found.values())


def _preferred(images: Sequence[_Found]) -> _Found:
    """The image that a name of an index stands for here: this machine's, else the first."""
    host = host_platform()
    return max(images, key=lambda each: platform_rank(host, each.config.platform))


def _below(received: Received, descriptor: Descriptor) -> list[_Found]:
    """The images at a descriptor. Raises: NotFound when its document is not in the archive."""
    digest = Digest(descriptor.digest)
    body = received.blob(digest)
    kind = _decoded(body, Index, "manifest").media_type or descriptor.media_type
    if kind not in INDEX_TYPES:
        return [_manifest_image(received, digest, body)]
    index = _decoded(body, Index, "image index")
    here = [each for each in index.manifests if each.digest in received.blobs]
    images: list[_Found] = []
    extras: list[str] = []
    for each in here:
        if is_attestation(each) or each.media_type in INDEX_TYPES:
            extras += _extras(received, each)
            continue
        digest_below = Digest(each.digest)
        image = _manifest_image(received, digest_below, received.blob(digest_below))
        if image.artifact_type:
            extras += _extras(received, each)
        else:
            images.append(image)
    for image in images:
        image.index_digest, image.extras = str(digest), tuple(dict.fromkeys(extras))
    return images


def _extras(received: Received, descriptor: Descriptor) -> Iterable[str]:
    """A document that is kept as it is beside images, with what it names; of an index, with the
    documents that it names. Nothing of a manifest that is not here whole."""
    body = received.blob(Digest(descriptor.digest))
    if descriptor.media_type in INDEX_TYPES:
        below = _decoded(body, Index, "image index").manifests
        yield descriptor.digest
        yield from (each.digest for each in below if each.digest in received.blobs)
        return
    manifest = _decoded(body, Manifest, "manifest")
    parts = [part.digest for part in (manifest.config, *manifest.layers)]
    if all(part in received.blobs for part in parts):
        yield descriptor.digest
        yield from parts


def _manifest_image(received: Received, digest: Digest, body: bytes) -> _Found:
    manifest = _decoded(body, Manifest, "manifest")
    if manifest.artifact:
        missing = [
            part.digest
            for part in (manifest.config, *manifest.layers)
            if part.digest not in received.blobs
        ]
        if missing:
            raise NotFound(f"invalid archive: {missing[0]} is missing")
        return _Found(
            manifest=manifest,
            manifest_digest=digest,
            config=ImageConfig(),
            extras=(manifest.config.digest,),
            artifact_type=manifest.artifact,
        )
    config_body = received.blob(Digest(manifest.config.digest))
    config = _decoded(config_body, ImageConfig, "image configuration")
    expected, got = len(config.rootfs.diff_ids), len(manifest.layers)
    if expected != got:
        raise InvalidArgument(
            f"invalid manifest, layers length mismatch: expected {expected}, got {got}"
        )
    return _Found(manifest=manifest, manifest_digest=digest, config=config)


def _filtered(found: list[_Found], platforms: tuple[Platform, ...]) -> list[_Found]:
    if not platforms:
        return found
    wanted = [
        each
        for each in found
        if any(platform_rank(platform, each.config.platform) for platform in platforms)
    ]
    if not wanted:
        names = ", ".join(map(str, platforms))
        raise NotFound(f"requested platform ({names}) not found: image might be filtered out")
    loose = [name for each in found if each not in wanted for name in each.names]
    wanted[0].names += [name for name in loose if name not in wanted[0].names]
    return wanted


def _unpack(received: Received, found: _Found) -> None:
    if found.artifact_type:
        return
    for layer, diff_id in zip(found.manifest.layers, found.diff_ids, strict=True):
        received.unpack(Digest(layer.digest), diff_id, media_type=layer.media_type)


def _old_image(
    received: Received, entry: DockerEntry
) -> tuple[bytes, ImageConfig, tuple[str, ...]]:
    document = received.document(entry.config)
    config = _decoded(document, ImageConfig, "image configuration")
    layers, expected = entry.layers or (), len(config.rootfs.diff_ids)
    if expected != len(layers):
        raise InvalidArgument(
            f"invalid manifest, layers length mismatch: expected {expected}, got {len(layers)}"
        )
    return document, config, layers


def _old_layer(received: Received, path: str, diff_id: Digest) -> None:
    blob = received.layer_blob(path)
    if blob is not None:
        received.unpack(blob, diff_id, media_type="")
        return
    found = received.layer(path)
    if found != diff_id:
        raise InvalidArgument(
            f'invalid diffID for layer {path}: expected "{diff_id}", got "{found}"'
        )


def _names(entry: DockerEntry) -> list[Reference]:
    names = [parse_reference(text) for text in entry.repo_tags or ()]
    return [name for name in names if name.tag]


def _decoded(body: bytes, kind: type[_Document], what: str) -> _Document:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"invalid {what}: {error}") from None
