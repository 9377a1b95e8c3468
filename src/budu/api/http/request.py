"""One request as a handler sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from budu.api import codec
from budu.api.http.head import RequestHead
from budu.api.http.hijack import HijackedStream
from budu.api.http.inbox import Inbox
from budu.api.http.limits import HttpFault, Limits
from budu.api.http.query import Query
from budu.api.http.response import JSON, StreamResponse
from budu.api.http.wire import Wire
from budu.api.versions import MAX_VERSION, ApiVersion

T = TypeVar("T", bound=msgspec.Struct)

_LOSES_EARLY_BYTES = "docker-sdk-python/"
"""docker-py reads the head through a buffer and the rest from the socket: what came together with
the head stays in that buffer. Source: docker-py 7.1, api/client.py (_get_raw_response_socket)."""
_HEAD_TAKEN_S = 5.0


class Body:
    """The request's body: read piece by piece, or as a whole within the limits."""

    __slots__ = ("_expects_continue", "_inbox", "_wire", "length")

    def __init__(
        self, wire: Wire, inbox: Inbox, *, length: int | None, expects_continue: bool
    ) -> None:
        self.length = length
        """Announced length; None for a chunked body."""
        self._wire = wire
        self._inbox = inbox
        self._expects_continue = expects_continue

    async def read(self) -> bytes:
        """The next bytes; `b""` at the end. No deadline: the source may be a slow pipe.

        Raises: ClientGone or HttpFault when the body breaks off.
        """
        if self._expects_continue and not self._inbox.ended:
            self._wire.send_continue()
        self._expects_continue = False
        return await self._inbox.read()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body to its end, piece by piece."""
        while piece := await self.read():
            yield piece

    async def read_all(self) -> bytes:
        """The whole body, which must be short and come soon.

        Raises: HttpFault 413 or 408, or as `read`.
        """
        limit = self._wire.limits.json_bytes
        if self.length is not None and self.length > limit:
            raise HttpFault(413, "http: request body too large")
        if not self._inbox.ended:
            self._wire.expect_body_within(self._wire.limits.body_timeout_s)
        pieces = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > limit:
                raise HttpFault(413, "http: request body too large")
            pieces.append(piece)
        return b"".join(pieces)


class Request:
    """One request. `params` and `version` are filled in by the router."""

    __slots__ = ("_wire", "began", "body", "head", "params", "path", "query", "version")

    def __init__(self, wire: Wire, head: RequestHead, *, body: Body) -> None:
        self._wire = wire
        self.head = head
        """Method, target and headers as sent."""
        self.body = body
        """The body, unread."""
        path, _, raw_query = _origin_form(head.target).partition("?")
        self.path = unquote(path, errors="replace") if "%" in path else path
        """Decoded path, with the version prefix until the router cuts it."""
        self.query = Query(raw_query)
        """Parameters behind the `?`."""
        self.params: Mapping[str, str] = {}
        """Named parts of the path."""
        self.version: ApiVersion = MAX_VERSION
        """API version that the client speaks."""
        self.began = False
        """Whether the head of a streamed answer has been sent already."""

    @property
    def method(self) -> str:
        """Upper-case method."""
        return self.head.method

    def header(self, name: str, default: str = "") -> str:
        """A header by its lower-case name."""
        return self.head.headers.get(name, default)

    async def json(self, kind: type[T], *, required: bool = False) -> T:
        """The body as a value of `kind`; without a body, its defaults unless it is required.

        Raises: InvalidArgument in Docker's words; HttpFault when too long or too slow.
        """
        data = await self.body.read_all()
        if not data and not required:
            return codec.zero(kind)
        codec.require_json(self.header("content-type", JSON if not data else ""))
        return codec.decode(data, kind)

    @property
    def limits(self) -> Limits:
        """The bounds of its connection."""
        return self._wire.limits

    def follow_client(self) -> None:
        """Cancels this handler when the client goes away, even before an answer began."""
        self._wire.cancel_when_client_leaves()

    def stream(
        self,
        *,
        status: int = 200,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> StreamResponse:
        """Sends the head of an answer at once; return the stream when it is written.

        The handler is cancelled when the client goes away.
        """
        self.began = True
        return self._wire.begin_stream(status, content_type=content_type, headers=headers or {})

    async def hijack(
        self, content_type: str, *, headers: Mapping[str, str] | None = None
    ) -> HijackedStream:
        """Leaves HTTP and takes the connection over; return the stream at the end.

        The handler is cancelled when the client goes away altogether, not when it half-closes.
        `content_type` is told only to clients that sent Upgrade; others expect the raw one.
        Empty, there is none. A client that would lose bytes that come with the head has read it
        first.
        Raises: HttpFault or ClientGone when the request's body does not end well.
        """
        await self.body.read_all()
        self.began = True
        stream = self._wire.hijack(content_type, headers=headers or {})
        if self.header("user-agent").startswith(_LOSES_EARLY_BYTES):
            await self._wire.taken(within_s=_HEAD_TAKEN_S)
        return stream

    def abort(self) -> None:
        """Breaks a begun answer off so that the client notices."""
        self._wire.abort()


def _origin_form(target: str) -> str:
    """The target as path and query; proxies send a whole URL."""
    if target.startswith("/"):
        return target
    _, scheme_end, rest = target.partition("://")
    return "/" + rest.partition("/")[2] if scheme_end else target
