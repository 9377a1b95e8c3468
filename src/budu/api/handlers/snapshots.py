"""What containers changed, their files as one archive, and images made of them.

Source: Engine API 1.51, ContainerChanges, ContainerExport, ImageCommit.
"""

from __future__ import annotations

from budu.api import codec
from budu.api.handlers.closing import closing
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.api.views.snapshots import change_rows
from budu.base.errors import NotFound
from budu.engine.contract.snapshots import CommitOptions, Snapshots
from budu.spec.api.container import ContainerConfig
from budu.spec.api.image import CommitResponse

_ARCHIVE = "application/octet-stream"


class SnapshotHandlers:
    """Operations on what containers wrote."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/containers/{id}"
        return (
            route("GET", f"{one}/changes", self.changes, operation="ContainerChanges"),
            route("GET", f"{one}/export", self.export, operation="ContainerExport"),
            route("POST", "/commit", self.commit, operation="ImageCommit", body=ContainerConfig),
        )

    async def changes(self, request: Request) -> Reply:
        """Changed, added and deleted paths; null without any, as Docker has it."""
        changes = await self._snapshots.changes(request.params["id"])
        return Response.json(change_rows(changes) or None)

    async def export(self, request: Request) -> Reply:
        """The container's files as a tar archive."""
        archive = await self._snapshots.export(request.params["id"])
        async with closing(archive):
            stream = request.stream(content_type=_ARCHIVE)
            async for piece in archive:
                await stream.write(piece)
        return stream

    async def commit(self, request: Request) -> Reply:
        """Makes an image of a container."""
        query = request.query
        if not query.text("container"):
            raise NotFound("No such container: ")
        options = CommitOptions(
            repository=query.text("repo"),
            tag=query.text("tag"),
            comment=query.text("comment"),
            author=query.text("author"),
            pause=query.flag("pause") or not query.text("pause"),
            changes=tuple(query.all("changes")),
            config=await _config(request),
        )
        image_id = await self._snapshots.commit(query.text("container"), options)
        return Response.json(CommitResponse(id=image_id), status=201)


async def _config(request: Request) -> ContainerConfig | None:
    """The body, which may be absent or null."""
    data = await request.body.read_all()
    if data.strip() in (b"", b"null"):
        return None
    return codec.decode(data, ContainerConfig)
