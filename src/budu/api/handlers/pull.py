"""Pulls an image and tells its progress line by line.

A failure before the first line gives the real status; after it the status 200 is out, and the
failure is the stream's last line.
Source: Engine API 1.51, ImageCreate; moby 28.3, daemon/server/router/image.
"""

from __future__ import annotations

import asyncio

from budu.api.errors import language_of
from budu.api.handlers.imports import import_image
from budu.api.handlers.progress import ProgressQueue
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import StreamResponse
from budu.api.routing import Route, route
from budu.api.trust import trust_of
from budu.api.views.pull import error_line, pull_line
from budu.base.errors import BuduError, InvalidArgument
from budu.engine.contract import Images
from budu.engine.contract.snapshots import Imports
from budu.spec.platform import parse_platform


class PullHandlers:
    """Brings images here."""

    def __init__(self, images: Images, imports: Imports) -> None:
        self._images = images
        self._imports = imports

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route(
                "POST",
                "/images/create",
                self.create,
                operation="ImageCreate",
                follows_client=True,
            ),
        )

    async def create(self, request: Request) -> Reply:
        """Pulls; a client that leaves ends the pull, and what was fetched is kept for the next."""
        query = request.query
        if query.text("fromSrc"):
            return await import_image(self._imports, request)
        reference = _reference(query.text("fromImage"), query.text("tag"))
        platform = query.text("platform")
        lines = ProgressQueue()
        with trust_of(request):
            pulling = asyncio.create_task(
                self._images.pull(
                    reference,
                    platform=parse_platform(platform) if platform else None,
                    registry_auth=request.header("x-registry-auth"),
                    progress=lines.put,
                ),
                name=f"pull {reference}",
            )
        pulling.add_done_callback(lambda _: lines.end())
        try:
            return await _tell(request, lines, pulling)
        finally:
            pulling.cancel()
            await asyncio.gather(pulling, return_exceptions=True)


async def _tell(request: Request, lines: ProgressQueue, pulling: asyncio.Task[None]) -> Reply:
    stream: StreamResponse | None = None
    while events := await lines.take():
        stream = stream or request.stream()
        await stream.write(b"".join(map(pull_line, events)))
    try:
        await pulling
    except BuduError as error:
        if stream is None:
            raise
        await stream.write(error_line(error, language_of(request)))
    return stream or request.stream()


def _reference(image: str, tag: str) -> str:
    if not image:
        raise InvalidArgument("invalid reference format: fromImage is empty")
    if not tag:
        return image
    return f"{image}@{tag}" if tag.startswith("sha256:") else f"{image}:{tag}"
