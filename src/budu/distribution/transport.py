"""HTTP on aiohttp: connections, TLS, redirects, time limits. The only module that loads aiohttp.

Loaded on the first request, because the import takes 180 ms. It knows nothing of registries; every
failure to get an answer leaves it as `RequestFailed`, worded as Go's HTTP client words it, because
Docker's clients know those sentences.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec
from yarl import URL

from budu import __version__
from budu.base.errors import DataLoss
from budu.distribution.diagnose import PLAIN_HTTP
from budu.distribution.errors import RequestFailed, Step
from budu.distribution.hosts import NO_FILES, HostsConfig, TlsFiles

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_READ_BUFFER = 1 << 20
_CALL_FAILED = re.compile(r"\('([^']+)', (\d+)")
_UNREACHABLE = {
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network is unreachable",
    errno.EADDRNOTAVAIL: "cannot assign requested address",
}
_X509 = {
    # OpenSSL's X509_V_ERR numbers: (what happened, Go's words)
    9: ("expired", "x509: certificate has expired or is not yet valid"),
    10: ("expired", "x509: certificate has expired or is not yet valid"),
    62: ("host-mismatch", "x509: certificate is not valid for this host"),
    64: ("host-mismatch", "x509: certificate is not valid for this host"),
}
_UNKNOWN_AUTHORITY = ("unknown-authority", "x509: certificate signed by unknown authority")


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long a peer may be silent. There is no limit on a whole transfer."""

    connect_s: float = 30.0
    """To set up one TCP connection."""
    idle_s: float = 60.0
    """Between two pieces of an answer, the header included."""


class Response:
    """An answer whose body has not been read. Close it, or use it with `async with`."""

    def __init__(self, response: aiohttp.ClientResponse, *, method: str) -> None:
        self._response = response
        self._method = method
        self.status = response.status
        """The HTTP status."""
        self.reason = response.reason or ""
        """The words after the status."""
        self.url = str(response.url)
        """Where the answer came from, after redirects."""

    def header(self, name: str) -> str:
        """The first value of a header, or empty."""
        return self._response.headers.get(name, "")

    def headers(self, name: str) -> list[str]:
        """All values of a header."""
        return self._response.headers.getall(name, [])

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
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _failure(error, method=self._method, url=self.url) from error

    def close(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        self._response.release()

    async def __aenter__(self) -> Response:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class Transport:
    """A pool of connections. Make it inside a running event loop; `close` it there."""

    def __init__(self, hosts: HostsConfig, *, timeouts: Timeouts) -> None:
        self._hosts = hosts
        self._contexts: dict[tuple[str, bool, TlsFiles], ssl.SSLContext] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=timeouts.connect_s, sock_read=timeouts.idle_s
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_READ_BUFFER,
            headers={"User-Agent": f"budu/{__version__}", "Accept-Encoding": "identity"},
        )

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

        `Authorization` goes to the first host only: a redirect to storage elsewhere carries its
        own proof in the URL. Raises: RequestFailed when no answer comes.
        """
        sent = dict(headers or {})
        first, current = url, url
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._send_once(
                method,
                current,
                verify=verify,
                headers=sent,
                data=form if body is None else body,
                files=files,
            )
            target = response.header("Location") if form is None and body is None else ""
            if response.status not in _REDIRECTS or not target:
                return response
            response.close()
            following = urljoin(current, target)
            if _origin(following) != _origin(current):
                sent.pop("Authorization", None)
                files = NO_FILES
                verify = not self._hosts.is_insecure(urlsplit(following).netloc)
            current = following
        raise RequestFailed(
            Step.HTTP, "stopped after 10 redirects", method=method, url=first, cause="redirects"
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def _send_once(
        self,
        method: str,
        url: str,
        *,
        verify: bool,
        headers: Mapping[str, str],
        data: Mapping[str, str] | AsyncIterator[bytes] | None,
        files: TlsFiles,
    ) -> Response:
        try:
            response = await self._session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=data,
                allow_redirects=False,
                ssl=self._context(url, verify=verify, files=files),
                proxy=self._hosts.proxies.for_url(url),
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _failure(error, method=method, url=url) from error
        return Response(response, method=method)

    def _context(self, url: str, *, verify: bool, files: TlsFiles) -> ssl.SSLContext | bool:
        parts = urlsplit(url)
        if parts.scheme != "https":
            return True
        key = (parts.netloc, verify, files)
        if key not in self._contexts:
            self._contexts[key] = _tls_context(
                [Path(folder) / parts.netloc for folder in self._hosts.certs_dirs],
                verify=verify,
                files=files,
            )
        return self._contexts[key]


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


def _failure(error: BaseException, *, method: str, url: str) -> RequestFailed:
    """The one table from aiohttp's exceptions to ours."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            step, cause, words = Step.TLS, *_certificate_words(error.certificate_error)
        case aiohttp.ClientConnectorSSLError():
            step, cause, words = Step.TLS, *_tls_words(error.os_error)
        case aiohttp.ClientProxyConnectionError():
            step, cause, words = Step.ROUTE, *_dial_words(error)
            words = f"proxyconnect tcp: {words}"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, socket.gaierror):
            step, cause, words = Step.NAME, *_name_words(error.host, error.os_error)
        case aiohttp.ClientConnectorError() if error.os_error.errno == errno.ECONNRESET:
            step, cause, words = Step.TLS, "reset", "read: connection reset by peer"
        case aiohttp.ClientConnectorError():
            step, cause, words = Step.ROUTE, *_dial_words(error)
        case aiohttp.ConnectionTimeoutError():
            address = urlsplit(url).netloc
            step, cause, words = Step.ROUTE, "timeout", f"dial tcp {address}: i/o timeout"
        case _:
            step, cause, words = Step.HTTP, *_http_words(error)
    return RequestFailed(step, words, method=method, url=url, cause=cause)


def _certificate_words(error: Exception) -> tuple[str, str]:
    number = getattr(error, "verify_code", 0)
    cause, words = _X509.get(number, _UNKNOWN_AUTHORITY)
    return cause, f"tls: failed to verify certificate: {words}"


def _tls_words(error: OSError) -> tuple[str, str]:
    reason = getattr(error, "reason", None) or ""
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return "plain-http", PLAIN_HTTP
    words = reason.replace("_", " ").lower() or "handshake failure"
    return "handshake", f"remote error: tls: {words}"


def _name_words(host: str, error: socket.gaierror) -> tuple[str, str]:
    if error.errno == socket.EAI_AGAIN:
        return (
            "name-server-silent",
            f"dial tcp: lookup {host}: Temporary failure in name resolution",
        )
    return "unknown", f"dial tcp: lookup {host}: no such host"


def _dial_words(error: aiohttp.ClientConnectorError) -> tuple[str, str]:
    cause = error.os_error
    match = _CALL_FAILED.search(str(cause))
    host, port = (match[1], match[2]) if match else (error.host, str(error.port))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if cause.errno == errno.ECONNREFUSED:
        return "refused", f"dial tcp {address}: connect: connection refused"
    if cause.errno == errno.ETIMEDOUT:
        return "timeout", f"dial tcp {address}: connect: connection timed out"
    words = _UNREACHABLE.get(cause.errno or 0) or (cause.strerror or str(cause)).lower()
    return "unreachable", f"dial tcp {address}: connect: {words}"


def _http_words(error: BaseException) -> tuple[str, str]:
    match error:
        case TimeoutError():
            return "timeout", "net/http: timeout awaiting response"
        case aiohttp.ServerDisconnectedError():
            return "cut-off", "EOF"
        case aiohttp.ClientPayloadError():
            return "cut-off", "unexpected EOF"
        case aiohttp.ClientResponseError():
            return "malformed", "net/http: HTTP/1.x transport connection broken: malformed response"
        case OSError() if error.errno == errno.ECONNRESET:
            return "cut-off", "read: connection reset by peer"
    return "other", str(error) or type(error).__name__
