"""Cuts the bytes of a connection into requests: head, body, head, body …

Bytes behind the request at hand wait undecoded: they are the next request, or the early bytes of
the stream when the request at hand takes the connection over.
"""

from __future__ import annotations

from collections.abc import Callable

from budu.api.http.framing import Framing, framing_of
from budu.api.http.head import HeadParser, RequestHead
from budu.api.http.inbox import Inbox
from budu.api.http.limits import HttpFault, Limits


class Intake:
    """The receiving half of one connection; knows no socket."""

    __slots__ = ("_framing", "_limits", "_on_taken", "_parser", "_pending", "inbox")

    def __init__(self, limits: Limits, on_taken: Callable[[], None]) -> None:
        self._limits = limits
        self._on_taken = on_taken
        self._pending = b""
        self._parser: HeadParser | None = None
        self._framing: Framing | None = None
        self.inbox = Inbox(on_taken)
        """What the reader of the present body, or of the hijacked stream, has not taken yet."""

    @property
    def held(self) -> int:
        """Bytes that wait for somebody."""
        return len(self._pending) + self.inbox.size

    @property
    def is_within_head(self) -> bool:
        """Whether a head has begun and is not complete."""
        return self._parser is not None

    @property
    def is_within_body(self) -> bool:
        """Whether bytes of the present body are still to come."""
        return self._framing is not None

    def receive(self, data: bytes) -> None:
        """Takes bytes; `advance` moves them on."""
        self._pending = self._pending + data if self._pending else data

    def advance(self, *, busy: bool) -> RequestHead | None:
        """Moves bytes into the present body, and, unless `busy` with a request, into a head.

        Returns the head once it is complete.
        Raises: HttpFault.
        """
        if self._framing is not None:
            self._feed_body(self._framing)
        if busy or self._framing is not None or not self._pending:
            return None
        return self._feed_head()

    def begin_body(self, head: RequestHead) -> Inbox:
        """Sets the body of a request up; returns where its bytes will be.

        Raises: HttpFault for a framing that is not understood.
        """
        framing = framing_of(head)
        self.inbox = Inbox(self._on_taken)
        if framing.done:
            self.inbox.feed_eof()
        else:
            self._framing = framing
        return self.inbox

    def begin_raw(self) -> Inbox:
        """Ends the parsing: all further bytes, and those that wait, are the stream's."""
        self.inbox = Inbox(self._on_taken)
        if self._pending:
            self.inbox.feed(self._pending)
        self._pending = b""
        return self.inbox

    def discard(self) -> None:
        """Drops what waits undecoded."""
        self._pending = b""

    def _feed_body(self, framing: Framing) -> None:
        used = framing.feed(self._pending, self.inbox.feed)
        self._pending = self._pending[used:]
        if framing.done:
            self._framing = None
            self.inbox.feed_eof()

    def _feed_head(self) -> RequestHead | None:
        self._parser = self._parser or HeadParser(self._limits)
        used = self._parser.feed(self._pending)
        self._pending = self._pending[used:]
        if not self._parser.complete:
            return None
        head = self._parser.head()
        self._parser = None
        if head.headers.get("expect", "100-continue").lower() != "100-continue":
            raise HttpFault(417, f"unsupported expectation: {head.headers['expect'][:100]}")
        return head
