"""Why a registry can't be reached: looks at this machine and names the step that failed.

Called once, after a failure; it may read a few files of /etc and /proc and opens no connection
of its own: the failed request already showed which step it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from budu.base.errors import Hint, Unavailable
from budu.distribution.errors import RequestFailed, Step

_RESOLV_CONF = Path("/etc/resolv.conf")
_ROUTES = (Path("/proc/net/route"), Path("/proc/net/ipv6_route"))

PLAIN_HTTP = "http: server gave HTTP response to HTTPS client"

_TLS_HINTS = {
    "plain-http": "distribution.plain-http",
    "expired": "distribution.certificate-expired",
    "host-mismatch": "distribution.certificate-name",
    "unknown-authority": "distribution.certificate-unknown",
}
_ROUTE_HINTS = {
    "refused": "distribution.connection-refused",
    "timeout": "distribution.connect-timeout",
}


def request_error(failure: RequestFailed) -> Unavailable:
    """The error for a request that got no answer, with what was found out about it."""
    return Unavailable(failure.message, hint=_hint(failure), reference=_netloc(failure))


def _hint(failure: RequestFailed) -> Hint:
    parts = urlsplit(failure.url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    registry = _netloc(failure)
    match failure.step:
        case Step.NAME:
            return _name_hint(failure, host)
        case Step.ROUTE:
            if failure.cause == "unreachable" and not has_default_route(_read_all(_ROUTES)):
                return Hint("distribution.no-route", host=host)
            key = _ROUTE_HINTS.get(failure.cause, "distribution.host-unreachable")
            return Hint(key, host=host, port=port)
        case Step.TLS:
            key = _TLS_HINTS.get(failure.cause, "distribution.tls-failed")
            return Hint(key, registry=registry)
        case Step.HTTP:
            return Hint("distribution.cut-off", registry=registry)


def _name_hint(failure: RequestFailed, host: str) -> Hint:
    servers = name_servers(_read(_RESOLV_CONF))
    if not servers:
        return Hint("distribution.no-name-server", host=host)
    if failure.cause == "name-server-silent":
        return Hint("distribution.name-server-silent", host=host, servers=", ".join(servers))
    return Hint("distribution.name-unknown", host=host)


def name_servers(resolv_conf: str) -> list[str]:
    """The addresses of the `nameserver` lines. Source: `man 5 resolv.conf`."""
    lines = [line.split() for line in resolv_conf.splitlines()]
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def has_default_route(tables: Iterable[str]) -> bool:
    """Whether /proc/net/route or /proc/net/ipv6_route holds a default route over a device."""
    for line in "\n".join(tables).splitlines():
        words = line.split()
        if len(words) == 11 and words[1] == "00000000" and words[7] == "00000000":
            return True
        if len(words) == 10 and set(words[0] + words[1]) == {"0"} and words[9] != "lo":
            return True
    return False


def _netloc(failure: RequestFailed) -> str:
    return urlsplit(failure.url).netloc


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _read_all(paths: Iterable[Path]) -> list[str]:
    return [_read(path) for path in paths]
