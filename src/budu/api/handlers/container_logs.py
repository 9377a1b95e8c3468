"""Emptying a container's log: an operation of ours beside Docker's ContainerLogs."""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.engine.contract.logs import Logs


class ContainerLogHandlers:
    """Operations on logs."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route(
                "DELETE", "/containers/{id}/logs", self.clear, operation="BuduClearContainerLogs"
            ),
        )

    async def clear(self, request: Request) -> Reply:
        """Forgets what the container has written so far."""
        self._logs.clear(request.params["id"])
        return Response.empty(204)
