"""What one connection may cost, and the fault a client gets that breaks HTTP's rules or a limit."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of size and time of one connection.

    The head is allowed more than web servers allow: `docker build` puts all build arguments into
    the query, and the credentials of every registry into one header.
    """

    request_line_bytes: int = 32 << 10
    """Longest request target; beyond it 414."""
    head_bytes: int = 64 << 10
    """Longest request line and headers together; beyond it 431."""
    header_count: int = 100
    """Most headers of one request; beyond it 431."""
    json_bytes: int = 4 << 20
    """Longest JSON body; beyond it 413. Streamed bodies (tar) have no limit here."""
    buffer_bytes: int = 256 << 10
    """Received bytes held for a reader before the socket is no longer read."""
    message_bytes: int = 16 << 20
    """Longest message through a WebSocket; beyond it the socket is closed with 1009."""
    connections: int = 4096
    """Most connections of one server; one more is answered 503 and closed."""
    header_timeout_s: float = 30.0
    """From the first byte of a head to its last; beyond it 408."""
    body_timeout_s: float = 60.0
    """To receive the whole of a JSON body; beyond it 408."""
    idle_timeout_s: float = 300.0
    """Between two requests; beyond it the connection is closed without a word."""
    linger_s: float = 2.0
    """How long unread bytes are drained after a refusal, so that the client can read the answer."""
    linger_bytes: int = 16 << 20
    """How much of that is drained; beyond it the client is cut."""
    sweep_s: float = 1.0
    """How often the deadlines of all connections are looked at."""


class HttpFault(Exception):
    """The client broke HTTP's rules or a limit: answered with `status`, then hung up on.

    It stays within `api`: the engine never sees it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status to answer."""
        self.message = message
        """Sentence for the body's `message`."""


class ClientGone(ConnectionResetError):
    """The client went away while its request was read or its answer written."""
