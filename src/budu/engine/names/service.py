"""One resolver for each sandbox, from a container's start to its end, across engines.

    start ─▶ `open_names` in the fresh sandbox ─▶ the shim keeps the sockets
    started, or found running ─▶ `SandboxResolver` over the shim's sockets ─▶ ended: closed

A container whose shim was killed has new sockets made in its namespace by the next engine.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from budu.base.errors import NotFound
from budu.engine.containers.inside import socket_inside
from budu.engine.containers.model import Container
from budu.engine.containers.start import Running
from budu.engine.names.index import NameIndex
from budu.engine.names.servers import HostServers, route_servers
from budu.engine.names.sockets import KEPT, as_sockets
from budu.network.dns.directory import Addresses, Server
from budu.network.dns.forward import Forwarder
from budu.network.dns.server import SandboxResolver
from budu.network.dns.sockets import open_sockets

log = logging.getLogger(__name__)


class Records(Protocol):
    """The containers; `version` grows with every change of one."""

    @property
    def version(self) -> int:
        """A number that is another one after each change."""

    def get(self, ref: str) -> Container: ...
    def all(self) -> Iterable[Container]: ...


class NameService:
    """Implements `network.dns.directory.Directory`; a `LifeObserver`."""

    def __init__(
        self,
        records: Records,
        *,
        is_internal: Callable[[str], bool],
        host_servers: HostServers | None = None,
        servers: Sequence[str] = (),
    ) -> None:
        """`is_internal` tells of a network's name whether it has no way out. `servers` are asked in
        place of the host's, unless the container has its own."""
        self._records = records
        self._is_internal = is_internal
        self._host_servers = host_servers or HostServers()
        self._servers = tuple(servers)
        self._resolvers: dict[str, SandboxResolver] = {}
        self._index = NameIndex(())
        self._index_version = -1

    # The life of a resolver

    def started(self, container: Container, running: Running) -> None:
        """Answer the questions of a container that runs."""
        if container.id in self._resolvers:
            return
        kept = running.shim.take_kept(*KEPT)
        if not kept and not container.endpoints:
            return
        try:
            pair = as_sockets(kept) if kept else open_sockets(running.shim.pidfd)
        except OSError as error:
            log.warning("no names for container=%s error=%s", container.id, error)
            return
        self._resolvers[container.id] = SandboxResolver(
            container.id,
            *pair,
            directory=self,
            forwarder=Forwarder(_Outgoing(running.shim.pidfd)),
        )

    def ended(self, container: Container) -> None:
        """Its sandbox is gone."""
        resolver = self._resolvers.pop(container.id, None)
        if resolver is not None:
            resolver.close()

    def removed(self, container: Container) -> None:
        """Nothing is left by then."""

    def close(self) -> None:
        """Stop answering; questions wait in the sockets for the next engine."""
        while self._resolvers:
            self._resolvers.popitem()[1].close()

    # The directory

    def addresses(self, asker: str, name: str) -> Addresses | None:
        """Where `name` leads for the container `asker`."""
        container = self._find(asker)
        return None if container is None else self._current().addresses(container, name)

    def name_of(self, asker: str, address: bytes) -> str | None:
        """The name of an address in a network of the asker."""
        container = self._find(asker)
        return None if container is None else self._current().name_of(container, address)

    def servers(self, asker: str) -> tuple[Server, ...]:
        """Whom the asker's other questions go to; nobody when all its networks are internal."""
        container = self._find(asker)
        if container is None or all(map(self._is_internal, container.endpoints)):
            return ()
        states = container.endpoints.values()
        has_ipv6 = any(state.address6 for state in states)
        given = container.host_config.dns or self._servers
        return route_servers(given, self._host_servers.current(), has_ipv6=has_ipv6)

    def _find(self, id_: str) -> Container | None:
        try:
            return self._records.get(id_)
        except NotFound:
            return None

    def _current(self) -> NameIndex:
        version = self._records.version
        if version != self._index_version:
            self._index = NameIndex(self._records.all())
            self._index_version = version
        return self._index


class _Outgoing:
    """Makes the sockets for questions that go outside."""

    def __init__(self, pidfd: int) -> None:
        self._pidfd = pidfd

    async def __call__(self, server: Server, kind: socket.SocketKind) -> socket.socket:
        family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
        if not server.from_host:
            return await socket_inside(self._pidfd, family, kind)
        return socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
