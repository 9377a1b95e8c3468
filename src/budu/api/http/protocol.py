"""The connection of one client: bytes in, requests to the handler in order, answers out.

    idle ──first byte──▶ head ──complete──▶ busy ──answered──▶ idle
                          │ fault            │ hijack   │ refused with bytes unread
                          ▼                  ▼          ▼
                        linger              raw       linger ──▶ closed

One task per connection calls the handler, so pipelined requests are answered in order; bytes behind
the request at hand wait undecoded, and are the early bytes of the stream if it is hijacked.

A client that leaves cancels the handler only when that asked for it (streams, hijacked
connections): a stop or a create goes on to its end. A unix socket tells leaving (HUP) from
half-closing; on TCP an end of input counts as leaving for streams, as in Go's server, and as
half-closing for hijacked connections.
"""

from __future__ import annotations

import asyncio
import logging
import math
import select
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import msgspec

from budu.api.http.head import RequestHead
from budu.api.http.hijack import RAW_STREAM, HijackedStream
from budu.api.http.intake import Intake
from budu.api.http.limits import ClientGone, HttpFault, Limits
from budu.api.http.request import Body, Request
from budu.api.http.response import (
    Response,
    StreamResponse,
    has_body,
    render_head,
    render_header,
)

log = logging.getLogger(__name__)

Reply = Response | StreamResponse | HijackedStream
Handler = Callable[[Request], Awaitable[Reply]]

_CLOSE = b"Connection: close\r\n"
_KEEP_ALIVE = b"Connection: keep-alive\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What all connections of a server share."""

    handler: Handler
    """Answers every request. What it raises cuts the connection and is logged."""
    headers: bytes = b""
    """Rendered header lines that every answer carries."""
    limits: Limits = Limits()
    """Bounds of size and time."""


class Connections:
    """The connections of one server, and the tasks of all, also of those whose client left."""

    def __init__(self) -> None:
        self.open: set[HttpConnection] = set()
        """Connections whose socket is open."""
        self._tasks: set[asyncio.Task[None]] = set()

    def keep(self, task: asyncio.Task[None]) -> None:
        """Takes the task of a connection until it has ended."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, seconds: float) -> None:
        """Waits until every handler has ended, at most so long."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=seconds)

    def cancel(self) -> None:
        """Cancels every handler and cuts every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        for connection in tuple(self.open):
            connection.abort()


class HttpConnection(asyncio.Protocol):
    """One client. See the module for its life."""

    def __init__(self, settings: ConnectionSettings, connections: Connections) -> None:
        self.limits = settings.limits
        """The bounds of this connection."""
        self._settings = settings
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None
        # receiving
        self._intake = Intake(settings.limits, self._regulate)
        self._reading_paused = False
        self._peer_eof = False
        # the request at hand
        self._request: Request | None = None
        self._next: asyncio.Future[Request | None] | None = None
        self._follows_client = False
        self._raw: HijackedStream | None = None
        # sending
        self._writing_paused = False
        self._drainers: list[asyncio.Future[None]] = []
        # ending
        self._deadline = math.inf
        self._on_deadline: Callable[[], None] = self.hang_up
        self._lingering = False
        self._last_request = False
        self._closing = False
        self._lost = False

    # asyncio.Protocol: what happens on the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._connections.open.add(self)
        if len(self._connections.open) > self.limits.connections:
            self._refuse(HttpFault(503, "too many connections"))
        else:
            self._arm(self.limits.idle_timeout_s, self.hang_up)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._raw is not None:
            self._intake.inbox.feed(data)
            self._regulate()
        elif not (self._lingering or self._closing):
            self._intake.receive(data)
            self._advance()

    def eof_received(self) -> bool:
        """The client closed its direction; True keeps ours open."""
        self._peer_eof = True
        if self._raw is not None:
            self._intake.inbox.feed_eof()
        elif self._intake.is_within_body:
            self._intake.inbox.fail(ClientGone("the client left in the middle of the request body"))
        elif self._request is None:
            return False
        self._cancel_if_gone()
        return not self._lingering

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._lost = True
        self._disarm()
        self._connections.open.discard(self)
        if self._raw is not None:
            self._intake.inbox.feed_eof()
        else:
            self._intake.inbox.fail(ClientGone("the client left"))
        self._wake_drainers()
        self._wake_task(None)
        if self._follows_client and not self._closing and self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client is slow: writers wait in `drain`."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """The client caught up."""
        self._writing_paused = False
        self._wake_drainers()

    # receiving

    def _advance(self) -> None:
        """Moves received bytes on, and a request that is complete to the task."""
        had_head, had_body = self._intake.is_within_head, self._intake.is_within_body
        try:
            head = self._intake.advance(busy=self._request is not None)
            if head is not None:
                self._begin(head)
            elif self._intake.is_within_head and not had_head:
                self._arm(self.limits.header_timeout_s, self._head_too_slow)
            elif had_body and not self._intake.is_within_body:
                self._disarm()
        except HttpFault as fault:
            self._receive_fault(fault)
        self._regulate()

    def _receive_fault(self, fault: HttpFault) -> None:
        """Bytes that are no HTTP: told to the client, through the handler if that is at work."""
        self._intake.discard()
        if self._request is None:
            self._refuse(fault)
        else:
            self._intake.inbox.fail(fault)
            self._lingering = True

    def _begin(self, head: RequestHead) -> None:
        """A head is here: hands the request to the task, and its body to whoever reads it."""
        self._disarm()
        inbox = self._intake.begin_body(head)
        body = Body(
            self,
            inbox,
            length=None if "transfer-encoding" in head.headers else head.content_length or 0,
            expects_continue="expect" in head.headers and not head.http_1_0,
        )
        self._request = Request(self, head, body=body)
        if self._task is None:
            self._task = self._loop.create_task(self._serve(), name=f"http {id(self):x}")
            self._connections.keep(self._task)
        self._wake_task(self._request)
        if self._intake.is_within_body:
            self._advance()

    def _regulate(self) -> None:
        """Stops reading the socket while too much waits for its reader."""
        held = self._intake.held
        if self._transport.is_closing():
            return
        if held > self.limits.buffer_bytes and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()
        elif held <= self.limits.buffer_bytes // 2 and self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()

    # the task

    async def _serve(self) -> None:
        """Answers one request after the other."""
        while (request := await self._next_request()) is not None:
            try:
                reply = await self._settings.handler(request)
                await self._conclude(request, reply)
            except asyncio.CancelledError:
                self._break_off()
                raise
            except ClientGone:
                self.hang_up()
                break
            except Exception:
                log.exception("%s %s: broken off", request.method, request.path)
                self.abort()
                break

    def _break_off(self) -> None:
        """The handler was cancelled: raw bytes have no end mark, an HTTP answer is cut."""
        if self._raw is not None:
            self.hang_up()
        else:
            self.abort()

    async def _next_request(self) -> Request | None:
        if self._request is not None or self._lost:
            return self._request
        self._next = self._loop.create_future()
        try:
            return await self._next
        finally:
            self._next = None

    def _wake_task(self, request: Request | None) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(request)

    async def _conclude(self, request: Request, reply: Reply) -> None:
        """Sends what is left of the answer, then goes on with the next request or ends."""
        keeps = self._can_keep(request.head)
        match reply:
            case Response():
                self._send_response(request.head, reply)
            case StreamResponse():
                reply.finish()
                keeps = keeps and not request.head.http_1_0
            case HijackedStream():
                keeps = False
        self._request = None
        self._follows_client = False
        if keeps:
            await self.drain()
            self._arm(self.limits.idle_timeout_s, self.hang_up)
            self._advance()
            if self._peer_eof and self._request is None:
                self.hang_up()
        elif self._intake.is_within_body or self._lingering:
            self._linger()
        else:
            self.hang_up()

    def _can_keep(self, head: RequestHead) -> bool:
        """Whether another request may follow: not when this one's body was left unread."""
        return (
            head.keep_alive
            and not self._intake.is_within_body
            and not (self._lingering or self._last_request or self._closing)
        )

    def _send_response(self, head: RequestHead, response: Response) -> None:
        framing = b""
        if has_body(response.status):
            framing = b"Content-Length: %d\r\n" % len(response.body)
        if not self._can_keep(head):
            framing += _CLOSE
        elif head.http_1_0:
            framing += _KEEP_ALIVE
        rendered = render_head(
            response.status,
            fixed=self._settings.headers,
            content_type=response.content_type,
            headers=response.headers,
            framing=framing,
        )
        sends_body = head.method != "HEAD" and has_body(response.status)
        self.send(rendered + response.body if sends_body else rendered)

    # Wire: what requests and answers ask for

    def send(self, data: bytes) -> None:
        """See `Wire`."""
        if not (self._lost or self._closing):
            self._transport.write(data)

    async def drain(self) -> None:
        """See `Wire`."""
        if self._transport.is_closing():
            await asyncio.sleep(0)  # a failed write tells connection_lost only in the next turn
        if self._lost:
            raise ClientGone("the client left")
        if not self._writing_paused:
            return
        drainer = self._loop.create_future()
        self._drainers.append(drainer)
        await drainer
        if self._lost:
            raise ClientGone("the client left")

    def send_eof(self) -> None:
        """See `Wire`."""
        if not (self._lost or self._closing) and self._transport.can_write_eof():
            self._transport.write_eof()

    def hang_up(self) -> None:
        """See `Wire`."""
        self._closing = True
        self._disarm()
        self._transport.close()

    def abort(self) -> None:
        """See `Wire`."""
        self._closing = True
        self._disarm()
        self._transport.abort()

    def send_continue(self) -> None:
        """See `Wire`."""
        self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def expect_body_within(self, seconds: float) -> None:
        """See `Wire`."""
        self._arm(seconds, self._body_too_slow)

    def cancel_when_client_leaves(self) -> None:
        """See `Wire`."""
        self._follows_client = True
        self._cancel_if_gone()

    def begin_stream(
        self, status: int, *, content_type: str, headers: Mapping[str, str]
    ) -> StreamResponse:
        """See `Wire`."""
        assert self._request is not None
        self.cancel_when_client_leaves()
        head = self._request.head
        framing = _CLOSE if head.http_1_0 else _CHUNKED
        if not (head.http_1_0 or self._can_keep(head)):
            framing += _CLOSE
        rendered = render_head(
            status,
            fixed=self._settings.headers,
            content_type=content_type,
            headers=headers,
            framing=framing,
        )
        self.send(rendered)
        return StreamResponse(self, chunked=not head.http_1_0)

    def hijack(self, content_type: str) -> HijackedStream:
        """See `Wire`."""
        assert self._request is not None
        head = self._request.head
        self._send_hijack_head(head, content_type)
        inbox = self._intake.begin_raw()
        if self._peer_eof or self._lost:
            inbox.feed_eof()
        self._raw = HijackedStream(self, inbox)
        self._regulate()
        self.cancel_when_client_leaves()
        return self._raw

    def _send_hijack_head(self, head: RequestHead, content_type: str) -> None:
        if head.is_upgrade:
            status = 101
            framing = b"Connection: Upgrade\r\n" + render_header("Upgrade", head.headers["upgrade"])
        else:
            status, content_type, framing = 200, RAW_STREAM, b""
        rendered = render_head(
            status, fixed=self._settings.headers, content_type=content_type, framing=framing
        )
        self.send(rendered)

    # ending

    def shut_down(self) -> None:
        """The server ends: at once when idle or streaming, else after the answer at hand."""
        self._last_request = True
        if self._request is None:
            self.hang_up()
        elif self._follows_client and self._task is not None:
            self._task.cancel()

    def check(self, now: float) -> None:
        """Looks at the deadlines; `now` is the loop's time. Called by the server now and then."""
        self._cancel_if_gone()
        if now >= self._deadline:
            self._deadline = math.inf
            self._on_deadline()

    def _arm(self, seconds: float, action: Callable[[], None]) -> None:
        self._deadline = self._loop.time() + seconds
        self._on_deadline = action

    def _disarm(self) -> None:
        self._deadline = math.inf

    def _head_too_slow(self) -> None:
        self._refuse(HttpFault(408, "timeout while reading the request headers"))

    def _body_too_slow(self) -> None:
        self._intake.inbox.fail(HttpFault(408, "timeout while reading the request body"))

    def _refuse(self, fault: HttpFault) -> None:
        """Answers a fault outside of any request, and hangs up."""
        response = Response.json({"message": fault.message}, status=fault.status)
        rendered = render_head(
            response.status,
            fixed=self._settings.headers,
            content_type=response.content_type,
            framing=b"Content-Length: %d\r\n%b" % (len(response.body), _CLOSE),
        )
        self.send(rendered + response.body)
        self._linger()

    def _linger(self) -> None:
        """Half-closes and throws away what still comes: closing with bytes unread would make the
        kernel reset the connection before the client has read the answer."""
        self._lingering = True
        self._intake.discard()
        if self._peer_eof:
            self.hang_up()
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        self._arm(self.limits.linger_s, self.hang_up)

    def _cancel_if_gone(self) -> None:
        if not self._follows_client or self._closing or self._task is None:
            return
        if (self._peer_eof or self._reading_paused) and self._is_gone():
            self._follows_client = False
            self._task.cancel()

    def _is_gone(self) -> bool:
        """Whether the client closed both directions, as far as the kernel tells."""
        if self._lost:
            return True
        sock = self._transport.get_extra_info("socket")
        if sock is None:
            return True
        if sock.family != socket.AF_UNIX and self._raw is None and self._peer_eof:
            return True
        poll = select.poll()
        poll.register(sock.fileno(), 0)
        return any(mask & (select.POLLHUP | select.POLLERR) for _, mask in poll.poll(0))

    def _wake_drainers(self) -> None:
        drainers, self._drainers = self._drainers, []
        for drainer in drainers:
            if not drainer.done():
                drainer.set_result(None)
