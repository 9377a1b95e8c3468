"""The connection of one client: bytes in, requests to the handler in order, answers out.

    idle ──first byte──▶ head ──complete──▶ busy ──answered──▶ idle
                          │ fault            │ hijack   │ refused with bytes unread
                          ▼                  ▼          ▼
                        linger              raw       linger ──▶ closed

A handler that answers at once is called where the bytes come in; one that waits gets a task. Either
way pipelined requests are answered in order: bytes behind the request at hand wait undecoded, and
are the early bytes of the stream if it is hijacked.

A client that leaves cancels the handler only when that asked for it (streams, hijacked
connections): a stop or a create goes on to its end. A unix socket tells leaving (HUP) from
half-closing; on TCP an end of input counts as leaving for streams, as in Go's server, and as
half-closing for hijacked connections.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

from budu.api.http.answers import hijack_head, refusal, stream_head, whole_answer
from budu.api.http.connections import Connections, ConnectionSettings, Handler, Reply
from budu.api.http.head import RequestHead
from budu.api.http.hijack import HijackedStream
from budu.api.http.intake import Intake
from budu.api.http.limits import ClientGone, HttpFault
from budu.api.http.outlet import Outlet
from budu.api.http.presence import has_left
from budu.api.http.request import Body, Request
from budu.api.http.response import Response, StreamResponse

__all__ = ["Handler", "HttpConnection", "Reply"]

log = logging.getLogger(__name__)


class HttpConnection(asyncio.Protocol):
    """One client. See the module for its life."""

    def __init__(self, settings: ConnectionSettings, connections: Connections) -> None:
        self.limits = settings.limits
        """The bounds of this connection."""
        self._settings = settings
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._outlet: Outlet
        # receiving
        self._intake = Intake(settings.limits, self._regulate)
        self._reading_paused = False
        self._peer_eof = False
        # the request at hand
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._follows_client = False
        self._raw: HijackedStream | None = None
        # ending
        self._deadline = math.inf
        self._on_deadline: Callable[[], None] = self.hang_up
        self._lingering = False
        self._thrown_away = 0
        self._last_request = False

    # asyncio.Protocol: what happens on the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._outlet = Outlet(self._transport)
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
        elif not self._is_ending:
            self._intake.receive(data)
            self._advance()
        elif self._lingering:
            self._throw_away(len(data))

    def eof_received(self) -> bool:
        """The client closed its direction; True keeps ours open."""
        self._peer_eof = True
        if self._raw is not None:
            self._intake.inbox.feed_eof()
        elif self._intake.is_within_body:
            self._intake.inbox.fail(ClientGone("the client left in the middle of the request body"))
        elif not self._is_busy:
            return False
        self._cancel_if_gone()
        return not self._lingering

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._disarm()
        self._connections.open.discard(self)
        if self._raw is not None:
            self._intake.inbox.feed_eof()
        else:
            self._intake.inbox.fail(ClientGone("the client left"))
        self._outlet.lose()
        if self._follows_client and not self._outlet.is_closing and self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client is slow: writers wait in `drain`, and the next request with them."""
        self._outlet.pause()

    def resume_writing(self) -> None:
        """The client caught up."""
        self._outlet.resume()
        if not self._is_busy:
            self._arm(self.limits.idle_timeout_s, self.hang_up)
            self._advance()

    # receiving

    @property
    def _is_ending(self) -> bool:
        """Whether no further request is taken."""
        return self._lingering or self._outlet.is_closing or self._outlet.is_lost

    @property
    def _is_busy(self) -> bool:
        """Whether the next request has to wait."""
        return self._request is not None or self._outlet.is_slow or self._is_ending

    def _advance(self) -> None:
        """Moves received bytes on, and requests that are complete to the handler."""
        had_head, had_body = self._intake.is_within_head, self._intake.is_within_body
        try:
            while (head := self._intake.advance(busy=self._is_busy)) is not None:
                self._begin(head)
            if self._peer_eof and not self._is_busy:
                self.hang_up()
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
        """A head is here: calls the handler, with the body that is here already."""
        self._disarm()
        inbox = self._intake.begin_body(head)
        body = Body(
            self,
            inbox,
            length=None if "transfer-encoding" in head.headers else head.content_length or 0,
            expects_continue="expect" in head.headers and not head.http_1_0,
        )
        self._request = request = Request(self, head, body=body)
        if self._intake.is_within_body:
            self._advance()
        try:
            answer = self._settings.handler(request)
        except Exception:
            self._break_off(request)
            return
        if isinstance(answer, Response):
            self._conclude(request, answer)
            return
        task = self._loop.create_task(self._serve(request, answer), name=f"http {id(self):x}")
        task.add_done_callback(lambda _: answer.close())  # cancelled early, it has not begun
        self._task = task
        self._connections.keep(task)

    def _regulate(self) -> None:
        """Stops reading the socket while too much waits for its reader."""
        held, limit = self._intake.held, self.limits.buffer_bytes
        if held > limit and not self._reading_paused and not self._transport.is_closing():
            self._reading_paused = True
            self._transport.pause_reading()
        elif self._reading_paused and held <= limit // 2 and not self._transport.is_closing():
            self._reading_paused = False
            self._transport.resume_reading()

    # answering

    async def _serve(self, request: Request, answer: Coroutine[Any, Any, Reply]) -> None:
        """The task of a request whose handler waits."""
        try:
            self._conclude(request, await answer)
            self._advance()
        except asyncio.CancelledError:
            if self._raw is not None:
                self.hang_up()  # raw bytes have no end mark
            else:
                self.abort()
            raise
        except ClientGone:
            self.hang_up()
        except Exception:
            self._break_off(request)

    def _break_off(self, request: Request) -> None:
        """The handler failed: the answer is cut."""
        log.exception("%s %s: broken off", request.method, request.path)
        self.abort()

    def _conclude(self, request: Request, reply: Reply) -> None:
        """Sends what is left of the answer, then goes on with the next request or ends."""
        head, keeps = request.head, self._can_keep(request.head)
        match reply:
            case Response():
                fixed = self._settings.headers
                self._outlet.send(whole_answer(head, reply, fixed=fixed, keeps=keeps))
            case StreamResponse():
                reply.finish()
                keeps = keeps and not head.http_1_0
            case HijackedStream():
                keeps = False
        self._request = self._task = None
        self._follows_client = False
        if keeps and self._outlet.is_slow:
            return  # `resume_writing` goes on
        if keeps:
            self._arm(self.limits.idle_timeout_s, self.hang_up)
        elif self._intake.is_within_body or self._lingering:
            self._linger()
        else:
            self.hang_up()

    def _can_keep(self, head: RequestHead) -> bool:
        """Whether another request may follow: not when this one's body was left unread."""
        return (
            head.keep_alive
            and not self._intake.is_within_body
            and not (self._last_request or self._is_ending)
        )

    # Wire: what requests and answers ask for

    def send(self, data: bytes) -> None:
        """See `Wire`."""
        self._outlet.send(data)

    async def drain(self) -> None:
        """See `Wire`."""
        await self._outlet.drain()

    async def taken(self, *, within_s: float) -> None:
        """See `Wire`."""
        await self._outlet.taken(within_s=within_s)

    def send_eof(self) -> None:
        """See `Wire`."""
        self._outlet.send_eof()

    def hang_up(self) -> None:
        """See `Wire`."""
        self._disarm()
        self._outlet.close()

    def abort(self) -> None:
        """See `Wire`."""
        self._disarm()
        self._outlet.abort()

    def send_continue(self) -> None:
        """See `Wire`."""
        self._outlet.send(b"HTTP/1.1 100 Continue\r\n\r\n")

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
        rendered = stream_head(
            head,
            status,
            content_type=content_type,
            headers=headers,
            fixed=self._settings.headers,
            keeps=self._can_keep(head),
        )
        self._outlet.send(rendered)
        return StreamResponse(self, chunked=not head.http_1_0)

    def hijack(self, content_type: str, *, headers: Mapping[str, str]) -> HijackedStream:
        """See `Wire`."""
        assert self._request is not None
        head, fixed = self._request.head, self._settings.headers
        self._outlet.send(hijack_head(head, content_type, headers=headers, fixed=fixed))
        inbox = self._intake.begin_raw()
        if self._peer_eof or self._outlet.is_lost:
            inbox.feed_eof()
        self._raw = HijackedStream(self, inbox)
        self._regulate()
        self.cancel_when_client_leaves()
        return self._raw

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
        self._outlet.send(refusal(fault, fixed=self._settings.headers))
        self._linger()

    def _linger(self) -> None:
        """Half-closes and throws away what still comes: closing with bytes unread would make the
        kernel reset the connection before the client has read the answer."""
        self._lingering = True
        self._intake.discard()
        if self._peer_eof:
            self.hang_up()
            return
        self._outlet.send_eof()
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        self._arm(self.limits.linger_s, self.hang_up)

    def _throw_away(self, size: int) -> None:
        """More of what nobody reads came; a client that goes on and on is cut."""
        self._thrown_away += size
        if self._thrown_away > self.limits.linger_bytes:
            self.abort()

    def _cancel_if_gone(self) -> None:
        if not self._follows_client or self._outlet.is_closing or self._task is None:
            return
        # a client whose raw bytes still wait in the socket has left only when they are taken
        is_unread = self._reading_paused and self._raw is None
        if (self._peer_eof or is_unread) and self._is_gone():
            self._follows_client = False
            self._task.cancel()

    def _is_gone(self) -> bool:
        counts = self._raw is None and self._peer_eof
        return self._outlet.is_lost or has_left(self._transport, end_of_input_counts=counts)
