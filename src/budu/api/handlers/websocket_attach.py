"""Attaching through a WebSocket, for clients that live in a browser.

Source: Engine API 1.51, ContainerAttachWebsocket; moby, `wsContainersAttach`.
"""

from __future__ import annotations

from budu.api.handlers.pump import pump
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.routing import Route, route
from budu.api.versions import ApiVersion
from budu.engine.contract import AttachOptions, Containers

_STREAMS_CHOSEN_SINCE = ApiVersion(1, 42)
"""Older clients get all three streams whatever they ask for."""


class WebSocketAttachHandlers:
    """The operation whose stream is a WebSocket."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        path = "/containers/{id}/attach/ws"
        return (route("GET", path, self.attach, operation="ContainerAttachWebsocket"),)

    async def attach(self, request: Request) -> Reply:
        """Joins stdin, stdout and stderr of the container's program; outputs come unframed."""
        # late: most engines never see a WebSocket
        from budu.api.http.websocket import accept_websocket, check_handshake

        options = _options(request)
        self._containers.get(request.params["id"])
        check_handshake(request)
        attachment = await self._containers.attach(request.params["id"], options)
        try:
            socket = await accept_websocket(request)
            await pump(socket, attachment, takes_input=options.stdin and options.stream)
            await socket.finish(grace_s=request.limits.linger_s)
        finally:
            await attachment.aclose()
        return socket.raw


def _options(request: Request) -> AttachOptions:
    query = request.query
    everything = request.version < _STREAMS_CHOSEN_SINCE
    return AttachOptions(
        stdin=everything or query.flag("stdin"),
        stdout=everything or query.flag("stdout"),
        stderr=everything or query.flag("stderr"),
        stream=query.flag("stream"),
        logs=query.flag("logs"),
        detach_keys=query.text("detachKeys") or None,
        framed=False,
    )
