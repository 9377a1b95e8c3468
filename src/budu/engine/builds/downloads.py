"""Files that a build fetches: contexts from URLs, sources of ADD."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from budu.base.errors import NotImplementedHere
from budu.build.context import Context
from budu.build.copying import CopyPart, CopyPlan
from budu.build.dockerfile.model import Add, Copy
from budu.distribution.download import Downloads
from budu.engine.builds.build import Build
from budu.engine.contract.builds import BuildOptions, BuildSink


class BuildDownloads:
    """Fetches for builds."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    async def context(
        self, options: BuildOptions, body: AsyncIterator[bytes], folder: Path, tell: BuildSink
    ) -> Context:
        """The context of a URL."""
        raise NotImplementedHere("files of builds are not fetched from other machines yet")

    async def part(self, build: Build, source: str, instruction: Copy, plan: CopyPlan) -> CopyPart:
        raise NotImplementedHere("files of builds are not fetched from other machines yet")


def is_remote(instruction: Copy, source: str) -> bool:
    """Whether a source of ADD is fetched."""
    return isinstance(instruction, Add) and source.startswith(("http://", "https://", "git@"))
