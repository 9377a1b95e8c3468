"""Makes an image of an archive that comes as the request's body, or from a URL.

A failure before the first line gives the real status; after it the status 200 is out, and the
failure is the stream's last line.
Source: Engine API 1.51, ImageCreate with fromSrc; moby 28.3, daemon/server/router/image.
"""

from __future__ import annotations

import asyncio

from budu.api.errors import language_of
from budu.api.handlers.progress import ProgressQueue
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import StreamResponse
from budu.api.views.pull import error_line, import_line, status_line
from budu.base.errors import BuduError
from budu.distribution.progress import PullEvent
from budu.engine.contract.snapshots import ImportOptions, Imports
from budu.spec.platform import parse_platform


async def import_image(imports: Imports, request: Request) -> Reply:
    """Imports, and tells the image's id in the last line."""
    lines = ProgressQueue()
    importing = asyncio.create_task(
        imports.import_image(_options(request), request.body.pieces(), lines.put), name="import"
    )
    importing.add_done_callback(lambda _: lines.end())
    try:
        return await _tell(request, lines, importing)
    finally:
        importing.cancel()
        await asyncio.gather(importing, return_exceptions=True)


async def _tell(request: Request, lines: ProgressQueue, importing: asyncio.Task[str]) -> Reply:
    stream: StreamResponse | None = None
    while events := await lines.take():
        stream = stream or request.stream()
        told = [import_line(each) for each in events if isinstance(each, PullEvent)]
        await stream.write(b"".join(told))
    try:
        last = status_line(await importing)
    except BuduError as error:
        if stream is None:
            raise
        last = error_line(error, language_of(request))
    stream = stream or request.stream()
    await stream.write(last)
    return stream


def _options(request: Request) -> ImportOptions:
    query = request.query
    source = query.text("fromSrc")
    platform = query.text("platform")
    return ImportOptions(
        source=source,
        repository=query.text("repo"),
        tag=query.text("tag"),
        message=query.text("message") or f"Imported from {source}",
        changes=tuple(query.all("changes")),
        platform=parse_platform(platform) if platform else None,
    )
