"""What the engine knows of an image without opening its documents."""

from __future__ import annotations

import msgspec

from budu.spec.digest import Digest
from budu.spec.image import Descriptor
from budu.spec.platform import Platform


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One image. Its identity is the digest of its config, as Docker's image id is."""

    id: str
    """The config's digest, `sha256:…`."""
    manifest_digest: str
    """The manifest whose config this is."""
    index_digest: str = ""
    """The index that the manifest was chosen from; empty when the tag named the manifest."""
    repo_tags: tuple[str, ...] = ()
    """Familiar names with tags, `httpd:2.4`, sorted; empty for a dangling image."""
    repo_digests: tuple[str, ...] = ()
    """Familiar names with the digest they were pulled by, `httpd@sha256:…`, sorted."""
    size: int
    """Bytes of all layers, unpacked."""
    created: str | None = None
    """When the image was built, RFC 3339, where the config says it."""
    platform: Platform
    """What the image was built for."""
    diff_ids: tuple[str, ...]
    """The layers' identities, lowest first."""
    layers: tuple[Descriptor, ...] = ()
    """The layers' compressed blobs as the manifest lists them, lowest first."""

    extras: tuple[str, ...] = ()
    """Other blobs that belong to it: attestations of its index, with what they hold."""

    @property
    def digest(self) -> Digest:
        """The id as a digest."""
        return Digest(self.id)

    @property
    def short_id(self) -> str:
        """The id's first twelve hex digits."""
        return self.digest.short

    @property
    def config_digest(self) -> Digest:
        """The blob that holds the image config: the id again."""
        return self.digest

    @property
    def is_dangling(self) -> bool:
        """Whether no tag names the image."""
        return not self.repo_tags
