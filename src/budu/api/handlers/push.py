"""Pushes an image and tells its progress line by line.

Source: Engine API 1.51, ImagePush; moby 28.3, daemon/server/router/image.
"""

from __future__ import annotations

from budu.api.handlers.progress import told
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.platforms import query_platform
from budu.api.routing import Route, route
from budu.api.trust import trust_of
from budu.api.versions import ApiVersion
from budu.api.views.pull import pull_line
from budu.engine.contract.pushes import Pushes

_PLATFORM_SINCE = ApiVersion(1, 46)


class PushHandlers:
    """Brings images to registries."""

    def __init__(self, pushes: Pushes) -> None:
        self._pushes = pushes

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route(
                "POST",
                "/images/{name:.*}/push",
                self.push,
                operation="ImagePush",
                follows_client=True,
            ),
        )

    async def push(self, request: Request) -> Reply:
        """Pushes; a client that leaves ends the push, and what was sent is kept for the next."""
        wants_platform = request.version >= _PLATFORM_SINCE
        with trust_of(request):
            return await told(
                request,
                lambda progress: self._pushes.push(
                    request.params["name"],
                    tag=request.query.text("tag"),
                    platform=query_platform(request.query) if wants_platform else None,
                    registry_auth=request.header("x-registry-auth"),
                    progress=progress,
                ),
                render=pull_line,
                name=f"push {request.params['name']}",
            )
