"""From what a person typed to an image: a name, a digest, an id or its beginning. Pure.

Source: moby `daemon/images/image.go` GetImage; distribution/reference ParseAnyReference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from budu.base.errors import InvalidArgument, NotFound
from budu.image.model import ImageRecord
from budu.spec.digest import Digest
from budu.spec.reference import parse_reference

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_HEX = re.compile(r"[0-9a-f]{1,64}\Z")
_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{1,64})\Z")


class ImageLookup(Protocol):
    """Where images are found by name and id. Answers from memory or one indexed query."""

    def by_id(self, image_id: Digest) -> ImageRecord | None:
        """The image with this config digest."""

    def by_name(self, name: str) -> ImageRecord | None:
        """The image under a canonical name: `docker.io/library/httpd:2.4` or `…@sha256:…`."""

    def by_id_prefix(self, hex_prefix: str) -> Sequence[ImageRecord]:
        """The images whose id's hex digits begin so; two are enough to call it ambiguous."""


def resolve_image(text: str, images: ImageLookup) -> ImageRecord:
    """The image that `text` means: a name first, then an id.

    A prefix that fits several ids means none of them, as in Docker.
    Raises: InvalidArgument for a malformed name; NotFound with Docker's sentence.
    """
    digest = _full_id(text)
    if digest is not None:
        found = images.by_id(digest)
        if found is None:
            raise no_such_image(str(digest))
        return found
    return _by_name(text, images)


def no_such_image(name: str) -> NotFound:
    """Docker's sentence; docker-py knows a missing image by it."""
    return NotFound(f"No such image: {name}", reference=name)


def _full_id(text: str) -> Digest | None:
    if _DIGEST.match(text):
        return Digest(text)
    return Digest.from_hex(text) if len(text) == 64 and _HEX.match(text) else None


def _by_name(text: str, images: ImageLookup) -> ImageRecord:
    prefix = _PREFIX.match(text)
    try:
        reference = parse_reference(text).with_default_tag()
    except InvalidArgument:
        if prefix is None:
            raise
        reference = None
    found = images.by_name(str(reference)) if reference else None
    if found is None and reference and reference.tag and reference.digest:
        found = images.by_name(str(reference.with_digest(reference.digest)))
    if found is None and prefix is not None:
        candidates = images.by_id_prefix(prefix[1])
        found = candidates[0] if len(candidates) == 1 else None
    if found is None:
        raise no_such_image(reference.familiar if reference else text)
    return found
