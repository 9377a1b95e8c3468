"""Opens connections: the name's addresses in a race, TLS, a proxy in between.

Source: RFC 8305 (the race between addresses), RFC 9110 section 9.3.6 (CONNECT).
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from budu.distribution.errors import Step
from budu.distribution.http.connection import Connection
from budu.distribution.http.failures import (
    ExchangeFailed,
    by_proxy,
    no_tls,
    not_connected,
    unknown_name,
)

_HEAD_START_S = 0.25

_Address = tuple[int, tuple[Any, ...]]


class Way(msgspec.Struct, frozen=True):
    """Where a connection leads, and how. Equal ways can share connections."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """For https; None for plain http."""
    proxy: str = ""
    """URL of the proxy; empty for none."""


def proxy_credentials(proxy: str) -> str:
    """The header line that a proxy's URL with a user asks for; empty without one."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"


async def dial(way: Way, connect_s: float) -> Connection:
    """A new connection, `connect_s` at most for each step of it. Raises: ExchangeFailed."""
    if not way.proxy:
        return await _open(way.host, way.port, way.tls, connect_s)
    parts = urlsplit(way.proxy if "://" in way.proxy else f"http://{way.proxy}")
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    tls = ssl.create_default_context() if is_tls else None
    try:
        connection = await _open(parts.hostname or "", port, tls, connect_s)
    except ExchangeFailed as failure:
        raise by_proxy(failure) from failure
    if way.tls is not None:
        await _tunnel(connection, way, connect_s)
    return connection


async def _tunnel(connection: Connection, way: Way, connect_s: float) -> None:
    """Make the proxy pass bytes on to the server, and speak TLS with that."""
    assert way.tls is not None
    host = f"[{way.host}]" if ":" in way.host else way.host
    lines = f"CONNECT {host}:{way.port} HTTP/1.1\r\nHost: {host}:{way.port}\r\n"
    request = f"{lines}{proxy_credentials(way.proxy)}\r\n".encode()
    answer = await connection.exchange("CONNECT", request, body=None, idle_s=connect_s)
    if not 200 <= answer.status < 300:
        connection.close()
        raise ExchangeFailed(Step.ROUTE, "proxy-refused", answer.reason or str(answer.status))
    try:
        transport = await asyncio.get_running_loop().start_tls(
            connection.transport,
            connection,
            way.tls,
            server_hostname=way.host,
            ssl_handshake_timeout=connect_s,
        )
    except OSError as error:
        connection.close()
        raise no_tls(error) from error
    if transport is None:
        raise no_tls(ConnectionResetError())
    connection.connection_made(transport)


async def _open(host: str, port: int, tls: ssl.SSLContext | None, connect_s: float) -> Connection:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except (socket.gaierror, UnicodeError) as error:
        cause = error if isinstance(error, socket.gaierror) else socket.gaierror(socket.EAI_NONAME)
        raise unknown_name(host, cause) from error
    addresses = [(int(family), address) for family, _, _, _, address in found]
    sock = await _connect_first(addresses, connect_s)
    secured: dict[str, Any] = {}
    if tls is not None:
        secured = {"ssl": tls, "server_hostname": host, "ssl_handshake_timeout": connect_s}
    try:
        _, connection = await loop.create_connection(Connection, sock=sock, **secured)
    except OSError as error:
        sock.close()
        raise no_tls(error) from error
    return connection


async def _connect_first(addresses: list[_Address], connect_s: float) -> socket.socket:
    """A socket connected to the first address that answers; each gets a head start of a moment.

    Raises: ExchangeFailed, that of the first address.
    """
    waiting = list(addresses)
    failures: dict[_Address, ExchangeFailed] = {}
    running: dict[asyncio.Task[socket.socket], _Address] = {}
    try:
        while waiting or running:
            if waiting:
                address = waiting.pop(0)
                running[asyncio.create_task(_connect(address, connect_s), name="dial")] = address
            timeout = _HEAD_START_S if waiting else None
            done, _ = await asyncio.wait(
                running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                address = running.pop(task)
                failure = task.exception()
                if failure is None:
                    return task.result()
                if not isinstance(failure, ExchangeFailed):
                    raise failure
                failures[address] = failure
        raise next(failures[address] for address in addresses)
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_close_late)


async def _connect(address: _Address, connect_s: float) -> socket.socket:
    family, target = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(connect_s):
            await asyncio.get_running_loop().sock_connect(sock, target)
    except OSError as error:
        sock.close()
        raise not_connected(target[0], target[1], error) from error
    except BaseException:
        sock.close()
        raise
    return sock


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """A socket that connected when another had won already."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
