"""The resolver of one sandbox: datagrams and connections of its two sockets, answered in the loop.

Names of ours are answered at once; other questions wait for the servers in tasks, a bounded number
of them. A container that floods its resolver loses its own questions and takes little from others:
after a few datagrams the loop goes on to somebody else.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Coroutine
from typing import Any

from budu.network.dns import message
from budu.network.dns.answers import local_answer
from budu.network.dns.directory import Directory
from budu.network.dns.forward import Forwarder, receive_exactly
from budu.network.dns.message import FORMERR, REFUSED, SERVFAIL, FormatError, Query

MAX_FORWARDED = 256
"""Questions of one container that may wait for servers outside at a time."""
MAX_CONNECTIONS = 32
"""TCP connections of one container at a time."""
IDLE_S = 10.0
"""How long a TCP connection may be silent. Source: RFC 7766, 6.2.3"""
_AT_ONCE = 32
_QUERY_BYTES = 4096

Client = tuple[str, int]


class SandboxResolver:
    """Answers the questions of one container. `close` it before its sockets are of no use."""

    def __init__(
        self,
        asker: str,
        datagrams: socket.socket,
        listener: socket.socket,
        *,
        directory: Directory,
        forwarder: Forwarder,
    ) -> None:
        """Serve from now on; the sockets are non-blocking and belong to the resolver."""
        self._asker = asker
        self._datagrams = datagrams
        self._listener = listener
        self._directory = directory
        self._forwarder = forwarder
        self._loop = asyncio.get_running_loop()
        self._forwarded = 0
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop.add_reader(datagrams.fileno(), self._receive)
        self._loop.add_reader(listener.fileno(), self._accept)

    def close(self) -> None:
        """Stop answering and let go of the sockets."""
        self._loop.remove_reader(self._datagrams.fileno())
        self._loop.remove_reader(self._listener.fileno())
        for task in self._tasks:
            task.cancel()
        self._datagrams.close()
        self._listener.close()

    def _receive(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, client = self._datagrams.recvfrom(_QUERY_BYTES)
            except OSError:  # nothing more, or the echo of an answer that nobody took
                return
            self._serve_datagram(data, client)

    def _serve_datagram(self, data: bytes, client: Client) -> None:
        try:
            query = message.parse_query(data)
        except FormatError:
            self._send(message.refusal(data, FORMERR), client)
            return
        reply = local_answer(query, self._directory, self._asker, random.shuffle)
        if reply is not None:
            self._send(message.fitted(query, reply, limit=query.limit), client)
        elif self._forwarded >= MAX_FORWARDED:
            self._send(message.answer(query, (), ttl=0, code=REFUSED), client)
        else:
            self._run(self._forward_datagram(query, data, client))

    async def _forward_datagram(self, query: Query, data: bytes, client: Client) -> None:
        reply = await self._forward(query, data, tcp=False)
        self._send(message.fitted(query, reply, limit=query.limit), client)

    async def _forward(self, query: Query, data: bytes, *, tcp: bool) -> bytes:
        self._forwarded += 1
        try:
            servers = self._directory.servers(self._asker)
            reply = await self._forwarder.ask(query, data, servers, tcp=tcp)
        finally:
            self._forwarded -= 1
        return reply or message.answer(query, (), ttl=0, code=SERVFAIL)

    def _send(self, reply: bytes, client: Client) -> None:
        if not reply:
            return
        try:
            self._datagrams.sendto(reply, client)
        except OSError:
            pass  # a full buffer or no such client any more: it may ask again

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if self._connections >= MAX_CONNECTIONS:
            connection.close()
            return
        connection.setblocking(False)
        self._run(self._serve_connection(connection))

    async def _serve_connection(self, connection: socket.socket) -> None:
        self._connections += 1
        try:
            with connection:
                while True:
                    async with asyncio.timeout(IDLE_S):
                        length = int.from_bytes(await receive_exactly(connection, 2), "big")
                        data = await receive_exactly(connection, length)
                    reply = await self._answer_stream(data)
                    framed = len(reply).to_bytes(2, "big") + reply
                    async with asyncio.timeout(IDLE_S):
                        await self._loop.sock_sendall(connection, framed)
        except (OSError, TimeoutError):
            pass  # it has gone, or is silent
        finally:
            self._connections -= 1

    async def _answer_stream(self, data: bytes) -> bytes:
        try:
            query = message.parse_query(data)
        except FormatError:
            reply = message.refusal(data, FORMERR)
            if not reply:
                raise ConnectionError("no DNS message") from None
            return reply
        reply_or_none = local_answer(query, self._directory, self._asker, random.shuffle)
        if reply_or_none is not None:
            return reply_or_none
        return await self._forward(query, data, tcp=True)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
