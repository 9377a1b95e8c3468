"""Images as archives: save and load.

Source: Engine API 1.51, ImageGet, ImageGetAll, ImageLoad; moby 28.3, daemon/server/router/image.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from budu.api.handlers.closing import closing
from budu.api.handlers.progress import told
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.platforms import query_platforms
from budu.api.routing import Route, route
from budu.api.views.pull import pull_line
from budu.distribution.progress import LoadedLine, ProgressEvent, ProgressSink, ignore_progress
from budu.engine.contract.archives import ImageArchives
from budu.spec.api.image import ProgressMessage


class ImageArchiveHandlers:
    """Brings images to other machines without a registry."""

    def __init__(self, archives: ImageArchives) -> None:
        self._archives = archives

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/images/{name:.*}/get"
        return (
            route("GET", one, self.save_one, operation="ImageGet", follows_client=True),
            route("GET", "/images/get", self.save, operation="ImageGetAll", follows_client=True),
            route("POST", "/images/load", self.load, operation="ImageLoad", follows_client=True),
        )

    async def save_one(self, request: Request) -> Reply:
        """An archive of one name."""
        return await self._save(request, [request.params["name"]])

    async def save(self, request: Request) -> Reply:
        """An archive of several names."""
        return await self._save(request, request.query.all("names"))

    async def _save(self, request: Request, names: Sequence[str]) -> Reply:
        archive = await self._archives.save(names, platforms=query_platforms(request.query))
        async with closing(archive):
            stream = request.stream(content_type="application/x-tar")
            async for piece in archive:
                await stream.write(piece)
        return stream

    async def load(self, request: Request) -> Reply:
        """Takes an archive in, and tells what was in it."""
        quiet = request.query.flag("quiet", default=True)
        platforms = query_platforms(request.query)

        async def work(progress: ProgressSink) -> None:
            lines = await self._archives.load(
                request.body.pieces(),
                platforms=platforms,
                progress=ignore_progress if quiet else progress,
            )
            for line in lines:
                progress(LoadedLine(text=line))

        return await told(request, work, render=_line, name="load")


def _line(event: ProgressEvent) -> bytes:
    if isinstance(event, LoadedLine):
        return msgspec.json.encode(ProgressMessage(stream=event.text)) + b"\r\n"
    return pull_line(event)
