"""Networks: what exists, and who is in them.

Source: Engine API 1.51, Network.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route, route_json
from budu.base.filters import Filters
from budu.engine.contract import NetworkMembers, Networks
from budu.spec.api.network import (
    NetworkConnectBody,
    NetworkCreateBody,
    NetworkDisconnectBody,
    NetworkPruneResponse,
)


class NetworkHandlers:
    """Operations on networks."""

    def __init__(self, networks: Networks, members: NetworkMembers) -> None:
        self._networks = networks
        self._members = members

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table; the list has two spellings."""
        return (
            route("GET", "/networks", self.list, operation="NetworkList"),
            route("GET", "/networks/", self.list, operation="NetworkListSlash"),
            route_json(
                "POST",
                "/networks/create",
                self.create,
                operation="NetworkCreate",
                body=NetworkCreateBody,
                body_required=True,
            ),
            route("POST", "/networks/prune", self.prune, operation="NetworkPrune"),
            route("GET", "/networks/{id:.*}", self.inspect, operation="NetworkInspect"),
            route("DELETE", "/networks/{id:.*}", self.remove, operation="NetworkDelete"),
            route_json(
                "POST",
                "/networks/{id:.*}/connect",
                self.connect,
                operation="NetworkConnect",
                body=NetworkConnectBody,
                body_required=True,
            ),
            route_json(
                "POST",
                "/networks/{id:.*}/disconnect",
                self.disconnect,
                operation="NetworkDisconnect",
                body=NetworkDisconnectBody,
                body_required=True,
            ),
        )

    async def list(self, request: Request) -> Reply:
        """All networks, or those that the filters leave."""
        filters = Filters.parse(request.query.text("filters"))
        return Response.json(self._networks.list(filters))

    async def create(self, _: Request, body: NetworkCreateBody) -> Reply:
        """Makes a network."""
        return Response.json(await self._networks.create(body), status=201)

    async def prune(self, request: Request) -> Reply:
        """Removes networks in which nothing runs."""
        filters = Filters.parse(request.query.text("filters"))
        removed = await self._networks.prune(filters)
        return Response.json(NetworkPruneResponse(networks_deleted=removed or None))

    async def inspect(self, request: Request) -> Reply:
        """One network with its containers. A `verbose` one has services of a swarm besides, and
        there are none."""
        request.query.flag("verbose")
        found = self._networks.get(request.params["id"], scope=request.query.text("scope"))
        return Response.json(found)

    async def remove(self, request: Request) -> Reply:
        """Deletes a network that nobody uses."""
        await self._networks.remove(request.params["id"])
        return Response.empty()

    async def connect(self, request: Request, body: NetworkConnectBody) -> Reply:
        """Brings a container into a network, at once when it runs."""
        await self._members.connect(request.params["id"], body.container, body.endpoint_config)
        return Response.empty(200)

    async def disconnect(self, request: Request, body: NetworkDisconnectBody) -> Reply:
        """Takes a container out of a network."""
        await self._members.disconnect(request.params["id"], body.container, force=body.force)
        return Response.empty(200)
