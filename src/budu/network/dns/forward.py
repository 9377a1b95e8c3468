"""Asking the servers outside: one question, several servers, by datagram or by TCP.

Each question goes out from a socket of its own, so that an attacker has to guess its port as well
as its id, and the kernel lets answers of that server alone in. A server that did not answer comes
last for a while.
Source: RFC 5452 (forged answers); RFC 7766 (TCP); moby 28.3, libnetwork/resolver.go (which answers
are good enough).
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence

from budu.network.dns import message
from budu.network.dns.directory import Server
from budu.network.dns.message import REFUSED, SERVFAIL, Query

PORT = 53
SERVERS = 3
"""How many servers are asked at most, as in resolv.conf. Source: man 5 resolv.conf, MAXNS"""
ANSWER_S = 3.0
"""How long one server may take."""
_SLOW_FOR_S = 30.0

MakeSocket = Callable[[Server, socket.SocketKind], Awaitable[socket.socket]]
"""A non-blocking socket of the server's family, in the network from which it is to be asked."""


class Forwarder:
    """Asks servers outside, and remembers which were silent."""

    def __init__(self, make_socket: MakeSocket) -> None:
        self._make_socket = make_socket
        self._silent_until: dict[str, float] = {}

    async def ask(
        self, query: Query, data: bytes, servers: Sequence[Server], *, tcp: bool
    ) -> bytes | None:
        """The answer to `data`, the query as it came; None when no server has one.

        An answer that says the server itself failed is given only when no other server does better.
        """
        failed = None
        for server in self._ordered(servers):
            reply = await self._ask_one(query, data, server, tcp=tcp)
            if reply is None:
                continue
            if message.code_of(reply) not in (SERVFAIL, REFUSED):
                return reply
            failed = failed or reply
        return failed

    def _ordered(self, servers: Sequence[Server]) -> list[Server]:
        now = time.monotonic()
        return sorted(
            servers[:SERVERS], key=lambda each: self._silent_until.get(each.address, 0.0) > now
        )

    async def _ask_one(
        self, query: Query, data: bytes, server: Server, *, tcp: bool
    ) -> bytes | None:
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        try:
            async with asyncio.timeout(ANSWER_S):
                with await self._make_socket(server, kind) as made:
                    await asyncio.get_running_loop().sock_connect(made, (server.address, PORT))
                    exchange = _by_stream if tcp else _by_datagram
                    reply = await exchange(query, data, made)
        except (OSError, TimeoutError):
            self._silent_until[server.address] = time.monotonic() + _SLOW_FOR_S
            return None
        self._silent_until.pop(server.address, None)
        return reply


async def _by_datagram(query: Query, data: bytes, made: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(made, data)
    while True:
        reply = await loop.sock_recv(made, message.MAX_BYTES)
        if message.is_reply_to(query, reply):
            return reply


async def _by_stream(query: Query, data: bytes, made: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(made, len(data).to_bytes(2, "big") + data)
    length = int.from_bytes(await receive_exactly(made, 2), "big")
    reply = await receive_exactly(made, length)
    if not message.is_reply_to(query, reply):
        raise ConnectionError("the server answered another question")
    return reply


async def receive_exactly(made: socket.socket, size: int) -> bytes:
    """So many bytes of a stream. Raises: ConnectionError when it ends before; OSError."""
    loop = asyncio.get_running_loop()
    parts = bytearray()
    while len(parts) < size:
        part = await loop.sock_recv(made, size - len(parts))
        if not part:
            raise ConnectionError("the connection ended within a message")
        parts += part
    return bytes(parts)
