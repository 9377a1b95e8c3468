"""What the engine knows of an image without opening its documents."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from budu.spec.digest import Digest
from budu.spec.image import Descriptor
from budu.spec.platform import Platform


class ImageForm(msgspec.Struct, frozen=True, kw_only=True):
    """The documents and packed layers that an image came in.

    One config may come in several: from registries that pack layers differently, or in indexes
    that list other platforms beside it.
    """

    manifest_digest: str
    index_digest: str = ""
    layers: tuple[Descriptor, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The digest that a name of this form stands for."""
        return self.index_digest or self.manifest_digest


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One image. Its identity is the digest of its config, as Docker's image id is.

    An artifact (a chart, a signature, a model) is a record, too, without layers to stand on.
    """

    id: str
    """The config's digest, `sha256:…`; an artifact's is its manifest's."""
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

    artifact_type: str = ""
    """What it is when it is no image: it is kept as it is, and its id is its manifest's digest."""

    labels: dict[str, str] | msgspec.UnsetType | None = msgspec.UNSET
    """Those of the config, so that a list opens no documents; unset in records of older engines."""

    is_step: bool = False
    """A step of a build: it has a config and layers to stand on, and no manifest. It is shown where
    everything is, and becomes an image like others when it gets a name."""

    others: tuple[ImageForm, ...] = ()
    """Further forms of it, which some of its names stand for."""

    def as_step(self) -> ImageRecord:
        """The same image as a step of a build: without names, manifest and packed layers."""
        return msgspec.structs.replace(
            self,
            is_step=True,
            manifest_digest="",
            index_digest="",
            repo_tags=(),
            repo_digests=(),
            layers=(),
            extras=(),
            others=(),
        )

    @property
    def form(self) -> ImageForm:
        """The form that the record describes."""
        return ImageForm(
            manifest_digest=self.manifest_digest,
            index_digest=self.index_digest,
            layers=self.layers,
            extras=self.extras,
        )

    @property
    def forms(self) -> tuple[ImageForm, ...]:
        """Every form, the record's own first."""
        return (self.form, *self.others)

    def in_form(self, form: ImageForm) -> ImageRecord:
        """The same image, described in one of its forms."""
        if form == self.form:
            return self
        return msgspec.structs.replace(
            self,
            manifest_digest=form.manifest_digest,
            index_digest=form.index_digest,
            layers=form.layers,
            extras=form.extras,
            others=tuple(each for each in self.forms if each != form),
        )

    def packed_layer(self, diff_id: str) -> Iterator[Descriptor]:
        """The blobs that hold one of its layers, one per form; none for a layer of another."""
        for form in self.forms:
            if diff_id in self.diff_ids and len(form.layers) == len(self.diff_ids):
                yield form.layers[self.diff_ids.index(diff_id)]

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
