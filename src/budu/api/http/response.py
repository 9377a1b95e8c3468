"""Answers: whole ones, and those that are written while they come into being."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

from budu.api.codec import encode
from budu.api.http.wire import Wire

JSON = "application/json"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# fmt: off
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)
# fmt: on
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset((204, 304))


class Response:
    """An answer whose body is there as a whole. Not changed once made: it may be sent often."""

    __slots__ = ("_lines", "body", "content_type", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        *,
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        """HTTP status."""
        self.body = body
        """Bytes of the body; not sent to HEAD, 204 and 304."""
        self.content_type = content_type
        """Value of Content-Type; empty for none."""
        self.headers = headers or {}
        """Further headers."""
        self._lines: bytes | None = None

    @property
    def lines(self) -> bytes:
        """The rendered header lines of `content_type` and `headers`."""
        if self._lines is None:
            self._lines = render_lines(self.content_type, self.headers)
        return self._lines

    @classmethod
    def json(
        cls, document: object, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A document as JSON."""
        return cls(status, encode(document), content_type=JSON, headers=headers)

    @classmethod
    def text(
        cls, text: str, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Plain text."""
        content_type = "text/plain; charset=utf-8"
        return cls(status, text.encode(), content_type=content_type, headers=headers)

    @classmethod
    def empty(cls, status: int = 204, *, headers: Mapping[str, str] | None = None) -> Response:
        """No body."""
        return cls(status, headers=headers)


class StreamResponse:
    """An answer under way: the head is sent, pieces follow.

    Made by `Request.stream`. The connection finishes it when the handler returns it; a handler
    that raises leaves it broken off, which the client can tell from its end.
    """

    __slots__ = ("_chunked", "_finished", "_wire")

    def __init__(self, wire: Wire, *, chunked: bool) -> None:
        self._wire = wire
        self._chunked = chunked
        self._finished = False

    async def write(self, data: bytes) -> None:
        """Sends one piece at once and waits while the client is slow.

        Raises: ClientGone.
        """
        if data:
            self._wire.send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        await self._wire.drain()

    def finish(self) -> None:
        """Marks the true end. Idempotent."""
        if not self._finished and self._chunked:
            self._wire.send(b"0\r\n\r\n")
        self._finished = True


def render_head(
    status: int, *, fixed: bytes, lines: bytes = b"", framing: bytes = b"", body: bytes = b""
) -> bytes:
    """Status line, headers and body; `fixed` are rendered header lines that every answer carries,
    `lines` those of this one, `framing` those that tell the body's end and the connection's
    fate."""
    start = _start(status, fixed, int(time.time()))
    return b"".join((start, lines, framing, b"\r\n", body))


def render_lines(content_type: str, headers: Mapping[str, str]) -> bytes:
    """The header lines of an answer; Content-Type only where there is one."""
    lines = [render_header(name, value) for name, value in headers.items()]
    if content_type:
        lines.insert(0, render_header("Content-Type", content_type))
    return b"".join(lines)


def render_header(name: str, value: str) -> bytes:
    """One header line; line ends inside would let a value forge another header."""
    line = f"{name}: {value}".replace("\r", " ").replace("\n", " ")
    return line.encode("latin-1", "replace") + b"\r\n"


def has_body(status: int) -> bool:
    """Whether answers of this status carry a body and its length."""
    return status not in _BODILESS and status >= 200


@lru_cache(maxsize=16)
def _start(status: int, fixed: bytes, now_s: int) -> bytes:
    """What all answers of one status have in common within one second."""
    reason = "UPGRADED" if status == 101 else _REASONS.get(status, "Unknown")
    t = time.gmtime(now_s)
    clock = f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02}"
    day = f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year}"
    date = f"Date: {day} {clock} GMT\r\n"
    return b"".join((f"HTTP/1.1 {status} {reason}\r\n".encode(), fixed, date.encode()))
