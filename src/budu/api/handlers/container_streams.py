"""Containers: what stays open for a while: wait, logs, attach; and the terminal's size.

Source: Engine API 1.51, ContainerWait, ContainerLogs, ContainerAttach, ContainerResize.
"""

from __future__ import annotations

from budu.api.codec import encode
from budu.api.handlers.closing import closing
from budu.api.handlers.pump import pump
from budu.api.http.hijack import MULTIPLEXED_STREAM, RAW_STREAM
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.api.versions import ApiVersion
from budu.base.clock import parse_timestamp
from budu.base.errors import InvalidArgument
from budu.engine.contract import (
    AttachOptions,
    Containers,
    LogOptions,
    WaitResult,
)
from budu.spec.api.container import WaitExitError, WaitResponse

_MULTIPLEXED_SINCE = ApiVersion(1, 42)


class ContainerStreamHandlers:
    """Operations that stream."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/containers/{id}"
        return (
            route("POST", f"{one}/wait", self.wait, operation="ContainerWait"),
            route("GET", f"{one}/logs", self.logs, operation="ContainerLogs"),
            route("POST", f"{one}/attach", self.attach, operation="ContainerAttach"),
            route("POST", f"{one}/resize", self.resize, operation="ContainerResize"),
        )

    async def wait(self, request: Request) -> Reply:
        """Answers when the container ends. The head goes out at once: by it clients know that the
        wait is armed, and only then start the container."""
        waiting = self._containers.wait(request.params["id"], request.query.text("condition"))
        stream = request.stream()
        await stream.write(encode(_wait_view(await waiting)))
        return stream

    async def logs(self, request: Request) -> Reply:
        """What the container wrote, and what it goes on to write."""
        options = _log_options(request)
        tty, source = self._containers.logs(request.params["id"], options)
        async with closing(source):
            stream = request.stream(content_type=content_type_of(request, tty=tty))
            async for data in source:
                await stream.write(data)
        return stream

    async def attach(self, request: Request) -> Reply:
        """Joins stdin, stdout and stderr of the container's program."""
        options = _attach_options(request)
        attachment = await self._containers.attach(request.params["id"], options)
        try:
            content_type = content_type_of(request, tty=attachment.tty)
            stream = await request.hijack(content_type)
            await pump(stream, attachment, takes_input=options.stdin and options.stream)
        finally:
            await attachment.aclose()
        return stream

    async def resize(self, request: Request) -> Reply:
        """Tells the terminal its size."""
        await self._containers.resize(
            request.params["id"],
            height=dimension(request, "h", "height"),
            width=dimension(request, "w", "width"),
        )
        return Response.empty(200)


def content_type_of(request: Request, *, tty: bool) -> str:
    """The type of a stream of output, as this client's API version has it."""
    framed = not tty and request.version >= _MULTIPLEXED_SINCE
    return MULTIPLEXED_STREAM if framed else RAW_STREAM


def _wait_view(result: WaitResult) -> WaitResponse:
    error = WaitExitError(message=result.error) if result.error else None
    return WaitResponse(status_code=result.exit_code, error=error)


def _log_options(request: Request) -> LogOptions:
    query = request.query
    if not (query.flag("stdout") or query.flag("stderr")):
        raise InvalidArgument("Bad parameters: you must choose at least one stream")
    tail = query.text("tail")
    return LogOptions(
        stdout=query.flag("stdout"),
        stderr=query.flag("stderr"),
        follow=query.flag("follow"),
        timestamps=query.flag("timestamps"),
        details=query.flag("details"),
        since_ns=parse_timestamp(query.text("since") or "0"),
        until_ns=parse_timestamp(query.text("until") or "0"),
        tail=int(tail) if tail.isascii() and tail.isdigit() else None,
    )


def _attach_options(request: Request) -> AttachOptions:
    query = request.query
    return AttachOptions(
        stdin=query.flag("stdin"),
        stdout=query.flag("stdout"),
        stderr=query.flag("stderr"),
        stream=query.flag("stream"),
        logs=query.flag("logs"),
        detach_keys=query.text("detachKeys") or None,
    )


def dimension(request: Request, name: str, word: str) -> int:
    """A number of rows or columns. Raises: InvalidArgument."""
    text = request.query.text(name)
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 16):
        raise InvalidArgument(f'invalid resize {word} "{text[:20]}"')
    return int(text)
