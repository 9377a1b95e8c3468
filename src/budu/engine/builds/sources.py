"""`--cache-from`: steps that images from elsewhere were made of. Pure.

An image tells in its history which instruction made which layer. Where an image begins with the
same steps and the same layers as a build has come to, the layer that its next step made will do for
the same command. A copy needs no such help: its files are here, so its layer is made, and it is
the same one or it is not.
Source: moby 28.3 image/cache/cache.go (restoreCachedImage, isValidParent).
"""

from __future__ import annotations

from collections.abc import Iterable

from budu.spec.digest import Digest
from budu.spec.image import History, ImageConfig


class CacheSources:
    """The images that were named."""

    def __init__(self, configs: Iterable[ImageConfig] = ()) -> None:
        self._configs = tuple(configs)

    def layer(self, below: ImageConfig, told: str) -> Digest | None:
        """The layer that the instruction `told` made on these very steps; None where none did."""
        for config in self._configs:
            step = _next(config, below)
            if step is not None and step.created_by == told and not step.empty_layer:
                return Digest(config.rootfs.diff_ids[len(below.rootfs.diff_ids)])
        return None

    def created(self, below: ImageConfig, told: str, diff_id: str | None) -> str | None:
        """When the same step was made that led to the same; so the image will be the same one."""
        for config in self._configs:
            step = _next(config, below)
            if step is None or step.created_by != told or step.empty_layer != (diff_id is None):
                continue
            depth = len(below.rootfs.diff_ids)
            if diff_id is None or config.rootfs.diff_ids[depth] == diff_id:
                return step.created
        return None


def _next(config: ImageConfig, below: ImageConfig) -> History | None:
    """What an image's history says after the steps of `below`; None unless it begins with them."""
    history, steps = config.history or (), below.history or ()
    layers, depth = config.rootfs.diff_ids, len(below.rootfs.diff_ids)
    if len(history) <= len(steps) or layers[:depth] != below.rootfs.diff_ids:
        return None
    for own, other in zip(steps, history, strict=False):
        if (own.created_by, own.empty_layer) != (other.created_by, other.empty_layer):
            return None
    step = history[len(steps)]
    return None if not step.empty_layer and len(layers) <= depth else step
