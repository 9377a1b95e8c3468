"""What builds leave behind: nothing yet, which is what a prune is told.

Source: Engine API 1.51, BuildPrune.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.spec.api.image import BuildPruneResponse


class NoBuildHandlers:
    """Operations on the build cache."""

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (route("POST", "/build/prune", self.prune, operation="BuildPrune"),)

    async def prune(self, _: Request) -> Reply:
        """Removes nothing."""
        return Response.json(BuildPruneResponse())
