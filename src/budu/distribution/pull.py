"""Pull: a reference becomes documents in the content store and layers in the layer store.

Order: resolve, choose the platform's manifest, config, layers (several at once), documents, record.
Documents are stored after the layers, so an image is there whole or not at all. What an early end
leaves is only what the next pull takes up again: partial blobs, and whole layers after a break of
the connection or a cancellation. A full disk and bad content leave nothing.
Source: OCI distribution-spec 1.1; moby `daemon/internal/distribution/pull_v2.go` for the wording.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

import msgspec

from budu.base.errors import (
    BuduError,
    Conflict,
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
from budu.distribution.choose import choose_manifest
from budu.distribution.client import Registries, Repository, manifest_type
from budu.distribution.fetch import LayerBlob, LayerFetcher
from budu.distribution.flights import Flights, finish
from budu.distribution.progress import ProgressSink, PullEvent, PullProgress, ignore_progress
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest
from budu.spec.image import (
    CONFIG_TYPES,
    INDEX_TYPES,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
)
from budu.spec.platform import Platform, host_platform
from budu.spec.reference import Reference

MAX_DOWNLOADS = 3
_PLAIN_CONFIG_TYPES = frozenset({*CONFIG_TYPES, "", "application/octet-stream"})
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
    """The image's id."""
    manifest: Manifest
    """The chosen manifest."""
    config: ImageConfig
    """The image config."""
    diff_ids: tuple[Digest, ...]
    """The layers, lowest first."""
    new: bool
    """Whether the pull brought anything that was not here."""


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
        max_downloads: int = MAX_DOWNLOADS,
    ) -> None:
        self._registries = registries
        self._content = content
        self._layers = layers
        self._leases = leases or Leases()
        self._fetcher = LayerFetcher(
            content, layers, policy=registries.retry, max_downloads=max_downloads
        )
        self._flights = Flights()
        self._claims: Counter[Digest] = Counter()

    @property
    def claimed_layers(self) -> frozenset[Digest]:
        """Layers that a pull under way counts on, by diff id: not to be removed now."""
        return frozenset(self._claims)

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

    def close(self) -> None:
        """End the threads. Pulls under way must have been cancelled before."""
        self._fetcher.close()

    @contextlib.contextmanager
    def _claim(self, diff_ids: Iterable[Digest]) -> Iterable[None]:  # type: ignore[misc]
        yield
