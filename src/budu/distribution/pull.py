"""Pull: a reference becomes documents in the content store and layers in the layer store.

Order: resolve, choose the platform's manifest, config, layers (several at once), documents, record.
Documents are stored after the layers, so an image is there whole or not at all. What an early end
leaves is only what the next pull takes up again: partial blobs, and whole layers after a break of
the connection, a cancellation or a rate limit. A full disk and bad content leave nothing.
Source: OCI distribution-spec 1.1; moby `daemon/internal/distribution/pull_v2.go` for the wording.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import msgspec

from budu.base.errors import (
    BuduError,
    DataLoss,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    ResourceExhausted,
    Unavailable,
)
from budu.content.leases import Lease, Leases
from budu.content.store import ContentStore
from budu.distribution import progress
from budu.distribution.auth import ANONYMOUS, Credentials
from budu.distribution.choose import attestations_of, choose_manifest
from budu.distribution.client import Registries
from budu.distribution.fetch import LayerBlob, LayerFetcher
from budu.distribution.flights import Flights, finish
from budu.distribution.manifest_kind import manifest_type
from budu.distribution.progress import ProgressSink, PullEvent, PullProgress, ignore_progress
from budu.distribution.repository import Repository
from budu.distribution.signatures import SignaturePolicy
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest
from budu.spec.image import (
    INDEX_TYPES,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
)
from budu.spec.platform import Platform, host_platform
from budu.spec.reference import Reference

MAX_DOWNLOADS = 3
_MOST_INDEXES = 8
_QUIET_BYTES = 1 << 20
_RESUMABLE = (asyncio.CancelledError, Unavailable, DeadlineExceeded)

_Document = TypeVar("_Document", Index, Manifest, ImageConfig)


class PulledImage(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull brought."""

    reference: Reference
    """What was asked for, with its default tag."""
    descriptor: Descriptor
    """What the reference stands for in the registry: an index, or the manifest itself."""
    manifest_digest: Digest
    """The manifest of the chosen platform."""
    config_digest: Digest
    """The image's id, unless it is an artifact."""
    manifest: Manifest
    """The chosen manifest."""
    config: ImageConfig
    """The image config."""
    diff_ids: tuple[Digest, ...]
    """The layers, lowest first."""
    extras: tuple[str, ...] = ()
    """Blobs of attestations about the manifest that are kept with it."""
    artifact_type: str = ""
    """What it is when it is no image."""
    new: bool
    """Whether the pull brought anything that was not here."""

    @property
    def id(self) -> Digest:
        """What its record is called by."""
        return self.manifest_digest if self.artifact_type else self.config_digest


Record = Callable[[PulledImage], Awaitable[bool]]
"""Stores the image's name; returns whether the name was not there or meant another image."""


class Puller:
    """Pulls images for one engine; concurrent pulls share layers. `close` when done."""

    def __init__(
        self,
        registries: Registries,
        content: ContentStore,
        layers: LayerStore,
        *,
        leases: Leases | None = None,
        unnamed: Callable[[set[Digest]], set[Digest]] = set,
        max_downloads: int = MAX_DOWNLOADS,
        keep_blobs: bool = True,
        policy: SignaturePolicy | None = None,
    ) -> None:
        """`unnamed` says which blobs and layers no record names: a failing pull takes only such
        away."""
        self._registries = registries
        self._unnamed = unnamed
        self._policy = policy
        self._content = content
        self._layers = layers
        self._leases = leases or Leases()
        self._fetcher = LayerFetcher(
            content,
            layers,
            policy=registries.retry,
            max_downloads=max_downloads,
            keep_blobs=keep_blobs,
        )
        self._flights = Flights()

    async def pull(
        self,
        reference: Reference,
        *,
        platform: Platform | None = None,
        credentials: Credentials = ANONYMOUS,
        progress: ProgressSink = ignore_progress,
        record: Record | None = None,
    ) -> PulledImage:
        """Pull `reference` for `platform` (this machine's when None).

        `record` is called while the image's layers and documents are still protected from
        clean-up; its answer decides the status line. Nothing is reported before the registry
        has answered, so an early error can still be an HTTP status.
        Raises: what `Repository` and `LayerFetcher.fetch` raise; NotFound when the platform is
        not offered; InvalidArgument for documents that make no image.
        """
        repository = await self._registries.repository(
            reference.with_default_tag(), credentials=credentials
        )
        with self._leases.hold() as lease:
            one = _Pull(self, repository, lease=lease, sink=progress)
            return await one.run(platform or host_platform(), record)

    async def tags(self, reference: Reference, credentials: Credentials) -> list[str]:
        """Every tag of the repository. Raises: what `Repository.resolve` raises."""
        repository = await self._registries.repository(
            reference.with_default_tag(), credentials=credentials
        )
        return await repository.tags()

    def close(self) -> None:
        """End the threads. Pulls under way must have been cancelled before."""
        self._fetcher.close()


class _Pull:
    """One pull by one caller."""

    def __init__(
        self, puller: Puller, repository: Repository, *, lease: Lease, sink: ProgressSink
    ) -> None:
        self._puller = puller
        self._content = puller._content
        self._layers = puller._layers
        self._thread = puller._fetcher.in_thread
        self._repository = repository
        self._reference = repository.reference
        self._lease = lease
        self._sink = sink
        self._progress = PullProgress(sink)
        self._documents: dict[Digest, bytes] = {}
        self._attestations: tuple[Descriptor, ...] = ()

    async def run(self, platform: Platform, record: Record | None) -> PulledImage:
        """Everything from the name to the last line."""
        descriptor = await self._repository.resolve()
        if self._puller._policy is not None:
            await self._puller._policy.check(self._repository, descriptor)
        self._sink(progress.first_event(self._reference))
        chosen, manifest = await self._manifest(descriptor, platform)
        artifact = manifest.artifact
        config = ImageConfig() if artifact else await self._config(manifest.config)
        blobs = _as_they_are(manifest) if artifact else self._blobs(manifest, config)
        fetched = await self._fetch_layers(blobs)
        is_new = fetched or bool(self._documents)
        extras: list[str] = []
        for each in self._attestations:
            extras += await self._extra(each, asks=is_new)
        stored = await self._store_documents()
        image = PulledImage(
            reference=self._reference,
            descriptor=descriptor,
            manifest_digest=Digest(chosen.digest),
            config_digest=Digest(manifest.config.digest),
            manifest=manifest,
            config=config,
            diff_ids=tuple(blob.diff_id for blob in blobs if blob.diff_id is not None),
            artifact_type=artifact,
            extras=tuple(extras),
            new=fetched or stored,
        )
        changed = image.new if record is None else await record(image)
        for event in progress.last_events(
            self._reference, Digest(descriptor.digest), changed=changed
        ):
            self._sink(event)
        return image

    async def _manifest(
        self, descriptor: Descriptor, platform: Platform, *, depth: int = 0
    ) -> tuple[Descriptor, Manifest]:
        """The platform's manifest: the document itself, or the one that the index chooses."""
        if depth > _MOST_INDEXES:
            message = f"{self._reference.familiar}: too many indexes within indexes"
            raise InvalidArgument(message, reference=self._reference.familiar)
        body = await self._document(descriptor, self._repository.fetch_manifest)
        kind = manifest_type(body, descriptor.media_type, reference=self._reference)
        if kind not in INDEX_TYPES:
            return descriptor, _decode(body, Manifest, what="manifest")
        index = _decode(body, Index, what="image index")
        chosen = choose_manifest(index, platform, reference=self._reference.familiar)
        self._attestations = attestations_of(index, chosen)
        return await self._manifest(chosen, platform, depth=depth + 1)

    async def _extra(self, attestation: Descriptor, *, asks: bool) -> list[str]:
        """An attestation with what it holds; nothing of one that cannot be had.

        The registry is asked only when the image itself is new.
        """
        if not asks and not await self._thread(self._content.has, Digest(attestation.digest)):
            return []
        try:
            body = await self._document(attestation, self._repository.fetch_manifest)
            parts = _as_they_are(_decode(body, Manifest, what="manifest"))
            for part in parts:
                await self._part(part)
        except BuduError:
            return []
        return [attestation.digest, *(str(part.digest) for part in parts)]

    async def _part(self, part: LayerBlob) -> None:
        """What an attestation holds: a short statement quietly, a long one as layers come."""
        if part.size <= _QUIET_BYTES:
            descriptor = Descriptor(media_type=part.media_type, digest=part.digest, size=part.size)
            await self._document(descriptor, self._repository.fetch_blob)
            return
        self._lease.add(part.digest)
        if await self._thread(self._content.has, part.digest):
            return
        self._progress.expect_also(part.digest.short, part.size)
        try:
            await self._fetch(part)
        except ResourceExhausted:
            await finish(self._puller._fetcher.discard(part.digest))
            raise

    async def _config(self, descriptor: Descriptor) -> ImageConfig:
        body = await self._document(descriptor, self._repository.fetch_blob)
        config = _decode(body, ImageConfig, what="image configuration")
        if config.os not in {"", "linux"}:
            raise NotImplementedHere(
                f'image operating system "{config.os}" cannot be used on this platform: '
                "operating system is not supported",
                reference=self._reference.familiar,
            )
        return config

    async def _document(
        self, descriptor: Descriptor, fetch: Callable[[Descriptor], Awaitable[bytes]]
    ) -> bytes:
        """A document from the content store, else from the registry, to be stored in the end."""
        digest = Digest(descriptor.digest)
        self._lease.add(digest)
        try:
            return await self._thread(self._content.read_blob, digest)
        except (NotFound, DataLoss):
            body = await fetch(descriptor)
            self._documents[digest] = body
            return body

    def _blobs(self, manifest: Manifest, config: ImageConfig) -> list[LayerBlob]:
        diff_ids = [Digest(text) for text in config.rootfs.diff_ids]
        if len(diff_ids) != len(manifest.layers):
            raise InvalidArgument(
                "layers from manifest don't match image configuration",
                reference=self._reference.familiar,
            )
        return [
            LayerBlob(
                digest=Digest(layer.digest),
                size=layer.size,
                media_type=layer.media_type,
                diff_id=diff_id,
            )
            for layer, diff_id in zip(manifest.layers, diff_ids, strict=True)
        ]

    async def _fetch_layers(self, blobs: list[LayerBlob]) -> bool:
        """Bring in what is not there; whether that was anything."""
        self._lease.add(*(digest for b in blobs for digest in (b.digest, b.key)))
        fetcher = self._puller._fetcher
        present = await self._thread(lambda: {b.key for b in blobs if fetcher.has(b)})
        kept = await self._thread(self._here, blobs)
        missing = {b.key: b for b in blobs if b.key not in present}
        sizes = {blob.digest.short: blob.size for blob in missing.values()}
        if missing:
            self._progress.expect(sizes, present=len(present))
        for blob in blobs if missing else ():
            status = progress.EXISTS if blob.key in present else progress.PULLING_LAYER
            self._progress.emit(PullEvent(id=blob.digest.short, status=status))
        try:
            async with asyncio.TaskGroup() as group:
                for blob in missing.values():
                    group.create_task(self._fetch(blob), name=f"pull layer {blob.digest.short}")
        except BaseExceptionGroup as failures:
            error = next(_leaves(failures))
            await finish(self._tidy(missing.values(), error, kept=kept))
            raise error from None
        return bool(missing)

    async def _fetch(self, blob: LayerBlob) -> None:
        def emit(status: str, current: int = 0, total: int = 0) -> None:
            event = PullEvent(id=blob.digest.short, status=status, current=current, total=total)
            self._progress.emit(event)

        fetch = partial(self._puller._fetcher.fetch, self._repository, blob)
        await self._puller._flights.join(blob.digest, fetch, emit)
        if not await self._thread(self._puller._fetcher.has, blob):
            # another image says that the blob is another layer
            await self._puller._flights.join(blob.digest, fetch, emit)

    def _here(self, blobs: Iterable[LayerBlob]) -> set[Digest]:
        """Blobs and layers that are here already."""
        found = {each.key for each in blobs if self._layers.has(each.key)}
        return found | {each.digest for each in blobs if self._content.has(each.digest)}

    async def _tidy(
        self, blobs: Iterable[LayerBlob], error: BaseException, *, kept: set[Digest]
    ) -> None:
        """Take away what a failed pull brought, unless the next pull can go on from there.

        What was here before (`kept`) stays, and what others brought meanwhile or count on.
        """
        if _lets_go_on(error):
            return
        brought = {digest for each in blobs for digest in (each.key, each.digest)} - kept
        await self._thread(self._free, brought)
        for blob in blobs:  # what came of the others when one failed
            with contextlib.suppress(BuduError):
                await self._puller._fetcher.discard(blob.digest)
        if isinstance(error, ResourceExhausted):
            await self._thread(self._layers.sweep)

    def _free(self, digests: set[Digest]) -> None:
        def delete(digest: Digest) -> None:
            for remove in (self._layers.remove, self._content.delete):
                with contextlib.suppress(NotFound):
                    remove(digest)

        puller = self._puller
        puller._leases.free(digests, delete, unnamed=puller._unnamed, besides=self._lease)

    async def _store_documents(self) -> bool:
        for digest, body in self._documents.items():
            await self._thread(self._content.write_blob, digest, body)
        return bool(self._documents)


def _lets_go_on(error: BaseException) -> bool:
    """Whether the next pull can go on from what there is: nothing of it is wrong or too much."""
    hint = error.hint if isinstance(error, ResourceExhausted) else None
    is_rate_limit = hint is not None and hint.key.startswith("distribution.rate-limit")
    return is_rate_limit or isinstance(error, _RESUMABLE)


def _as_they_are(manifest: Manifest) -> list[LayerBlob]:
    """Everything that an artifact's manifest names."""
    parts = {part.digest: part for part in (manifest.config, *manifest.layers)}
    return [
        LayerBlob(digest=Digest(digest), size=part.size, media_type=part.media_type, diff_id=None)
        for digest, part in parts.items()
    ]


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The exceptions of nested groups, in order of their coming."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _decode(body: bytes, kind: type[_Document], *, what: str) -> _Document:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"invalid {what}: {error}") from None
