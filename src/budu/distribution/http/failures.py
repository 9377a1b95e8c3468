"""What keeps an answer from coming, in the words of Go's HTTP client, which Docker's clients know.

`ExchangeFailed` never leaves `distribution.transport`, which adds method and URL.
"""

from __future__ import annotations

import errno
import socket
import ssl

from budu.distribution.diagnose import PLAIN_HTTP
from budu.distribution.errors import Step

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


class ExchangeFailed(Exception):
    """No answer, or no whole one."""

    def __init__(self, step: Step, cause: str, words: str) -> None:
        super().__init__(words)
        self.step = step
        """How far it came."""
        self.cause = cause
        """A word for what happened, by which hints are chosen."""
        self.words = words
        """Go's sentence, without method and URL."""


def cut_off(error: BaseException | None = None, *, within_body: bool) -> ExchangeFailed:
    """The other side went away before its answer was whole."""
    if isinstance(error, ConnectionResetError):
        return ExchangeFailed(Step.HTTP, "cut-off", "read: connection reset by peer")
    return ExchangeFailed(Step.HTTP, "cut-off", "unexpected EOF" if within_body else "EOF")


def silent() -> ExchangeFailed:
    """Nothing came, or nothing was taken, for too long."""
    return ExchangeFailed(Step.HTTP, "timeout", "net/http: timeout awaiting response")


def malformed() -> ExchangeFailed:
    """What came is no HTTP."""
    words = "net/http: HTTP/1.x transport connection broken: malformed response"
    return ExchangeFailed(Step.HTTP, "malformed", words)


def other(error: BaseException) -> ExchangeFailed:
    """A failure without words of its own."""
    return ExchangeFailed(Step.HTTP, "other", str(error) or type(error).__name__)


def unknown_name(host: str, error: OSError) -> ExchangeFailed:
    """A host name that means nothing, or that nobody can tell."""
    if error.errno == socket.EAI_AGAIN:
        words = f"dial tcp: lookup {host}: Temporary failure in name resolution"
        return ExchangeFailed(Step.NAME, "name-server-silent", words)
    return ExchangeFailed(Step.NAME, "unknown", f"dial tcp: lookup {host}: no such host")


def not_connected(host: str, port: int, error: OSError) -> ExchangeFailed:
    """An address that did not answer."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(error, TimeoutError) and error.errno is None:
        return ExchangeFailed(Step.ROUTE, "timeout", f"dial tcp {address}: i/o timeout")
    if error.errno == errno.ECONNREFUSED:
        cause, words = "refused", "connection refused"
    elif error.errno == errno.ETIMEDOUT:
        cause, words = "timeout", "connection timed out"
    else:
        cause = "unreachable"
        words = _UNREACHABLE.get(error.errno or 0) or (error.strerror or str(error)).lower()
    return ExchangeFailed(Step.ROUTE, cause, f"dial tcp {address}: connect: {words}")


def by_proxy(failure: ExchangeFailed) -> ExchangeFailed:
    """The same on the way to a proxy."""
    return ExchangeFailed(Step.ROUTE, failure.cause, f"proxyconnect tcp: {failure.words}")


def no_tls(error: OSError) -> ExchangeFailed:
    """A TLS handshake that came to nothing."""
    match error:
        case ssl.SSLCertVerificationError():
            cause, words = _X509.get(error.verify_code, _UNKNOWN_AUTHORITY)
            words = f"tls: failed to verify certificate: {words}"
        case ssl.SSLError():
            cause, words = _tls_words(error.reason or "")
        case ConnectionAbortedError() | TimeoutError():
            cause, words = "timeout", "net/http: TLS handshake timeout"
        case _:
            cause, words = "reset", "read: connection reset by peer"
    return ExchangeFailed(Step.TLS, cause, words)


def _tls_words(reason: str) -> tuple[str, str]:
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return "plain-http", PLAIN_HTTP
    words = reason.replace("_", " ").lower() or "handshake failure"
    return "handshake", f"remote error: tls: {words}"
