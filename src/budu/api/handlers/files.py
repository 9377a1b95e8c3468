"""Files of containers and volumes as tar archives.

Volumes, and patterns, are our own calls below `/budu`. Bodies may be compressed in any way that the
engine can undo; answers are, when the client asks for gzip (clients over TCP do).
Source: Engine API 1.51, ContainerArchive, ContainerArchiveInfo, PutContainerArchive.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from isal import isal_zlib

from budu.api.handlers.closing import closing
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Handler, Route, route
from budu.api.views.files import match_document, stat_header
from budu.engine.contract.files import Files, WriteOptions

_TAR = "application/x-tar"
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31  # a gzip frame: <zlib.h>, deflateInit2


class FileHandlers:
    """Operations on the files of one kind of object; the path's parameter `key` names it."""

    def __init__(self, files: Files, *, key: str) -> None:
        self._files = files
        self._key = key

    async def stat(self, request: Request) -> Reply:
        """What is at a path, in a header."""
        found = await self._files.stat(request.params[self._key], request.query.text("path"))
        return Response.empty(200, headers=stat_header(found))

    async def read(self, request: Request) -> Reply:
        """An archive of what is at a path."""
        stat, archive = await self._files.read(
            request.params[self._key],
            request.query.text("path"),
            sparse=request.query.flag("sparse"),
        )
        headers = stat_header(stat)
        packs = _accepts_gzip(request.header("accept-encoding"))
        if packs:
            headers["Content-Encoding"] = "gzip"
        async with closing(archive):
            stream = request.stream(content_type=_TAR, headers=headers)
            async for piece in _gzipped(archive) if packs else archive:
                await stream.write(piece)
        return stream

    async def write(self, request: Request) -> Reply:
        """Unpacks an archive into a directory."""
        query = request.query
        options = WriteOptions(
            keep_kinds=query.flag("noOverwriteDirNonDir"), own=query.flag("copyUIDGID")
        )
        await self._files.write(
            request.params[self._key],
            query.text("path"),
            request.body.pieces(),
            options=options,
        )
        return Response.empty(200)

    async def find(self, request: Request) -> Reply:
        """What matches a pattern."""
        found = await self._files.find(request.params[self._key], request.query.text("path"))
        return Response.json([match_document(each) for each in found])


def container_file_routes(files: Files) -> tuple[Route, ...]:
    """The rows of the route table for containers: Docker's, and our patterns."""
    handlers = FileHandlers(files, key="id")
    path = "/containers/{id}/archive"
    return (
        _route("GET", path, handlers.read, operation="ContainerArchive"),
        _route("HEAD", path, handlers.stat, operation="ContainerArchiveInfo"),
        route("PUT", path, handlers.write, operation="PutContainerArchive"),
        _route("GET", "/budu/containers/{id}/files", handlers.find, operation="BuduContainerFiles"),
    )


def volume_file_routes(files: Files) -> tuple[Route, ...]:
    """The rows of the route table for volumes, all of them ours."""
    handlers = FileHandlers(files, key="name")
    path = "/budu/volumes/{name}/archive"
    return (
        _route("GET", path, handlers.read, operation="BuduVolumeArchive"),
        _route("HEAD", path, handlers.stat, operation="BuduVolumeArchiveInfo"),
        route("PUT", path, handlers.write, operation="BuduPutVolumeArchive"),
        _route("GET", "/budu/volumes/{name}/files", handlers.find, operation="BuduVolumeFiles"),
    )


def _route(method: str, path: str, handler: Handler, *, operation: str) -> Route:
    """A call that waits for file systems: it ends when its client leaves."""
    return route(method, path, handler, operation=operation, follows_client=True)


def _accepts_gzip(header: str) -> bool:
    """Whether Accept-Encoding names gzip and does not rule it out. Source: RFC 9110, 12.5.3."""
    for entry in header.lower().split(","):
        coding, _, parameter = entry.partition(";")
        weight = parameter.replace(" ", "").removeprefix("q=")
        if coding.strip() == "gzip":
            return not parameter or weight.strip("0.") != ""
    return False


async def _gzipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)
    async for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
