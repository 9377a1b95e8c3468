"""Where the API is offered: socket files and their owners, TCP, TLS with client certificates."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from api_wire import FAST, RawClient

from budu.api.http.hijack import RAW_STREAM
from budu.api.http.protocol import Handler, Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.listeners import Listener, TcpListener, TlsFiles, UnixListener
from budu.api.server import ApiServer
from budu.base.errors import AlreadyExists, InvalidArgument

TLS = Path(__file__).parent / "tls"
GET = b"GET /x HTTP/1.1\r\n\r\n"


async def hello(_: Request) -> Reply:
    return Response.text("hello")


@asynccontextmanager
async def listening(listener: Listener, handler: Handler = hello) -> AsyncIterator[ApiServer]:
    server = ApiServer(handler, [listener], limits=FAST)
    await server.start()
    try:
        async with asyncio.timeout(30):
            yield server
    finally:
        await server.close(grace_s=1)


def port_of(server: ApiServer) -> int:
    return int(server.addresses[0].rpartition(":")[2])


async def test_socket_file_is_for_its_group_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "run" / "api.sock"
    async with listening(UnixListener(path, group=None)) as server:
        assert server.addresses == [f"unix://{path}"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        client = RawClient(*await asyncio.open_unix_connection(str(path)))
        assert (await client.ask(GET)).body == b"hello"
        await client.close()
    assert not path.exists()


async def test_unknown_group_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    async with listening(UnixListener(path, group="no-such-group")):
        assert path.stat().st_gid == os.getgid()


async def test_dead_socket_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with listening(UnixListener(path, group=None)):
        client = RawClient(*await asyncio.open_unix_connection(str(path)))
        assert (await client.ask(GET)).status == 200
        await client.close()


async def test_socket_of_a_live_engine_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    async with listening(UnixListener(path, group=None)):
        with pytest.raises(AlreadyExists, match="in use by another engine"):
            await ApiServer(hello, [UnixListener(path, group=None)]).start()
        assert path.exists()


async def test_socket_file_of_a_successor_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    async with listening(UnixListener(path, group=None)):
        path.unlink()
        path.touch()
    assert path.exists()


async def test_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="failed to listen on unix://"):
        await ApiServer(hello, [UnixListener(tmp_path / ("x" * 120), group=None)]).start()


async def test_all_or_nothing_is_listened_on(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = ApiServer(hello, [UnixListener(path, group=None), TcpListener("127.0.0.1", port)])
        with pytest.raises(AlreadyExists, match=rf"{port}: Address already in use"):
            await server.start()
    assert not path.exists()


async def test_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"failed to listen on tcp://nowhere\.invalid"):
        await ApiServer(hello, [TcpListener("nowhere.invalid", 0)]).start()


async def test_tcp_serves_and_half_close_counts_as_leaving_a_stream() -> None:
    cancelled = asyncio.Event()

    async def stream(request: Request) -> Reply:
        request.stream()
        try:
            return await asyncio.Future[Reply]()
        finally:
            cancelled.set()

    async with listening(TcpListener("127.0.0.1", 0), stream) as server:
        client = RawClient(*await asyncio.open_connection("127.0.0.1", port_of(server)))
        await client.send(GET)
        await client.head()
        client.half_close()
        await cancelled.wait()
        await client.close()


async def echo(request: Request) -> Reply:
    stream = await request.hijack(RAW_STREAM)
    total = 0
    while data := await stream.read():
        total += len(data)
        stream.write(data)
        await stream.drain()
    stream.write(b"total %d" % total)
    return stream


async def test_tcp_half_close_does_not_end_a_hijacked_connection() -> None:
    async with listening(TcpListener("127.0.0.1", 0), echo) as server:
        client = RawClient(*await asyncio.open_connection("127.0.0.1", port_of(server)))
        await client.send(b"POST /attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nab")
        await client.head()
        client.half_close()
        assert await client.rest() == b"abtotal 2"
        await client.close()


def tls_listener(*, verify: bool) -> TcpListener:
    files = TlsFiles(
        certificate=TLS / "server.pem",
        key=TLS / "server.key",
        client_ca=TLS / "ca.pem" if verify else None,
    )
    return TcpListener("127.0.0.1", 0, tls=files.context())


class TlsClient:
    """A blocking TLS client for a thread: Python's, with a half-close of its own."""

    def __init__(self, port: int, *, certificate: bool = False) -> None:
        context = ssl.create_default_context(cafile=str(TLS / "ca.pem"))
        if certificate:
            context.load_cert_chain(TLS / "client.pem", TLS / "client.key")
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self._run(self._tls.do_handshake)

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        self._flush()

    def half_close(self) -> None:
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def rest(self) -> bytes:
        data = b""
        while True:
            try:
                piece = self._run(lambda: self._tls.read(65536))
            except (ssl.SSLZeroReturnError, ConnectionError):
                return data
            if not piece:
                return data
            data += piece

    def close(self) -> None:
        self._sock.close()

    def _run(self, step: object) -> bytes:
        assert callable(step)
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                piece = self._sock.recv(65536)
                if not piece:
                    raise ConnectionResetError("closed without close_notify") from None
                self._incoming.write(piece)
            else:
                self._flush()
                return result or b""

    def _flush(self) -> None:
        self._sock.sendall(self._outgoing.read())


async def test_tls_serves_large_answers() -> None:
    body = bytes(n % 251 for n in range(1 << 20))

    async def large(_: Request) -> Reply:
        return Response(200, body)

    def ask(port: int) -> bytes:
        client = TlsClient(port)
        client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        try:
            return client.rest()
        finally:
            client.close()

    async with listening(tls_listener(verify=False), large) as server:
        answer = await asyncio.to_thread(ask, port_of(server))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n" + body)


async def test_tls_half_close_does_not_end_a_hijacked_connection() -> None:
    def attach(port: int) -> bytes:
        client = TlsClient(port)
        client.send(b"POST /attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nab")
        client.half_close()
        try:
            return client.rest()
        finally:
            client.close()

    async with listening(tls_listener(verify=False), echo) as server:
        answer = await asyncio.to_thread(attach, port_of(server))
    assert answer.endswith(b"\r\n\r\nabtotal 2")


@pytest.mark.parametrize(("certificate", "served"), [(True, True), (False, False)])
async def test_tls_verifies_clients(certificate: bool, served: bool) -> None:
    def ask(port: int) -> bytes:
        client = TlsClient(port, certificate=certificate)
        try:
            client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return client.rest()
        except (ssl.SSLError, ConnectionError):
            return b""
        finally:
            client.close()

    async with listening(tls_listener(verify=True)) as server:
        answer = await asyncio.to_thread(ask, port_of(server))
    assert answer.endswith(b"hello") is served
    assert bool(answer) is served


async def test_plain_client_on_a_tls_port_is_cut() -> None:
    async with listening(tls_listener(verify=False)) as server:
        client = RawClient(*await asyncio.open_connection("127.0.0.1", port_of(server)))
        await client.send(GET)
        try:
            assert b"HTTP" not in await client.rest()
        except ConnectionResetError:
            pass
        await client.close()


def test_certificate_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    files = TlsFiles(certificate=tmp_path / "bad.pem", key=TLS / "server.key")
    with pytest.raises(InvalidArgument, match="could not load X509 key pair"):
        files.context()
