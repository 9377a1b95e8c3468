"""Which of the images under one name serves a platform.

Several platforms of one name are several records that share the index they were chosen from.
"""

from __future__ import annotations

from collections.abc import Iterable

from budu.base.errors import NotFound
from budu.image.model import ImageRecord
from budu.spec.platform import Platform, platform_rank


def siblings(image: ImageRecord, images: Iterable[ImageRecord]) -> tuple[ImageRecord, ...]:
    """The images of the same index, `image` itself first."""
    if not image.index_digest:
        return (image,)
    others = (
        each.in_form(form)
        for each in images
        if each.id != image.id
        for form in each.forms
        if form.index_digest == image.index_digest
    )
    return (image, *others)


def of_platform(
    image: ImageRecord, images: Iterable[ImageRecord], wanted: Platform | None, *, name: str
) -> ImageRecord:
    """The image that serves `wanted` best; `image` itself when nothing is wanted.

    Raises: NotFound with Docker's sentence.
    """
    if wanted is None:
        return image
    found = max(siblings(image, images), key=lambda each: platform_rank(wanted, each.platform))
    if not platform_rank(wanted, found.platform):
        raise NotFound(mismatch(name, image.platform, wanted), reference=name)
    return found


def mismatch(name: str, found: Platform, wanted: Platform) -> str:
    """Docker's sentence for an image that is for another platform than was asked for."""
    return (
        f"image with reference {name} was found but its platform ({found}) does not match the "
        f"specified platform ({wanted})"
    )
