"""Taken-over connections: both ways raw, nothing lost, each direction closed on its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from api_wire import RawClient, serve

from budu.api.http.hijack import MULTIPLEXED_STREAM, HijackedStream
from budu.api.http.limits import ClientGone, Limits
from budu.api.http.protocol import Reply
from budu.api.http.request import Request

UPGRADE = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"


async def echo(request: Request) -> Reply:
    """Sends everything back, and the number of bytes once the client half-closed."""
    stream = await request.hijack(MULTIPLEXED_STREAM)
    total = 0
    while data := await stream.read():
        total += len(data)
        stream.write(data)
        await stream.drain()
    stream.write(b"total %d" % total)
    return stream


async def attach(client: RawClient, headers: bytes = UPGRADE, early: bytes = b"") -> str:
    await client.send(b"POST /attach HTTP/1.1\r\n" + headers + b"\r\n" + early)
    return (await client.reader.readuntil(b"\r\n\r\n")).decode()


async def test_upgrade_is_answered_101() -> None:
    async with serve(echo) as site:
        head = await attach(await site.connect())
    assert head.startswith("HTTP/1.1 101 UPGRADED\r\n")
    assert "\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n" in head
    assert "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n" in head


async def test_old_client_is_answered_200_raw() -> None:
    async with serve(echo) as site:
        head = await attach(await site.connect(), b"")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "\r\nContent-Type: application/vnd.docker.raw-stream\r\n" in head
    assert "Upgrade" not in head
    assert "Content-Length" not in head


@pytest.mark.parametrize("headers", [UPGRADE, b""])
@pytest.mark.parametrize("early", [b"hello", b"GET / HTTP/1.1\r\n\r\n", b"\0\xff\r\n"])
async def test_bytes_that_came_with_the_request_are_not_lost(headers: bytes, early: bytes) -> None:
    async with serve(echo) as site:
        client = await site.connect()
        await attach(client, headers, early)
        await client.send(b" later")
        client.half_close()
        expected = early + b" later"
        assert await client.rest() == expected + b"total %d" % len(expected)


@pytest.mark.parametrize("headers", [UPGRADE, b""])
@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 2\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
async def test_body_of_the_request_is_not_part_of_the_stream(headers: bytes, body: bytes) -> None:
    bodies = []

    async def exec_start(request: Request) -> Reply:
        bodies.append(await request.body.read_all())
        return await echo(request)

    async with serve(exec_start) as site:
        client = await site.connect()
        await client.send(b"POST /exec HTTP/1.1\r\n" + headers + body + b"early")
        await client.head()
        client.half_close()
        assert await client.rest() == b"earlytotal 5"
    assert bodies == [b"{}"]


async def test_half_close_before_the_answer_is_seen_as_end_of_input() -> None:
    async with serve(echo) as site:
        client = await site.connect()
        await client.send(b"POST /attach HTTP/1.1\r\n" + UPGRADE + b"\r\nall")
        client.half_close()
        await client.head()
        assert await client.rest() == b"alltotal 3"


async def test_server_half_closes_and_goes_on_reading() -> None:
    received = asyncio.get_running_loop().create_future()

    async def close_output(request: Request) -> Reply:
        stream = await request.hijack(MULTIPLEXED_STREAM)
        stream.write(b"bye")
        stream.write_eof()
        received.set_result(await stream.read())
        return stream

    async with serve(close_output) as site:
        client = await site.connect()
        await attach(client)
        assert await client.rest() == b"bye"
        await client.send(b"still here")
        assert await received == b"still here"


async def test_large_streams_pass_both_ways_at_once() -> None:
    data = bytes(n % 253 for n in range(1 << 20)) * 4
    async with serve(echo, limits=Limits(buffer_bytes=64 << 10)) as site:
        client = await site.connect()
        await attach(client)

        async def send() -> None:
            await client.send(data)
            client.half_close()

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            received = await client.rest()
    assert received == data + b"total %d" % len(data)


async def test_stream_tells_its_end() -> None:
    seen: list[bool] = []

    async def look(request: Request) -> Reply:
        stream = await request.hijack(MULTIPLEXED_STREAM)
        seen.append(stream.at_eof)
        assert await stream.read() == b"x"
        assert await stream.read() == b""
        seen.append(stream.at_eof)
        return stream

    async with serve(look) as site:
        client = await site.connect()
        await attach(client, early=b"x")
        client.half_close()
        await client.rest()
    assert seen == [False, True]


@pytest.mark.parametrize("half_close_first", [True, False])
async def test_client_that_leaves_cancels_the_handler(half_close_first: bool) -> None:
    cancelled = asyncio.Event()

    async def quiet_container(request: Request) -> Reply:
        stream = await request.hijack(MULTIPLEXED_STREAM)
        try:
            await stream.read()
            return await asyncio.Future[HijackedStream]()
        finally:
            cancelled.set()

    async with serve(quiet_container) as site:
        client = await site.connect()
        await attach(client)
        if half_close_first:
            client.half_close()
            await asyncio.sleep(0.05)
            assert not cancelled.is_set()
        await client.close()
        await cancelled.wait()


async def test_writing_to_a_client_that_left_ends_the_handler() -> None:
    outcome = asyncio.get_running_loop().create_future()

    async def chatty(request: Request) -> Reply:
        stream = await request.hijack(MULTIPLEXED_STREAM)
        try:
            while True:
                stream.write(bytes(65536))
                await stream.drain()
        except (ClientGone, asyncio.CancelledError) as error:
            outcome.set_result(error)
            raise

    async with serve(chatty) as site:
        client = await site.connect()
        await attach(client)
        await client.reader.readexactly(1000)
        await client.close()
        assert isinstance(await outcome, ClientGone | asyncio.CancelledError)


async def test_handler_may_go_on_after_it_closed_the_stream() -> None:
    finished = asyncio.Event()

    async def close_early(request: Request) -> Reply:
        stream = await request.hijack(MULTIPLEXED_STREAM)
        stream.close()
        await asyncio.sleep(0.05)
        finished.set()
        return stream

    async with serve(close_early) as site:
        client = await site.connect()
        await attach(client)
        assert await client.rest() == b""
        await finished.wait()


async def greet(request: Request) -> Reply:
    """Says something as soon as it may."""
    stream = await request.hijack(MULTIPLEXED_STREAM)
    stream.write(b"early")
    return stream


@pytest.mark.parametrize(
    ("agent", "expected"),
    [("docker-sdk-python/7.1.0", b""), ("Docker-Client/28.2 (linux)", b"early")],
)
async def test_a_client_that_loses_early_bytes_has_read_the_head(
    agent: str, expected: bytes
) -> None:
    """Nothing comes together with the head to docker-py, which would not find it again."""
    loop = asyncio.get_running_loop()
    request = (
        b"POST /attach HTTP/1.1\r\nUser-Agent: " + agent.encode() + b"\r\n" + UPGRADE + b"\r\n"
    )
    async with serve(greet) as site:
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            await loop.sock_connect(client, str(site.path))
            await loop.sock_sendall(client, request)
            seen = b""
            while not seen.endswith(b"\r\n\r\n" + expected):
                await asyncio.sleep(0.001)
                with contextlib.suppress(BlockingIOError):
                    seen = client.recv(65536, socket.MSG_PEEK)
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert client.recv(65536, socket.MSG_PEEK) == seen
            taken = client.recv(65536)
            while data := await loop.sock_recv(client, 65536):
                taken += data
    assert taken.endswith(b"\r\n\r\nearly")
