"""The engine itself: alive, versions, facts, log-in, events, its end.

Source: Engine API 1.51, System.
"""

from __future__ import annotations

from budu.api.codec import encode
from budu.api.handlers.closing import closing
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route, route_json
from budu.api.trust import trust_of
from budu.api.versions import ApiVersion
from budu.api.views.system import info_document
from budu.base.clock import parse_timestamp
from budu.base.errors import InvalidArgument
from budu.base.filters import Filters
from budu.engine.contract import Events, System
from budu.spec.api.auth import AuthConfig, AuthResponse
from budu.spec.api.events import EventMessage

_PING_HEADERS = {
    "Builder-Version": "1",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Swarm": "inactive",
}


_IMAGE_CREATE_SINCE = ApiVersion(1, 46)
"""Older clients do not know the event of a new image."""


class SystemHandlers:
    """Operations on the engine."""

    def __init__(self, system: System, events: Events) -> None:
        self._system = system
        self._events = events
        self._pong = Response.text("OK", headers=_PING_HEADERS)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route("GET", "/_ping", self.ping, operation="SystemPing"),
            route("HEAD", "/_ping", self.ping, operation="SystemPingHead"),
            route("GET", "/version", self.version, operation="SystemVersion"),
            route("GET", "/info", self.info, operation="SystemInfo"),
            route_json(
                "POST",
                "/auth",
                self.log_in,
                operation="SystemAuth",
                body=AuthConfig,
                body_required=True,
            ),
            route("GET", "/events", self.follow_events, operation="SystemEvents"),
            route("POST", "/budu/shutdown", self.shut_down, operation="BuduShutdown"),
        )

    def ping(self, _: Request) -> Response:
        """Alive; the headers tell clients what they talk to."""
        return self._pong

    def version(self, _: Request) -> Response:
        """Versions of the engine, the API and the kernel."""
        return Response.json(self._system.version())

    async def info(self, request: Request) -> Reply:
        """Facts about engine and host."""
        info = await self._system.info()
        return Response.json(info_document(info, version=request.version))

    async def log_in(self, request: Request, credentials: AuthConfig) -> Reply:
        """Checks credentials with their registry."""
        with trust_of(request):
            status, token = await self._system.login(credentials)
        return Response.json(AuthResponse(status=status, identity_token=token))

    async def follow_events(self, request: Request) -> Reply:
        """Past and live events, one line each; the head goes out before the first."""
        query = request.query
        since, until = query.text("since"), query.text("until")
        since_ns = parse_timestamp(since) if since else None
        until_ns = parse_timestamp(until) if until else None
        if since_ns is not None and until_ns is not None and since_ns > until_ns:
            message = f"`since` time ({since}) cannot be after `until` time ({until})"
            raise InvalidArgument(message)
        source = self._events.stream(
            since_ns=since_ns,
            until_ns=until_ns,
            filters=Filters.parse(query.text("filters")),
        )
        async with closing(source):
            stream = request.stream()
            async for event in source:
                if request.version >= _IMAGE_CREATE_SINCE or not _is_image_create(event):
                    await stream.write(encode(event))
        return stream

    async def shut_down(self, _: Request) -> Reply:
        """Ends the engine after this answer; containers live on. budu's own operation."""
        self._system.shutdown()
        return Response.empty()


def _is_image_create(event: EventMessage) -> bool:
    return event.type == "image" and event.action == "create"
