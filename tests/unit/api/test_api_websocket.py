"""Attaching through a WebSocket, by aiohttp's client and by bytes that no client would send."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from api_engine import FakeAttachment, FakeEngine
from api_wire import RawClient, Site, serve

from budu.api.http.limits import Limits
from budu.api.http.websocket import accept_of
from budu.api.routes import build_router
from budu.engine.contract import AttachOptions

PATH = "/v1.51/containers/web/attach/ws"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = (
    "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
)


@asynccontextmanager
async def browser(
    engine: FakeEngine, query: str, path: str = PATH
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with serve(build_router(engine)) as site:
        connector = aiohttp.UnixConnector(str(site.path))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.ws_connect(f"http://docker{path}?{query}", protocols=("tty", "b")) as socket,
        ):
            yield socket


async def greeted(site: Site, query: str = "stream=1&stdin=1&stdout=1") -> RawClient:
    client = await site.connect()
    await client.send(f"GET {PATH}?{query} HTTP/1.1\r\n{HANDSHAKE}\r\n".encode())
    status, _ = await client.head()
    assert status == 101
    return client


def frame(opcode: int, payload: bytes, *, fin: bool = True, length: int | None = None) -> bytes:
    """A client's frame, masked with zeroes."""
    size = len(payload) if length is None else length
    head = bytes([opcode | (0x80 if fin else 0)])
    if size < 126:
        return head + bytes([0x80 | size]) + bytes(4) + payload
    return head + bytes([0x80 | 127]) + struct.pack(">Q", size) + bytes(4) + payload


async def server_frame(client: RawClient) -> tuple[int, bytes]:
    head, size = await client.reader.readexactly(2)
    assert head & 0x80
    assert size < 126
    return head & 0xF, await client.reader.readexactly(size)


def attachment_of(engine: FakeEngine) -> FakeAttachment:
    assert engine.containers.attachment is not None
    return engine.containers.attachment


def test_proof_of_the_key_is_the_standards_example() -> None:
    assert accept_of(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


async def test_bytes_pass_both_ways_in_binary_messages() -> None:
    engine = FakeEngine()
    async with browser(engine, "stream=1&stdin=1&stdout=1&logs=1&detachKeys=ctrl-x") as socket:
        assert socket.protocol == "tty"
        assert await socket.receive_bytes() == b"hello "
        await socket.send_str("text")
        assert await socket.receive_bytes() == b"TEXT"
        await socket.send_bytes(b"\xff binary")
        assert await socket.receive_bytes() == b"\xff BINARY"
    options = AttachOptions(
        stdin=True, stdout=True, stream=True, logs=True, detach_keys="ctrl-x", framed=False
    )
    assert engine.containers.calls == [("attach", options)]


async def test_clients_before_1_42_get_all_streams() -> None:
    engine = FakeEngine()
    async with browser(engine, "stream=1", "/v1.41/containers/web/attach/ws") as socket:
        assert await socket.receive_bytes() == b"hello "
    options = AttachOptions(stdin=True, stdout=True, stderr=True, stream=True, framed=False)
    assert engine.containers.calls == [("attach", options)]


async def test_input_that_is_not_wanted_is_thrown_away() -> None:
    engine = FakeEngine()
    async with browser(engine, "stream=1&stdout=1") as socket:
        assert await socket.receive_bytes() == b"hello "
        await socket.send_bytes(b"ignored")
    await attachment_of(engine).closed.wait()
    assert attachment_of(engine)._queue.empty()


async def test_detach_keys_end_it_with_a_goodbye() -> None:
    engine = FakeEngine()
    async with browser(engine, "stream=1&stdin=1&stdout=1") as socket:
        assert await socket.receive_bytes() == b"hello "
        await socket.send_bytes(b"bye")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1000
    await attachment_of(engine).closed.wait()


async def test_goodbye_of_the_client_ends_the_input_and_the_attachment() -> None:
    engine = FakeEngine()
    async with serve(build_router(engine)) as site:
        client = await greeted(site)
        assert await server_frame(client) == (2, b"hello ")
        await client.send(frame(8, struct.pack(">H", 1000)))
        assert await server_frame(client) == (8, struct.pack(">H", 1000))
        assert await client.rest() == b""
        await attachment_of(engine).closed.wait()
        assert attachment_of(engine).input_ended


async def test_client_that_is_cut_off_lets_go() -> None:
    engine = FakeEngine()
    async with serve(build_router(engine)) as site:
        client = await greeted(site)
        await server_frame(client)
        await client.close()
        await attachment_of(engine).closed.wait()


async def test_pieces_pings_and_frames_cut_anywhere() -> None:
    engine = FakeEngine()
    async with serve(build_router(engine)) as site:
        client = await greeted(site)
        await server_frame(client)
        ping = frame(9, b"are you there")
        data = frame(2, b"ab", fin=False) + ping + frame(0, b"cd", fin=False) + frame(0, b"ef")
        received = []
        for at in range(len(data)):
            await client.send(data[at : at + 1])
            await asyncio.sleep(0)
        while sum(len(payload) for opcode, payload in received if opcode == 2) < 6:
            received.append(await server_frame(client))
        assert b"".join(payload for opcode, payload in received if opcode == 2) == b"ABCDEF"
        assert [payload for opcode, payload in received if opcode == 10] == [b"are you there"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x82\x01x", 1002, id="unmasked"),
        pytest.param(frame(3, b"x"), 1002, id="unknown opcode"),
        pytest.param(frame(0, b"x"), 1002, id="continuation of nothing"),
        pytest.param(frame(0x42, b"x"), 1002, id="reserved bit"),
        pytest.param(frame(2, b"", length=1 << 40), 1009, id="a terabyte"),
        pytest.param(frame(9, b"", fin=False), 1002, id="ping in pieces"),
    ],
)
async def test_broken_frames_end_the_socket_with_their_code(data: bytes, code: int) -> None:
    engine = FakeEngine()
    async with serve(build_router(engine), limits=Limits(sweep_s=0.01, linger_s=0.05)) as site:
        client = await greeted(site)
        await server_frame(client)
        await client.send(data)
        opcode, payload = await server_frame(client)
        assert (opcode, struct.unpack(">H", payload[:2])[0]) == (8, code)
        assert await client.rest() == b""
        await attachment_of(engine).closed.wait()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("", "not websocket protocol"),
        ("Connection: Upgrade\r\nUpgrade: tcp\r\n", "not websocket protocol"),
        (
            HANDSHAKE.replace(": 13", ": 8"),
            "missing or bad WebSocket Version, 13 is wanted",
        ),
        (
            HANDSHAKE.replace(KEY, "AAAA"),
            "mismatch challenge/response: Sec-WebSocket-Key is no 16 bytes",
        ),
        (
            HANDSHAKE.replace(KEY, "\xff"),
            "mismatch challenge/response: Sec-WebSocket-Key is no 16 bytes",
        ),
    ],
)
async def test_what_is_no_handshake_is_400(lines: str, sentence: str) -> None:
    engine = FakeEngine()
    async with serve(build_router(engine)) as site:
        client = await site.connect()
        request = f"GET {PATH}?stream=1 HTTP/1.1\r\n{lines}\r\n"
        answer = await client.ask(request.encode("latin-1"))
        assert (answer.status, answer.message) == (400, sentence)
    assert engine.containers.calls == []


async def test_missing_container_is_404_before_the_handshake() -> None:
    async with serve(build_router(FakeEngine())) as site:
        client = await site.connect()
        request = f"GET {PATH.replace('web', 'nope')} HTTP/1.1\r\n{HANDSHAKE}\r\n"
        answer = await client.ask(request.encode())
        assert (answer.status, answer.message) == (404, "No such container: nope")


async def test_large_messages_pass_whole() -> None:
    engine = FakeEngine()
    async with browser(engine, "stream=1&stdin=1&stdout=1") as socket:
        await socket.receive_bytes()
        data = b"x" * (3 << 20)
        await socket.send_bytes(data)
        received = 0
        while received < len(data):
            received += len(await socket.receive_bytes())
        assert received == len(data)
