"""Questions to registries: search, what a name stands for, tags, lists of manifests.

Tags and manifests are our own calls below `/budu`.
Source: Engine API 1.51, ImageSearch, DistributionInspect.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine

import msgspec

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route, route_json
from budu.api.trust import trust_of
from budu.base.filters import Filters
from budu.engine.contract.registries import ListEntry, RegistryQueries
from budu.spec.api.image import ImageSearchItem

_MOST_TAGS = 500


class ManifestListBody(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The members of a list that is pushed."""

    manifests: list[ListEntry] = []


class RegistryHandlers:
    """Asks registries."""

    def __init__(self, queries: RegistryQueries) -> None:
        self._queries = queries

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            _route("/images/search", self.search, "ImageSearch"),
            _route("/distribution/{name:.*}/json", self.describe, "DistributionInspect"),
            _route("/budu/registry/tags", self.tags, "BuduRegistryTags"),
            _route("/budu/registry/manifest", self.manifest, "BuduRegistryManifest"),
            route_json(
                "POST",
                "/budu/registry/manifest",
                self.push_list,
                operation="BuduPushManifestList",
                body=ManifestListBody,
                body_required=True,
            ),
        )

    async def search(self, request: Request) -> Reply:
        """Repositories that fit a term."""
        hits = await self._queries.search(
            request.query.text("term"),
            limit=request.query.integer("limit"),
            filters=Filters.parse(request.query.text("filters")),
            registry_auth=_auth(request),
        )
        rows = [
            ImageSearchItem(
                star_count=hit.star_count,
                is_official=hit.is_official,
                name=hit.name,
                is_automated=hit.is_automated,
                description=hit.description or "",
            )
            for hit in hits
        ]
        return Response.json(rows)

    async def describe(self, request: Request) -> Reply:
        """What a name stands for."""
        found = await self._queries.describe(request.params["name"], registry_auth=_auth(request))
        return Response.json({"Descriptor": found.descriptor, "Platforms": found.platforms})

    async def tags(self, request: Request) -> Reply:
        """A repository's tags."""
        query = request.query
        found = await self._queries.tags(
            query.text("name"),
            limit=min(query.integer("limit") or 30, _MOST_TAGS),
            sort=query.text("sort", "version"),
            registry_auth=_auth(request),
        )
        return Response.json(found)

    async def manifest(self, request: Request) -> Reply:
        """The document that a name stands for."""
        name = request.query.text("name")
        return Response.json(await self._queries.manifest(name, registry_auth=_auth(request)))

    async def push_list(self, request: Request, body: ManifestListBody) -> Reply:
        """Stores a list of manifests."""
        name = request.query.text("name")
        stored = await self._queries.push_list(name, body.manifests, registry_auth=_auth(request))
        return Response.json(stored)


def _auth(request: Request) -> str:
    return request.header("x-registry-auth")


def _route(
    path: str, handler: Callable[[Request], Coroutine[None, None, Reply]], operation: str
) -> Route:
    """A call that waits for a registry: it ends when its client leaves."""

    async def ask(request: Request) -> Reply:
        with trust_of(request):
            return await handler(request)

    return route("GET", path, ask, operation=operation, follows_client=True)
