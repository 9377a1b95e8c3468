"""Changing limits and the restart policy of a container.

Source: Engine API 1.51, ContainerUpdate.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route_json
from budu.engine.contract.update import Updates
from budu.spec.api.host_config import UpdateBody, UpdateResponse


class UpdateHandlers:
    """The operation that updates a container."""

    def __init__(self, updates: Updates) -> None:
        self._updates = updates

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route_json(
                "POST",
                "/containers/{id}/update",
                self.update,
                operation="ContainerUpdate",
                body=UpdateBody,
                body_required=True,
            ),
        )

    async def update(self, request: Request, body: UpdateBody) -> Reply:
        """Sets what the body gives; what it leaves empty stays."""
        warnings = await self._updates.update(request.params["id"], body)
        return Response.json(UpdateResponse(warnings=list(warnings) or None))
