"""Where webhooks may go: public addresses alone, unless the hub's owner allows more.

A name is looked up once, judged, and the connection goes to the very address that was judged: a
name that answers differently the second time gains nothing. Source: RFC 6890; OWASP, "Server-Side
Request Forgery Prevention".
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from budu.base.errors import InvalidArgument
from budu.hub.sentences import Sentence

MOST_LETTERS = 2000


def check_url(url: str, *, allows_private: bool) -> str:
    """A webhook's URL. Raises: InvalidArgument."""
    try:
        parts = urlsplit(url)
        is_good = _is_good(parts)
    except ValueError:
        is_good = False
    if not is_good or len(url) > MOST_LETTERS or not url.isascii() or not url.isprintable():
        raise InvalidArgument(Sentence("hub.bad-url"))
    address = _literal(parts.hostname or "")
    if address is not None and not allows_private and not is_public(address):
        raise InvalidArgument(Sentence("hub.private-address"))
    return url


def _is_good(parts: SplitResult) -> bool:
    has_user = parts.username is not None or parts.password is not None
    port = parts.port
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not has_user
        and port != 0
        and " " not in parts.netloc
    )


def _literal(host: str) -> str | None:
    """The address that a host is spelled as, in any of the ways that resolvers take; else None."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:  # 127.1, 0x7f000001, 2130706433
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def is_public(address: str) -> bool:
    """Whether an address is one of the internet's, and not of this machine or its networks."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or _translated(parsed)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


_TRANSLATION = ipaddress.IPv6Network("64:ff9b::/96")


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address not in _TRANSLATION:
        return None
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


class GuardedResolver(AbstractResolver):
    """Looks names up and gives only addresses that may be spoken to."""

    def __init__(self, *, allows_private: bool) -> None:
        self._allows_private = allows_private
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises: OSError when none of them may be spoken to."""
        found = await self._inner.resolve(host, port, family)
        if self._allows_private:
            return found
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise OSError(f"{host} is at a private address")
        return public

    async def close(self) -> None:
        """Nothing is kept."""
        await self._inner.close()
