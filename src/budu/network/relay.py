"""Ports that the engine itself passes on: ::1, and IPv6 clients of containers without IPv6.

Nothing that comes from ::1 can be led out of the loopback link, and no rule turns IPv6 into IPv4.
A relayed port is the held socket, read here; so this way is closed while no engine runs.

Source: moby 28.3, cmd/docker-proxy (tcp halves, udp idle time).
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from budu.network.contract import TCP, UDP, PortBinding

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

_BACKLOG = 128
_CHUNK_BYTES = 1 << 16
_CONNECT_S = 10.0
_UDP_IDLE_S = 90.0
_UDP_CLIENTS = 1024
_TCP_CLIENTS = 4096


class Relay:
    """All relayed ports. They are noted before `serve`, and passed on from then until `close`."""

    def __init__(self) -> None:
        self._loop: AbstractEventLoop | None = None
        self._ports: dict[PortBinding, _TcpPort | _UdpPort] = {}

    def serve(self, loop: AbstractEventLoop) -> None:
        """Begin to pass on."""
        self._loop = loop
        for port in self._ports.values():
            port.open(loop)

    def start(self, binding: PortBinding, held: socket.socket, *, target: str) -> None:
        """Pass on what comes to the held socket; it stays the caller's."""
        if binding in self._ports or binding.protocol not in (TCP, UDP):
            return
        where = (target, binding.container_port)
        port = _TcpPort(held, where) if binding.protocol == TCP else _UdpPort(held, where)
        self._ports[binding] = port
        if self._loop is not None:
            port.open(self._loop)

    def stop(self, binding: PortBinding) -> None:
        """Take no more; connections that are open end with their container."""
        port = self._ports.pop(binding, None)
        if port is not None:
            port.close()

    def close(self) -> None:
        """Stop all."""
        for binding in list(self._ports):
            self.stop(binding)


class _TcpPort:
    def __init__(self, held: socket.socket, target: tuple[str, int]) -> None:
        self._held = held
        self._target = target
        self._loop: AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._held.listen(_BACKLOG)
        loop.add_reader(self._held.fileno(), self._accept)

    def close(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._held.fileno())
        for task in self._tasks:
            task.cancel()

    def _accept(self) -> None:
        assert self._loop is not None
        try:
            client, _peer = self._held.accept()
        except OSError:
            return
        if len(self._tasks) >= _TCP_CLIENTS:
            client.close()
            return
        client.setblocking(False)
        task = self._loop.create_task(self._pass_on(client), name="relay")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        server = socket.socket(_family(self._target[0]), socket.SOCK_STREAM)
        server.setblocking(False)
        with client, server:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    await loop.sock_connect(server, self._target)
            except OSError:
                return
            await asyncio.gather(_copy(client, server), _copy(server, client))


class _UdpPort:
    """Each client has a socket of its own towards the container, as long as packets flow."""

    def __init__(self, held: socket.socket, target: tuple[str, int]) -> None:
        self._held = held
        self._target = target
        self._loop: AbstractEventLoop | None = None
        self._clients: dict[tuple[str, int], tuple[socket.socket, asyncio.TimerHandle]] = {}

    def open(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        loop.add_reader(self._held.fileno(), self._receive)

    def close(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._held.fileno())
        for client in list(self._clients):
            self._forget(client)

    def _receive(self) -> None:
        with suppress(OSError):
            data, client = self._held.recvfrom(_CHUNK_BYTES)
            self._socket_for(client).send(data)

    def _socket_for(self, client: tuple[str, int]) -> socket.socket:
        if client in self._clients:
            found, timer = self._clients[client]
            timer.cancel()
        else:
            found = self._connect(client)
        assert self._loop is not None
        timer = self._loop.call_later(_UDP_IDLE_S, self._forget, client)
        self._clients[client] = (found, timer)
        return found

    def _connect(self, client: tuple[str, int]) -> socket.socket:
        if len(self._clients) >= _UDP_CLIENTS:
            self._forget(next(iter(self._clients)))
        made = socket.socket(_family(self._target[0]), socket.SOCK_DGRAM)
        made.setblocking(False)
        try:
            made.connect(self._target)
        except OSError:
            made.close()
            raise
        assert self._loop is not None
        self._loop.add_reader(made.fileno(), self._answer, made, client)
        return made

    def _answer(self, server: socket.socket, client: tuple[str, int]) -> None:
        with suppress(OSError):
            self._held.sendto(server.recv(_CHUNK_BYTES), client)

    def _forget(self, client: tuple[str, int]) -> None:
        found, timer = self._clients.pop(client)
        timer.cancel()
        assert self._loop is not None
        self._loop.remove_reader(found.fileno())
        found.close()


async def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until the source ends, then tell the sink so."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while data := await loop.sock_recv(source, _CHUNK_BYTES):
            await loop.sock_sendall(sink, data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
