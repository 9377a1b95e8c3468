"""Images on their way to registries. See `engine.images.pushing`."""

from __future__ import annotations

from typing import Protocol

from budu.distribution.progress import ProgressSink
from budu.spec.platform import Platform


class Pushes(Protocol):
    """Brings images to registries."""

    async def push(
        self,
        name: str,
        *,
        tag: str,
        platform: Platform | None,
        registry_auth: str,
        progress: ProgressSink,
    ) -> None:
        """Push one tag of a repository, or all of them without a `tag`.

        The first report comes before anything is looked up, as Docker's does.
        Raises: InvalidArgument for the name, before any report; NotFound with Docker's sentences;
        what the registry and the way to it raise.
        """
