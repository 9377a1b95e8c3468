"""Looking into images and after what is stored: our own calls below `/budu`."""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.engine.contract.care import Cleanup, ImageExplorer, StorageCare

_RULES = ("unused-for", "keep-last", "max-size")


class CareHandlers:
    """Explores and repairs."""

    def __init__(self, explorer: ImageExplorer, care: StorageCare, cleanup: Cleanup) -> None:
        self._explorer = explorer
        self._cleanup = cleanup
        self._care = care

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route("GET", "/budu/images/explore", self.explore, operation="BuduImageExplore"),
            route("GET", "/budu/images/diff", self.compare, operation="BuduImageDiff"),
            route("POST", "/budu/images/cleanup", self.clean, operation="BuduImageCleanup"),
            route("POST", "/budu/storage/check", self.check, operation="BuduStorageCheck"),
        )

    async def explore(self, request: Request) -> Reply:
        """What each layer of an image adds, changes, removes and wastes."""
        files = request.query.integer("files")
        name = request.query.text("name")
        return Response.json(
            await self._explorer.explore(name, files=10 if files is None else files)
        )

    async def compare(self, request: Request) -> Reply:
        """How two images differ."""
        query = request.query
        return Response.json(await self._explorer.compare(query.text("a"), query.text("b")))

    async def clean(self, request: Request) -> Reply:
        """Deletes what a policy lets go, or only tells."""
        query = request.query
        options = {key: query.text(key) for key in _RULES if query.text(key)}
        return Response.json(await self._cleanup.clean(options, preview=query.flag("preview")))

    async def check(self, request: Request) -> Reply:
        """Looks for what is missing, broken and in nobody's use."""
        query = request.query
        found = await self._care.examine(deep=query.flag("deep"), repair=query.flag("repair"))
        return Response.json(found)
