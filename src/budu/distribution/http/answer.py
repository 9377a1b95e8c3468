"""Reads one answer from the bytes of a connection: llhttp judges them, here is what they mean.

Source: RFC 9112, section 6.3 (how the end of a body is found).
"""

from __future__ import annotations

from collections.abc import Callable

import httptools

from budu.distribution.http.failures import malformed

MAX_HEAD_BYTES = 64 << 10
"""Status line and headers of an answer, those of interim answers before it included."""
_BODILESS = frozenset({204, 304})


class AnswerHead:
    """Status line and headers of one answer."""

    def __init__(self, status: int, reason: str, headers: list[tuple[str, str]]) -> None:
        self.status = status
        """The HTTP status."""
        self.reason = reason
        """The words after the status."""
        self.headers = headers
        """Names in lower case with their values, in the order they came."""

    def values(self, name: str) -> list[str]:
        """All values of a header by its lower-case name."""
        return [value for key, value in self.headers if key == name]


class AnswerParser:
    """Takes the bytes of one answer. A new one is made for every request."""

    def __init__(
        self,
        method: str,
        *,
        on_head: Callable[[AnswerHead], None],
        on_body: Callable[[bytes], None],
    ) -> None:
        """`method` is that of the request: it decides whether the answer has a body."""
        self.is_done = False
        """Whether the answer's last byte was seen."""
        self.has_head = False
        """Whether its head was."""
        self.keeps_alive = False
        """Whether the connection may carry another request afterwards."""
        self._method = method
        self._tell_head = on_head
        self._tell_body = on_body
        self._parser = httptools.HttpResponseParser(self)
        self._size = 0
        self._reason = b""
        self._headers: list[tuple[str, str]] = []
        self._is_interim = False
        self._ends_with_connection = False

    def feed(self, data: bytes) -> None:
        """Takes bytes. Raises: ExchangeFailed when they are no HTTP."""
        if self.is_done:
            self.keeps_alive = False  # what nobody asked for
            return
        if not self.has_head:
            self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.keeps_alive = False
        except httptools.HttpParserError as error:
            self._judge(error)
        if not self.has_head and self._size > MAX_HEAD_BYTES:
            raise malformed()

    def feed_eof(self) -> None:
        """The connection ended, which is how some answers end: `is_done` tells."""
        self.keeps_alive = False
        self.is_done = self.is_done or (self.has_head and self._ends_with_connection)

    def on_message_begin(self) -> None:
        """llhttp: an answer begins, maybe after an interim one."""
        self._reason, self._headers, self._is_interim = b"", [], False

    def on_status(self, piece: bytes) -> None:
        """llhttp: a piece of the words after the status."""
        self._reason += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """llhttp: one header."""
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        """llhttp: the blank line behind the headers."""
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._is_interim = True
            return
        head = AnswerHead(status, self._reason.decode("latin-1"), self._headers)
        self.has_head = True
        self.keeps_alive = self._parser.should_keep_alive()
        names = {name for name, _ in self._headers}
        self._ends_with_connection = not names & {"content-length", "transfer-encoding"}
        is_tunnel = self._method == "CONNECT" and status < 300
        if self._method == "HEAD" or is_tunnel or status in _BODILESS:
            # llhttp takes the answer to HEAD for one with a body
            wants_close = any("close" in v.lower() for v in head.values("connection"))
            self.keeps_alive = self._parser.get_http_version() == "1.1" and not wants_close
            self.is_done = True
        self._tell_head(head)

    def on_body(self, piece: bytes) -> None:
        """llhttp: bytes of the body."""
        if self.is_done:
            self.keeps_alive = False
        else:
            self._tell_body(piece)

    def on_message_complete(self) -> None:
        """llhttp: the end of the answer."""
        if not self._is_interim:
            self.is_done = True

    def _judge(self, error: Exception) -> None:
        """Wrong bytes spoil the answer, and behind its end only the connection."""
        if not self.is_done:
            raise malformed() from error
        self.keeps_alive = False
