"""HTTP/1.1 over a unix or TCP socket, as small as the Engine API needs. Light.

One `Connection` carries one request at a time and is used again when the answer was read to its
end. A hijacked connection gives its socket away together with the bytes that came early.
Nothing here waits with a time limit of its own: waits of the API (`wait`, `logs -f`) have none.
"""

from __future__ import annotations

import _socket

from budu.base.errors import DataLoss

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from budu.client.endpoint import Endpoint

READ_SIZE = 65536
CONNECT_TIMEOUT_S = 30.0
MAX_HEAD_BYTES = 1 << 20


class Response:
    """An answer whose head was read; the body is read on demand and belongs to the connection."""

    __slots__ = ("_connection", "_left", "_mode", "headers", "status")

    def __init__(
        self, connection: Connection, status: int, headers: dict[str, str], *, bodiless: bool
    ) -> None:
        self._connection = connection
        self.status = status
        """The HTTP status."""
        self.headers = headers
        """Header fields, names in lower case."""
        self._left = 0
        if bodiless or status in (204, 304):
            self._mode = "done"
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            self._mode = "chunked"
        elif "content-length" in headers:
            self._mode = "counted"
            self._left = int(headers["content-length"])
        else:
            self._mode = "until-close"
        if self._mode == "counted" and self._left == 0:
            self._finish()

    @property
    def is_complete(self) -> bool:
        """Whether the whole body was read."""
        return self._mode == "done"

    def chunks(self) -> Iterator[bytes]:
        """Pieces of the body as they come.

        Raises: DataLoss when the connection ends before the body does.
        """
        while self._mode != "done":
            piece = self._next()
            if piece:
                yield piece

    def read(self) -> bytes:
        """The rest of the body."""
        return b"".join(self.chunks())

    def lines(self) -> Iterator[bytes]:
        """Lines of the body, without their ends, each as soon as it is complete."""
        rest = b""
        for piece in self.chunks():
            *complete, rest = (rest + piece).split(b"\n")
            yield from (line for line in complete if line.strip())
        if rest.strip():
            yield rest

    def _next(self) -> bytes:
        if self._mode == "chunked" and self._left == 0:
            self._start_chunk()
            if self._mode == "done":
                return b""
        piece = self._connection.take(self._left if self._mode != "until-close" else READ_SIZE)
        if not piece:
            if self._mode != "until-close":
                raise DataLoss("unexpected EOF")
            self._finish(reusable=False)
        elif self._mode != "until-close":
            self._left -= len(piece)
            self._end_piece()
        return piece

    def _end_piece(self) -> None:
        if self._left:
            return
        if self._mode == "counted":
            self._finish()
        else:
            self._connection.take_line()

    def _start_chunk(self) -> None:
        size = self._connection.take_line().partition(b";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError:
            raise DataLoss("unexpected EOF") from None
        if self._left == 0:
            while self._connection.take_line():
                pass
            self._finish()

    def _finish(self, *, reusable: bool = True) -> None:
        self._mode = "done"
        if not reusable or self.headers.get("connection", "").lower() == "close":
            self._connection.close()


class Connection:
    """One connection to an endpoint, opened by the first request."""

    __slots__ = ("_buffer", "_endpoint", "_socket")

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket: _socket.socket | None = None
        self._buffer = b""

    def connect(self) -> None:
        """Open the socket unless it is open.

        Raises: OSError as the kernel (or the resolver, or TLS) says it.
        """
        if self._socket is None:
            self._socket = _open(self._endpoint)
            self._buffer = b""

    def close(self) -> None:
        """Close the socket; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def detach(self) -> _socket.socket:
        """The open socket, which is the caller's then."""
        if self._socket is None:
            raise DataLoss("unexpected EOF")
        taken, self._socket = self._socket, None
        return taken

    def fileno(self) -> int:
        """The open socket's descriptor, for poll."""
        return -1 if self._socket is None else self._socket.fileno()

    @property
    def has_buffered(self) -> bool:
        """Whether bytes were received that nobody took yet (poll cannot see them)."""
        if self._buffer or self._socket is None:
            return bool(self._buffer)
        pending = getattr(self._socket, "pending", None)  # decrypted by TLS already
        return pending is not None and pending() > 0

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send a request and read the head of the answer.

        Raises: OSError; DataLoss when the answer is not HTTP or ends early.
        """
        reused = self._socket is not None
        self.connect()
        message = _head(self._endpoint, method, path, headers or {}, body) + (body or b"")
        try:
            self._send(message)
            return self._read_head(method)
        except (ConnectionError, DataLoss):
            self.close()
            if not reused:
                raise
        self.connect()
        self._send(message)
        return self._read_head(method)

    def upload(
        self,
        method: str,
        path: str,
        pieces: Iterable[bytes],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request whose body comes in pieces, and read the head of the answer.

        An answer that comes before the body's end is taken, and the rest of the body is not sent.
        What `pieces` raises breaks the connection off, so that the body cannot pass for whole.
        Raises: as `request`.
        """
        self.close()  # a connection that went stale could not be tried again
        self.connect()
        fields = {**(headers or {}), "Transfer-Encoding": "chunked"}
        try:
            self._send(_head(self._endpoint, method, path, fields, None))
            whole = self._send_pieces(pieces)
            response = self._read_head(method)
        except BaseException:
            self.close()
            raise
        if not whole:
            response.headers["connection"] = "close"
        return response

    def _send_pieces(self, pieces: Iterable[bytes]) -> bool:
        """Sends a body; False when an answer came before its end."""
        from select import POLLIN, poll

        watch = poll()
        if not self._endpoint.tls:  # TLS has messages of its own at any time
            watch.register(self.fileno(), POLLIN)
        try:
            for piece in pieces:
                if piece:
                    if watch.poll(0):
                        return False
                    self._send(b"%x\r\n%b\r\n" % (len(piece), piece))
            self._send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def hijack(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[Response, _socket.socket | None, bytes]:
        """Ask for the raw connection.

        Returns the answer, and with a 101 (or a 200 as older engines say) the socket and the
        bytes that came with the head; the socket is the caller's then. Without success the
        socket is None and the body can be read.
        """
        extra = {"Connection": "Upgrade", "Upgrade": "tcp", **(headers or {})}
        response = self.request(method, path, headers=extra, body=body)
        if response.status not in (101, 200):
            return response, None, b""
        taken, early = self._socket, self._buffer
        self._socket, self._buffer = None, b""
        return response, taken, early

    def take(self, limit: int) -> bytes:
        """Up to `limit` bytes, waiting for at least one; empty at the end of the stream."""
        if not self._buffer:
            if self._socket is None:
                return b""
            self._buffer = self._socket.recv(READ_SIZE)
        piece, self._buffer = self._buffer[:limit], self._buffer[limit:]
        return piece

    def take_line(self) -> bytes:
        """One line without its end."""
        while b"\n" not in self._buffer:
            if self._socket is None or len(self._buffer) > MAX_HEAD_BYTES:
                raise DataLoss("unexpected EOF")
            more = self._socket.recv(READ_SIZE)
            if not more:
                raise DataLoss("unexpected EOF")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _send(self, data: bytes) -> None:
        if self._socket is None:
            raise DataLoss("unexpected EOF")
        self._socket.sendall(data)

    def _read_head(self, method: str) -> Response:
        status = 100
        while status == 100:
            status = _status(self.take_line())
            headers = {}
            while line := self.take_line():
                name, _, value = line.partition(b":")
                headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        return Response(self, status, headers, bodiless=method == "HEAD" or status == 101)


def _status(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit():
        raise DataLoss(f"malformed HTTP response {line[:80]!r}")
    return int(code)


def _head(
    endpoint: Endpoint, method: str, path: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    host = (
        "localhost" if endpoint.is_unix or endpoint.is_ssh else endpoint.address.partition("://")[2]
    )
    fields = {"Host": host, "User-Agent": "budu", **headers}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    elif method in ("POST", "PUT") and "Transfer-Encoding" not in fields:
        fields["Content-Length"] = "0"
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _open(endpoint: Endpoint) -> _socket.socket:
    if endpoint.is_unix:
        raw = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            raw.connect(endpoint.path)
        except OSError:
            raw.close()
            raise
        return raw
    if endpoint.is_ssh:
        from budu.client.ssh import open_ssh

        return open_ssh(endpoint)
    return _open_tcp(endpoint)


def _open_tcp(endpoint: Endpoint) -> _socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in _socket.getaddrinfo(
        endpoint.host, endpoint.port, 0, _socket.SOCK_STREAM
    ):
        raw = _socket.socket(family, kind, protocol)
        raw.settimeout(CONNECT_TIMEOUT_S)
        try:
            raw.connect(address)
            wrapped = _wrap(raw, endpoint)
            wrapped.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            wrapped.settimeout(None)
        except OSError as error:
            raw.close()
            failure = error
            continue
        return wrapped
    raise failure or OSError(f"{endpoint.host} has no address")


def _wrap(raw: _socket.socket, endpoint: Endpoint) -> _socket.socket:
    if endpoint.tls is None:
        return raw
    import socket
    import ssl

    files = endpoint.tls
    context = ssl.create_default_context(cafile=files.ca or None)
    if not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.cert:
        context.load_cert_chain(files.cert, files.key or None)
    plain = socket.socket(fileno=raw.detach())
    plain.settimeout(CONNECT_TIMEOUT_S)
    return context.wrap_socket(plain, server_hostname=endpoint.host)
