"""Where a build's files come from: the context, earlier stages, other images. By descriptor.

Each root is opened once and held until the build ends.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack

import msgspec

from budu.image.model import ImageRecord
from budu.spec.digest import Digest

MountImage = Callable[[tuple[Digest, ...]], int]
"""Makes a detached read-only mount of layers; the caller's to close. Blocking."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A tree that files are taken from. `root` is `O_PATH`, valid as long as the build."""

    root: int
    unpacked: Callable[[], int] | None = None
    """Gives the same tree as files on the host, for what is no image. Blocking."""
    image: ImageRecord | None = None
    """None for the context."""


class Roots:
    """Read-only views of images, for one build. Close it at the end."""

    def __init__(self, mount_image: MountImage) -> None:
        self._mount_image = mount_image
        self._opened: dict[tuple[Digest, ...], int] = {}
        self._held = AsyncExitStack()

    async def view(self, layers: tuple[Digest, ...]) -> int:
        """The root that these layers make; not the caller's to close."""
        fd = self._opened.get(layers)
        if fd is None:
            fd = await asyncio.to_thread(self._mount_image, layers)
            self._held.callback(os.close, fd)
            self._opened[layers] = fd
        return fd

    async def of_image(self, image: ImageRecord) -> Origin:
        """An image as something to take files from."""
        root = await self.view(tuple(map(Digest, image.diff_ids)))
        return Origin(root=root, image=image)

    async def aclose(self) -> None:
        """Lets all of them go."""
        self._opened.clear()
        await self._held.aclose()
