"""The registry client: every registry that the engine speaks to.

`Registries` lives as long as the engine and keeps connections, tokens and ping answers; it makes a
`Repository` for one name asked for by one caller.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import msgspec

from budu.distribution.auth import ANONYMOUS, Credentials, TokenCache
from budu.distribution.hosts import Endpoint, HostsConfig, is_hub, split_host_port
from budu.distribution.hosts_file import read_hosts_file
from budu.distribution.repository import Repository
from budu.distribution.retry import RetryPolicy
from budu.distribution.session import EndpointSession, PingCache
from budu.distribution.tokens import Authorizer
from budu.distribution.trust import trusts_blindly
from budu.spec.reference import Reference

if TYPE_CHECKING:
    from budu.distribution.transport import Timeouts, Transport


class Registries:
    """Every registry the engine speaks to. Make it once; `close` it in the same event loop."""

    def __init__(
        self,
        hosts: HostsConfig,
        *,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.hosts = hosts
        """What the engine was told about registries."""
        self.retry = retry or RetryPolicy()
        """How patient requests are."""
        self._timeouts = timeouts
        self._tokens = TokenCache()
        self._pings = PingCache()
        self._transport: Transport | None = None

    async def repository(
        self, reference: Reference, *, credentials: Credentials = ANONYMOUS
    ) -> Repository:
        """The client for one name. Looks the host up, but opens no connection yet."""
        endpoints = await self.endpoints(reference.domain)
        sessions = [
            self.session(
                endpoint,
                credentials=credentials,
                scope=f"repository:{endpoint.repository(reference.path)}:pull",
            )
            for endpoint in endpoints
        ]
        return Repository(reference, sessions)

    async def endpoints(self, domain: str, *, pushing: bool = False) -> tuple[Endpoint, ...]:
        """The places to ask for `domain`, in order; mirrors only when not `pushing`.

        A hosts.toml for the registry goes before the engine's settings, and is read each time.
        Raises: InvalidArgument for a malformed one.
        """
        addresses = [] if is_hub(domain) else await _look_up(split_host_port(domain)[0])
        named = await asyncio.to_thread(read_hosts_file, self.hosts.certs_dirs, domain)
        blindly = trusts_blindly()
        found = named or self.hosts.endpoints(domain, addresses, blindly=blindly)
        if blindly:
            found = tuple(msgspec.structs.replace(each, verify=False) for each in found)
        if pushing:
            return tuple(each for each in found if each.pushes and not each.is_mirror)
        return tuple(each for each in found if each.pulls)

    def session(
        self, endpoint: Endpoint, *, credentials: Credentials, scope: str
    ) -> EndpointSession:
        """A session with one endpoint. Mirrors are asked without the credentials."""
        return EndpointSession(
            endpoint,
            transport=self.transport(),
            authorizer=self.authorizer(endpoint, credentials=credentials),
            pings=self._pings,
            policy=self.retry,
            scope=scope,
        )

    def authorizer(self, endpoint: Endpoint, *, credentials: Credentials) -> Authorizer:
        """What answers the endpoint's challenges, with the tokens that all callers share."""
        return Authorizer(
            self.transport(),
            endpoint=endpoint,
            credentials=ANONYMOUS if endpoint.is_mirror else credentials,
            cache=self._tokens,
            policy=self.retry,
        )

    def transport(self) -> Transport:
        """The connection pool, made (and its modules loaded) on first use."""
        if self._transport is None:
            from budu.distribution.transport import Timeouts, Transport

            self._transport = Transport(self.hosts, timeouts=self._timeouts or Timeouts())
        return self._transport

    async def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        if self._transport is not None:
            await self._transport.close()
            self._transport = None


async def _look_up(host: str) -> list[str]:
    """The addresses of `host`; none when it has none, which the connection will report."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]
