"""Managed plugins: this engine has none, and says so in the way that clients understand.

`docker inspect NAME` asks for a plugin of that name last; only a 404 tells it that there is none.
Source: Engine API 1.51, Plugin.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.base.errors import NotFound


class PluginHandlers:
    """Operations that look at plugins."""

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route("GET", "/plugins", self.list, operation="PluginList"),
            route("GET", "/plugins/{name:.*}/json", self.inspect, operation="PluginInspect"),
        )

    async def list(self, _: Request) -> Reply:
        """No plugin."""
        return Response.json([])

    async def inspect(self, request: Request) -> Reply:
        """Never there."""
        name = request.params["name"]
        raise NotFound(f'plugin "{name}" not found', reference=name)
