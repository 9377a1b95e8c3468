"""Attaching through a WebSocket, for clients that live in a browser.

Source: Engine API 1.51, ContainerAttachWebsocket; moby, `wsContainersAttach`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from budu.api.handlers.closing import closing
from budu.api.http.limits import ClientGone
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.routing import Route, route
from budu.api.versions import ApiVersion
from budu.engine.contract import Attachment, AttachOptions, Containers

if TYPE_CHECKING:
    from budu.api.http.websocket import WebSocketStream

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
            await pump_messages(socket, attachment, takes_input=options.stdin and options.stream)
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


async def pump_messages(
    socket: WebSocketStream, attachment: Attachment, *, takes_input: bool
) -> None:
    """Passes bytes both ways until the output ends, or the client leaves or detaches."""
    directions = (
        asyncio.create_task(
            _pass_input(socket, attachment, takes_input=takes_input), name="websocket input"
        ),
        asyncio.create_task(_pass_output(socket, attachment), name="websocket output"),
    )
    try:
        done, _ = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction in done:
            direction.result()
    except (asyncio.CancelledError, ClientGone):
        if socket.raw.input_ended:  # what it sent before it left is still passed on
            await directions[0]
        raise
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)


async def _pass_input(
    socket: WebSocketStream, attachment: Attachment, *, takes_input: bool
) -> None:
    """Reads in any case: pings and the goodbye come on the same way."""
    while data := await socket.read():
        if takes_input and not await attachment.write(data):
            return
    if takes_input:
        await attachment.close_stdin()


async def _pass_output(socket: WebSocketStream, attachment: Attachment) -> None:
    async with closing(attachment.output()) as output:
        async for data in output:
            socket.write(data)
            await socket.drain()
