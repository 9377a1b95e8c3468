"""Execs: more processes in a running container.

Source: Engine API 1.51, tag Exec.
"""

from __future__ import annotations

from budu.api.handlers.container_streams import content_type_of, dimension
from budu.api.handlers.pump import pump
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route, route_json
from budu.base.errors import BuduError
from budu.engine.contract.execs import Execs
from budu.spec.api.exec import ExecCreateBody, ExecStartBody
from budu.spec.stream import STDOUT, encode_frame


class ExecHandlers:
    """Operations on execs."""

    def __init__(self, execs: Execs) -> None:
        self._execs = execs

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/exec/{id}"
        return (
            route_json(
                "POST",
                "/containers/{id}/exec",
                self.create,
                operation="ContainerExec",
                body=ExecCreateBody,
                body_required=True,
            ),
            route_json(
                "POST", f"{one}/start", self.start, operation="ExecStart", body=ExecStartBody
            ),
            route("POST", f"{one}/resize", self.resize, operation="ExecResize"),
            route("GET", f"{one}/json", self.inspect, operation="ExecInspect"),
        )

    async def create(self, request: Request, body: ExecCreateBody) -> Reply:
        """Prepares a process."""
        id_ = self._execs.create(request.params["id"], body)
        return Response.json({"Id": id_}, status=201)

    async def start(self, request: Request, options: ExecStartBody) -> Reply:
        """Runs it, and connects the client unless it wants none of that.

        A program that cannot be run is told where its output would be, as Docker does: the client
        has been connected by then.
        """
        id_ = request.params["id"]
        if options.detach:
            await (await self._execs.start(id_, options)).aclose()
            return Response.empty(200)
        self._execs.check_start(id_)
        stream = await request.hijack(content_type_of(request, tty=options.tty))
        try:
            attachment = await self._execs.start(id_, options)
        except BuduError as error:
            text = f"{error.message}\r\n".encode()
            stream.write(text if options.tty else encode_frame(STDOUT, text))
            await stream.drain()
            return stream
        try:
            await pump(stream, attachment, takes_input=True)
        finally:
            await attachment.aclose()
        return stream

    async def resize(self, request: Request) -> Reply:
        """Tells its terminal the size."""
        await self._execs.resize(
            request.params["id"],
            height=dimension(request, "h", "height"),
            width=dimension(request, "w", "width"),
        )
        return Response.empty(200)

    def inspect(self, request: Request) -> Response:
        """Everything about one."""
        return Response.json(self._execs.inspect(request.params["id"]))
