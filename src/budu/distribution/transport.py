"""HTTP for registries: requests, redirects, TLS settings, time limits, on our own small client.

It knows nothing of registries' protocol; every failure to get an answer leaves it as
`RequestFailed`, worded as Go's HTTP client words it, because Docker's clients know those sentences.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec

from budu import __version__
from budu.base.errors import DataLoss
from budu.distribution.errors import RequestFailed, Step
from budu.distribution.hosts import NO_FILES, HostsConfig, TlsFiles
from budu.distribution.http.answer import AnswerHead
from budu.distribution.http.connection import Connection
from budu.distribution.http.dial import Way, proxy_credentials
from budu.distribution.http.failures import ExchangeFailed, other
from budu.distribution.http.pool import Pool

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_PUBLIC_HEADERS = frozenset({"Accept", "Range"})
_REPEATABLE = frozenset({"GET", "HEAD"})
_AS_SENT = "!#$%&'()*+,/:;=?@[]~"
_STANDARD_LINES = f"User-Agent: budu/{__version__}\r\nAccept-Encoding: identity\r\n"
_FORM = "application/x-www-form-urlencoded"


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long a peer may be silent. There is no limit on a whole transfer."""

    connect_s: float = 30.0
    """To set up one TCP connection."""
    idle_s: float = 60.0
    """Between two pieces of an answer, the header included."""


class Response:
    """An answer whose body has not been read. Close it, or use it with `async with`."""

    def __init__(
        self, head: AnswerHead, connection: Connection, *, method: str, url: str, lease: _Lease
    ) -> None:
        self._head = head
        self._connection = connection
        self._method = method
        self._lease = lease
        self.status = head.status
        """The HTTP status."""
        self.reason = head.reason
        """The words after the status."""
        self.url = url
        """Where the answer came from, after redirects."""

    def header(self, name: str) -> str:
        """The first value of a header, or empty."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        """All values of a header."""
        return self._head.values(name.lower())

    async def read(self, limit: int) -> bytes:
        """The whole body.

        Raises: DataLoss when it is longer than `limit` bytes; RequestFailed when it breaks off.
        """
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise DataLoss(f"{self.url}: response is larger than {limit} bytes")
        return bytes(body)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises: RequestFailed when it breaks off."""
        try:
            while chunk := await self._connection.read(self._lease.idle_s):
                yield chunk
        except (ExchangeFailed, OSError) as error:
            raise _failed(error, method=self._method, url=self.url) from error

    def close(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        self._lease.end(self._connection)

    async def __aenter__(self) -> Response:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Lease(msgspec.Struct, frozen=True):
    """The right to a connection for one exchange."""

    pool: Pool
    way: Way
    idle_s: float

    def end(self, connection: Connection) -> None:
        self.pool.give_back(self.way, connection)


class Transport:
    """A pool of connections. Make it inside a running event loop; `close` it there."""

    def __init__(self, hosts: HostsConfig, *, timeouts: Timeouts) -> None:
        self._hosts = hosts
        self._timeouts = timeouts
        self._contexts: dict[tuple[tuple[Path, ...], bool, TlsFiles], ssl.SSLContext] = {}
        self._pool = Pool(timeouts.connect_s)

    async def send(
        self,
        method: str,
        url: str,
        *,
        verify: bool = True,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: AsyncIterator[bytes] | None = None,
        files: TlsFiles = NO_FILES,
    ) -> Response:
        """Send one request and follow redirects, unless it has a body or a form.

        Headers that may hold a secret (`Authorization`, those of hosts.toml) go to the first host
        only: a redirect to storage elsewhere carries its own proof in the URL. `body` comes in
        chunks unless the headers have its length.
        Raises: RequestFailed when no answer comes; what `body` raises.
        """
        sent = dict(headers or {})
        first, current = url, url
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._send_once(
                method,
                current,
                verify=verify,
                headers=sent,
                form=form,
                body=body,
                files=files,
            )
            target = response.header("Location") if form is None and body is None else ""
            if response.status not in _REDIRECTS or not target:
                return response
            response.close()
            following = urljoin(current, target)
            if _origin(following) != _origin(current):
                sent = {name: text for name, text in sent.items() if name in _PUBLIC_HEADERS}
                files = NO_FILES
                verify = not self._hosts.is_insecure(urlsplit(following).netloc)
            current = following
        raise RequestFailed(
            Step.HTTP, "stopped after 10 redirects", method=method, url=first, cause="redirects"
        )

    async def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    async def _send_once(
        self,
        method: str,
        url: str,
        *,
        verify: bool,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        body: AsyncIterator[bytes] | None,
        files: TlsFiles,
    ) -> Response:
        try:
            way = self._way(url, verify=verify, files=files)
            lease = _Lease(self._pool, way, self._timeouts.idle_s)
            head, sent = _render(method, url, way, headers=headers, form=form, body=body)
            connection = await self._pool.take(way)
            while True:
                was_used = connection.was_used
                try:
                    answer = await connection.exchange(
                        method, head, body=sent, idle_s=self._timeouts.idle_s
                    )
                    break
                except BaseException as error:
                    lease.end(connection)
                    is_stale = isinstance(error, ExchangeFailed) and error.cause == "cut-off"
                    if not (was_used and is_stale and method in _REPEATABLE and sent is None):
                        raise
                connection = await self._pool.take(way)
        except (ExchangeFailed, OSError, ValueError) as error:
            raise _failed(error, method=method, url=url) from error
        return Response(answer, connection, method=method, url=url, lease=lease)

    def _way(self, url: str, *, verify: bool, files: TlsFiles) -> Way:
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        tls = self._context(parts.netloc, verify=verify, files=files) if is_tls else None
        port = parts.port or (443 if is_tls else 80)
        return Way(parts.hostname or "", port, tls, self._hosts.proxies.for_url(url) or "")

    def _context(self, netloc: str, *, verify: bool, files: TlsFiles) -> ssl.SSLContext:
        """Hosts without certificates of their own share a context: each costs 2 MiB."""
        folders = (Path(folder) / netloc for folder in self._hosts.certs_dirs)
        key = (tuple(folder for folder in folders if folder.is_dir()), verify, files)
        if key not in self._contexts:
            self._contexts[key] = _tls_context([*key[0]], verify=verify, files=files)
        return self._contexts[key]


def _render(
    method: str,
    url: str,
    way: Way,
    *,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None,
    body: AsyncIterator[bytes] | None,
) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """The bytes of a request: its head, with a form behind it, and the framed body.

    Raises: ValueError for a header that would forge another.
    """
    parts = urlsplit(url)
    target = quote(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", safe=_AS_SENT)
    host = parts.netloc.rpartition("@")[2]
    lines = dict(headers)
    tail = b""
    if form is not None:
        tail = urlencode(form).encode()
        lines |= {"Content-Type": _FORM, "Content-Length": str(len(tail))}
    elif body is not None and "Content-Length" not in lines:
        lines["Transfer-Encoding"] = "chunked"
        body = _chunked(body)
    elif body is None and method in {"POST", "PUT", "PATCH"} and "Content-Length" not in lines:
        lines["Content-Length"] = "0"
    credentials = ""
    if way.proxy and way.tls is None:
        target = f"{parts.scheme}://{host}{target}"
        credentials = proxy_credentials(way.proxy)
    rendered = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    if rendered.count("\n") != len(lines) or rendered.count("\r") != len(lines):
        raise ValueError("line end in a header")
    start = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{_STANDARD_LINES}"
    head = f"{start}{credentials}{rendered}\r\n".encode("latin-1")
    return head + tail, body


async def _chunked(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body in chunks. Source: RFC 9112, section 7.1."""
    async for piece in body:
        if piece:
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def _tls_context(folders: list[Path], *, verify: bool, files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if verify:
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for folder in folders:
        for authority in sorted(folder.glob("*.crt")):
            context.load_verify_locations(authority)
        for certificate in sorted(folder.glob("*.cert")):
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    for path in files.authorities:
        context.load_verify_locations(path)
    for path, private in files.clients:
        context.load_cert_chain(path, private)
    return context


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _failed(error: BaseException, *, method: str, url: str) -> RequestFailed:
    """The failure of an exchange with what was asked for."""
    failure = error if isinstance(error, ExchangeFailed) else other(error)
    return RequestFailed(failure.step, failure.words, method=method, url=url, cause=failure.cause)
