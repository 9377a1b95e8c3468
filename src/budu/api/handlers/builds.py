"""Builds images and looks after the cache of their steps.

A failure before the first line gives the real status; after it the status 200 is out, and the
failure is the stream's last line. The first line goes out only when the request was read to its
end, because clients that send a context read nothing until then.
Source: Engine API 1.51, ImageBuild, BuildPrune; moby 28.5, api/server/router/build.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from budu.api.build_options import build_options
from budu.api.errors import told_error
from budu.api.handlers.building import BuildTeller
from budu.api.http.protocol import Reply
from budu.api.http.query import Query
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.api.trust import trust_of
from budu.api.versions import ApiVersion
from budu.api.views.builds import prune_view
from budu.base.errors import InvalidArgument, Unavailable
from budu.base.filters import Filters
from budu.engine.contract.builds import Builds, CachePruneOptions

_SPACES_SINCE = ApiVersion(1, 48)
"""Before it `keep-storage` was the only limit of a prune."""

_Build = asyncio.Task[str]


class BuildHandlers:
    """Operations on builds and their cache."""

    def __init__(self, builds: Builds) -> None:
        self._builds = builds
        self._running: defaultdict[str, set[_Build]] = defaultdict(set)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route("POST", "/build", self.build, operation="ImageBuild", follows_client=True),
            route("POST", "/build/prune", self.prune, operation="BuildPrune"),
            route("POST", "/build/cancel", self.cancel, operation="BuildCancel"),
        )

    async def build(self, request: Request) -> Reply:
        """Builds, and tells how it goes; a client that leaves ends the build."""
        options = build_options(request)
        if options.remote:
            await _pass_over(request)
        teller = BuildTeller(request, is_quiet=options.is_quiet)
        with trust_of(request):
            building = asyncio.create_task(
                self._builds.build(options, request.body.pieces(), teller.tell),
                name=f"build {' '.join(options.names)}",
            )
        try:
            with self._cancellable(building, request.query.text("buildid")):
                image_id = await building
        except Exception as error:
            if not teller.has_told:
                raise
            return await teller.fail(told_error(request, error))
        return await teller.succeed(image_id)

    @contextmanager
    def _cancellable(self, building: _Build, build_id: str) -> Iterator[None]:
        """Lets `cancel` end the build by the id that its client chose for it.

        Raises: Unavailable in Docker's words when it was ended so.
        """
        running = self._running[build_id]
        running.add(building)
        try:
            yield
        except asyncio.CancelledError:
            if building in running:
                raise
            raise Unavailable("Build cancelled") from None
        finally:
            running.discard(building)
            if not running:
                self._running.pop(build_id, None)

    async def cancel(self, request: Request) -> Reply:
        """Ends a build of another request; one that is not there has ended."""
        build_id = request.query.text("id")
        if not build_id:
            raise InvalidArgument("build ID not provided")
        running = self._running.get(build_id, set())
        while running:
            running.pop().cancel()
        return Response.empty(200)

    async def prune(self, request: Request) -> Reply:
        """Removes what the cache can spare."""
        options = prune_options(request.query, request.version)
        return Response.json(prune_view(await self._builds.prune(options)))


def prune_options(query: Query, version: ApiVersion) -> CachePruneOptions:
    """What a prune takes. Raises: InvalidArgument in Docker's words."""
    filters = Filters.parse(query.text("filters"))
    if version < _SPACES_SINCE:
        return CachePruneOptions(
            everything=query.flag("all"),
            reserved_space=_bytes(query, "keep-storage"),
            filters=filters,
        )
    return CachePruneOptions(
        everything=query.flag("all"),
        reserved_space=_bytes(query, "reserved-space") or _bytes(query, "keep-storage"),
        max_used_space=_bytes(query, "max-used-space"),
        min_free_space=_bytes(query, "min-free-space"),
        filters=filters,
    )


def _bytes(query: Query, name: str) -> int:
    try:
        return query.integer(name) or 0
    except InvalidArgument as error:
        raise InvalidArgument(
            f"{name} is in bytes and expects an integer, got {query.text(name)}: {error.message}"
        ) from None


async def _pass_over(request: Request) -> None:
    """Reads a body that nobody wants: the context comes from elsewhere."""
    async for _ in request.body.pieces():
        pass
