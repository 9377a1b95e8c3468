"""What registries say, without pulling anything. See `engine.images.registries`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from budu.base.filters import Filters
from budu.distribution.search import SearchHit
from budu.spec.image import Descriptor
from budu.spec.platform import Platform

SearchHits = list[SearchHit]


class RemoteImage(msgspec.Struct, frozen=True, kw_only=True):
    """What a name stands for in its registry."""

    descriptor: Descriptor
    platforms: tuple[Platform, ...]


class RemoteTag(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One tag of a repository."""

    tag: str
    digest: str = ""
    size: int = 0
    """Bytes to fetch for this machine's platform, or for the first one offered."""
    created: str = ""
    """RFC 3339, where the image says it."""
    platforms: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    """Other tags that are the same image now; `latest` first."""
    error: str = ""
    """Why nothing more is known."""


class RemoteTags(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The tags of a repository."""

    name: str
    total: int
    """How many there are; `tags` may be fewer."""
    tags: tuple[RemoteTag, ...]


class RemoteManifest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A manifest document as the registry has it."""

    ref: str
    descriptor: Descriptor
    """With the platform that its config names, for an image."""
    document: msgspec.Raw
    raw: bytes
    """Its very bytes; base64 on the wire."""


class ListEntry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A manifest that goes into a list, and where it is now."""

    ref: str
    descriptor: Descriptor


class RegistryQueries(Protocol):
    """Questions to registries. `registry_auth` is the header X-Registry-Auth as it came.

    Raises, each of them: InvalidArgument for the name; what the registry and the way to it raise.
    """

    async def search(
        self, term: str, *, limit: int | None, filters: Filters, registry_auth: str
    ) -> SearchHits:
        """Repositories that fit."""

    async def describe(self, name: str, *, registry_auth: str) -> RemoteImage:
        """What a name stands for, and for which platforms."""

    async def tags(self, name: str, *, limit: int, sort: str, registry_auth: str) -> RemoteTags:
        """A repository's tags by `version`, `age` or `size`, with what each one is."""

    async def manifest(self, name: str, *, registry_auth: str) -> RemoteManifest:
        """The document that a name stands for."""

    async def push_list(
        self, name: str, entries: Sequence[ListEntry], *, registry_auth: str
    ) -> Descriptor:
        """Store a list of manifests of the same registry under a name."""
