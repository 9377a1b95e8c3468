"""Networks: the ones that exist.

Source: Engine API 1.51, Network.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.base.filters import Filters
from budu.engine.contract import Networks
from budu.spec.api.network import NetworkPruneResponse


class NetworkHandlers:
    """Operations on networks."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table; the list has two spellings."""
        return (
            route("GET", "/networks", self.list, operation="NetworkList"),
            route("GET", "/networks/", self.list, operation="NetworkListSlash"),
            route("POST", "/networks/prune", self.prune, operation="NetworkPrune"),
            route("GET", "/networks/{id}", self.inspect, operation="NetworkInspect"),
        )

    async def list(self, request: Request) -> Reply:
        """All networks, or those that the filters leave."""
        filters = Filters.parse(request.query.text("filters"))
        return Response.json(self._networks.list(filters))

    async def prune(self, request: Request) -> Reply:
        """Removes networks that no container has."""
        filters = Filters.parse(request.query.text("filters"))
        removed = await self._networks.prune(filters)
        return Response.json(NetworkPruneResponse(networks_deleted=removed or None))

    async def inspect(self, request: Request) -> Reply:
        """One network with its containers."""
        return Response.json(self._networks.get(request.params["id"]))
