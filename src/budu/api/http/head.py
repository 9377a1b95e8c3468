"""Parses the head of one request, fed in pieces, and knows exactly where it ends.

llhttp (httptools) judges the bytes, but does not tell where a message stopped; bytes behind the
head may belong to a hijacked stream, so the end is looked for here and llhttp sees no byte beyond.
"""

from __future__ import annotations

import httptools

from budu.api.http.limits import HttpFault, Limits

_END = b"\r\n\r\n"


class RequestHead:
    """The request line and headers of one request."""

    __slots__ = ("headers", "http_1_0", "keep_alive", "method", "target")

    def __init__(
        self,
        method: str,
        target: str,
        *,
        headers: dict[str, str],
        keep_alive: bool,
        http_1_0: bool,
    ) -> None:
        self.method = method
        """Upper-case method."""
        self.target = target
        """Request target as sent: path and query, still percent-encoded."""
        self.headers = headers
        """Names in lower case; repeated headers are joined by a comma."""
        self.keep_alive = keep_alive
        """Whether the client wants the connection kept."""
        self.http_1_0 = http_1_0
        """Whether the client speaks HTTP/1.0: no chunks, no 100."""

    @property
    def content_length(self) -> int | None:
        """Announced length of the body. llhttp has refused what is not a decimal number."""
        value = self.headers.get("content-length")
        return int(value) if value is not None else None

    @property
    def is_upgrade(self) -> bool:
        """Whether the client asks to leave HTTP: `Connection: Upgrade` with `Upgrade: …`."""
        return "upgrade" in self.headers and "upgrade" in self.headers.get("connection", "").lower()


class HeadParser:
    """Collects one head. A new one is made for every request."""

    __slots__ = (
        "_complete",
        "_headers",
        "_keep_alive",
        "_limits",
        "_parser",
        "_size",
        "_tail",
        "_target",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._complete = False
        self._keep_alive = False
        self._size = 0
        self._tail = b""

    @property
    def started(self) -> bool:
        """Whether any byte came."""
        return self._size > 0

    @property
    def complete(self) -> bool:
        """Whether the whole head is here."""
        return self._complete

    def feed(self, data: bytes) -> int:
        """Takes bytes up to the end of the head; returns how many.

        Raises: HttpFault for bytes that are no HTTP/1 head, and for one beyond the limits.
        """
        used = 0
        while used < len(data) and not self._complete:
            used = self._feed_once(data, used)
            self._check()
        return used

    def head(self) -> RequestHead:
        """What was parsed; only when complete. Raises: HttpFault for other versions than 1.x."""
        version = self._parser.get_http_version()
        if not version.startswith("1."):
            raise HttpFault(400, "malformed HTTP request: HTTP/1.1 or HTTP/1.0 is wanted")
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._headers:
            name = raw_name.decode("latin-1").lower()
            value = raw_value.decode("latin-1").strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return RequestHead(
            self._parser.get_method().decode("ascii"),
            self._target.decode("latin-1"),
            headers=headers,
            keep_alive=self._keep_alive,
            http_1_0=version == "1.0",
        )

    def _feed_once(self, data: bytes, start: int) -> int:
        """Feeds up to the next blank line, or everything; returns the position reached."""
        if self._tail:
            at = (self._tail + data[start:]).find(_END)
            end = len(data) if at < 0 else start + at + len(_END) - len(self._tail)
        else:
            at = data.find(_END, start)
            end = len(data) if at < 0 else at + len(_END)
        piece = data[start:end] if start or end < len(data) else data
        self._tail = b"" if at >= 0 else (self._tail + piece)[-3:]
        self._size += len(piece)
        self._parse(piece)
        if self._complete and at < 0:
            raise HttpFault(400, "malformed HTTP request: headers must end with CR LF CR LF")
        return end

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # llhttp stops behind the head: so do we
        except httptools.HttpParserError as error:
            raise HttpFault(400, f"malformed HTTP request: {error}") from error

    def _check(self) -> None:
        limits = self._limits
        if len(self._target) > limits.request_line_bytes:
            raise HttpFault(414, f"request target exceeds {limits.request_line_bytes} bytes")
        if self._size > limits.head_bytes:
            raise HttpFault(431, f"request headers exceed {limits.head_bytes} bytes")
        if len(self._headers) > limits.header_count:
            raise HttpFault(431, f"request has more than {limits.header_count} headers")

    def on_url(self, piece: bytes) -> None:
        """llhttp: a piece of the request target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """llhttp: one header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """llhttp: the blank line behind the headers."""
        self._complete = True
        self._keep_alive = self._parser.should_keep_alive()  # llhttp forgets it behind the head
