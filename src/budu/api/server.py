"""Listens for clients and gives each a connection; knows when to stop.

The server owns its sockets and connections and makes nothing else. Call `start` and `close` from
within one running event loop, asyncio's or uvloop's.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from budu import __version__
from budu.api.http.connections import Connections, ConnectionSettings, Handler
from budu.api.http.limits import Limits
from budu.api.http.protocol import HttpConnection
from budu.api.http.response import render_header
from budu.api.http.tls import TlsLayer
from budu.api.listeners import Listener
from budu.api.versions import MAX_VERSION


def standard_headers() -> bytes:
    """The header lines of every answer, those by which Docker's clients know an engine.

    Source: moby, daemon/server/middleware/version.go.
    """
    return b"".join(
        render_header(name, value)
        for name, value in (
            ("Api-Version", str(MAX_VERSION)),
            ("Docker-Experimental", "false"),
            ("Ostype", "linux"),
            ("Server", f"budu/{__version__} (linux)"),
        )
    )


class ApiServer:
    """One HTTP server on any number of listeners."""

    def __init__(
        self, handler: Handler, listeners: Sequence[Listener], *, limits: Limits | None = None
    ) -> None:
        self._settings = ConnectionSettings(
            handler=handler, headers=standard_headers(), limits=limits or Limits()
        )
        self._listeners = tuple(listeners)
        self._servers: list[asyncio.Server] = []
        self._connections = Connections()
        self._sweeper: asyncio.TimerHandle | None = None
        self.addresses: list[str] = []
        """Where the server listens, as URLs; filled by `start`."""

    async def start(self) -> None:
        """Begins to listen everywhere, or nowhere when one address fails.

        Raises: InvalidArgument, AlreadyExists or PermissionDenied about the address.
        """
        try:
            for listener in self._listeners:
                await self._listen(listener)
        except BaseException:
            await self.close(grace_s=0)
            raise
        self._sweep()

    async def close(self, *, grace_s: float = 5.0) -> None:
        """Stops listening; ends streams at once, gives other answers `grace_s`, then cuts them.
        Idempotent."""
        for server in self._servers:
            server.close()
        for listener in self._listeners:
            listener.clean_up()
        for connection in tuple(self._connections.open):
            connection.shut_down()
        await self._connections.wait(grace_s)
        self._connections.cancel()
        await self._connections.wait(grace_s)
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._servers.clear()

    async def _listen(self, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        sockets = listener.open()
        before = len(self._servers)
        try:
            for sock in sockets:
                is_unix = sock.family == socket.AF_UNIX
                create = loop.create_unix_server if is_unix else loop.create_server
                server = await create(self._factory(listener), sock=sock, backlog=512)
                self._servers.append(server)
                self.addresses.append(listener.describe(sock))
        finally:
            for sock in sockets[len(self._servers) - before :]:
                sock.close()

    def _factory(self, listener: Listener) -> Callable[[], asyncio.Protocol]:
        """Makes the protocol of a new connection."""
        tls = listener.tls
        if tls is None:
            return self._make_connection
        timeout_s = self._settings.limits.header_timeout_s
        return lambda: TlsLayer(tls, self._make_connection(), handshake_timeout_s=timeout_s)

    def _make_connection(self) -> HttpConnection:
        return HttpConnection(self._settings, self._connections)

    def _sweep(self) -> None:
        """Looks at the deadlines of all connections, and comes again."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._connections.open):
            connection.check(now)
        self._sweeper = loop.call_later(self._settings.limits.sweep_s, self._sweep)
