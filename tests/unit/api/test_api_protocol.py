"""HTTP on a real unix socket: framing, limits, order, and what a client may do wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest
from api_wire import FAST, GET, RawClient, echo, ignore_body, serve

from budu.api.http.limits import Limits
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response


async def test_answer_carries_the_headers_that_clients_look_for() -> None:
    async with serve(echo) as site:
        answer = await (await site.connect()).get("/x")
    assert answer.status == 200
    assert answer.headers["api-version"] == "1.51"
    assert answer.headers["docker-experimental"] == "false"
    assert answer.headers["ostype"] == "linux"
    assert answer.headers["server"].startswith("budu/")
    assert answer.headers["date"].endswith("GMT")


async def test_connection_is_kept_for_further_requests() -> None:
    async with serve(echo) as site:
        client = await site.connect()
        for path in ("/one", "/two", "/three"):
            assert (await client.get(path)).headers["x-path"] == path


async def test_pipelined_requests_are_answered_in_order() -> None:
    first_waits = asyncio.Event()

    async def slow_first(request: Request) -> Reply:
        if request.path == "/0":
            await first_waits.wait()
        return Response.text(request.path)

    async with serve(slow_first) as site:
        client = await site.connect()
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(5)))
        first_waits.set()
        assert [(await client.answer()).body for _ in range(5)] == [b"/%d" % n for n in range(5)]


async def test_pipelined_bodies_do_not_run_into_the_next_request() -> None:
    async with serve(echo) as site:
        client = await site.connect()
        await client.send(
            b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
            b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n" + GET
        )
        assert [(await client.answer()).body for _ in range(3)] == [b"abc", b"de", b""]


async def test_request_may_come_byte_by_byte() -> None:
    request = b"\r\nPOST /a?b=c HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    async with serve(echo) as site:
        client = await site.connect()
        for byte in request:
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)
        answer = await client.answer()
    assert (answer.body, answer.headers["x-query"]) == (b"abc", "b=c")


async def test_head_is_answered_with_length_and_without_body() -> None:
    async with serve(ignore_body) as site:
        client = await site.connect()
        answer = await client.ask(b"HEAD /x HTTP/1.1\r\n\r\n")
        assert answer.headers["content-length"] == "6"
        assert (await client.get("/x")).body == b"unread"


async def test_connection_close_is_granted() -> None:
    async with serve(echo) as site:
        client = await site.connect()
        answer = await client.get("/x", "Connection: close")
        assert answer.headers["connection"] == "close"
        assert await client.rest() == b""


async def test_http_1_0_closes_unless_it_asks_to_keep() -> None:
    async with serve(echo) as site:
        keeping = await site.connect()
        request = b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        assert (await keeping.ask(request)).headers["connection"] == "keep-alive"
        assert (await keeping.ask(b"GET /x HTTP/1.0\r\n\r\n")).status == 200
        assert await keeping.rest() == b""


async def test_http_1_0_gets_streams_without_chunks() -> None:
    async def stream(request: Request) -> Reply:
        answer = request.stream(content_type="text/plain")
        await answer.write(b"abc")
        return answer

    async with serve(stream) as site:
        client = await site.connect()
        await client.send(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        status, headers = await client.head()
        assert (status, "transfer-encoding" in headers) == (200, False)
        assert await client.rest() == b"abc"


@pytest.mark.parametrize("size", [0, 1, 5000, 300_000])
async def test_chunked_body_arrives_whole(size: int) -> None:
    body = bytes(n % 251 for n in range(size))
    async with serve(echo) as site:
        client = await site.connect()
        await client.send(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, size, 4096):
            piece = body[at : at + 4096]
            await client.send(b"%X;ext=1\r\n%b\r\n" % (len(piece), piece))
        await client.send(b"0\r\nTrailer: ignored\r\n\r\n")
        assert (await client.answer()).body == body
        assert (await client.get("/next")).status == 200


async def test_client_that_expects_100_is_told_when_the_body_is_read() -> None:
    async with serve(echo) as site:
        client = await site.connect()
        await client.send(b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await client.head() == (100, {})
        assert (await client.ask(b"ok")).body == b"ok"


async def test_client_that_expects_100_is_refused_without_it() -> None:
    async with serve(ignore_body) as site:
        client = await site.connect()
        answer = await client.ask(
            b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert (answer.status, answer.headers["connection"]) == (200, "close")


async def test_unread_body_does_not_cost_the_client_its_answer() -> None:
    async with serve(ignore_body) as site:
        client = await site.connect()
        await client.send(b"POST /x HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 100_000)
        answer = await client.answer()
        assert (answer.body, answer.headers["connection"]) == (b"unread", "close")
        await client.send(b"x" * 100_000)
        assert await client.rest() == b""


async def test_reader_that_is_slow_slows_the_sender() -> None:
    may_read = asyncio.Event()
    held: list[int] = []

    async def slow(request: Request) -> Reply:
        await may_read.wait()
        total = 0
        async for piece in request.body.pieces():
            held.append(len(piece))
            total += len(piece)
        return Response.text(str(total))

    size = 8 << 20
    limits = Limits(buffer_bytes=64 << 10, sweep_s=0.01)
    async with serve(slow, limits=limits) as site:
        client = await site.connect()
        client.writer.write(b"POST /x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
        client.writer.write(bytes(size))
        for _ in range(50):
            await asyncio.sleep(0)
        may_read.set()
        assert (await client.answer()).body == b"%d" % size
    assert max(held) < 1 << 20


async def test_slow_client_slows_the_writer() -> None:
    written = 0
    blocked = asyncio.Event()

    async def flood(request: Request) -> Reply:
        nonlocal written
        stream = request.stream()
        for _ in range(256):
            if written - seen > 1 << 20:
                blocked.set()
            await stream.write(bytes(32 << 10))
            written += 32 << 10
        return stream

    seen = 0
    async with serve(flood) as site:
        client = await site.connect()
        await client.send(GET)
        for _ in range(200):
            await asyncio.sleep(0)
        assert written < 4 << 20
        await client.head()
        total = sum([len(piece) async for piece in client.chunks()])
    assert total == 256 * (32 << 10)


async def test_answers_at_once_keep_their_place_among_those_that_wait() -> None:
    def mixed(request: Request) -> Response | Coroutine[Any, Any, Reply]:
        return echo(request) if request.method == "POST" else Response.text(request.path)

    async with serve(mixed) as site:
        client = await site.connect()
        post = b"POST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d"
        get = b"GET /%d HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"
        await client.send(b"".join((post if n % 3 else get) % n for n in range(9)))
        bodies = [(await client.answer()).body for _ in range(9)]
    assert bodies == [b"%d" % n if n % 3 else b"/%d" % n for n in range(9)]


@pytest.mark.parametrize("then", ["half-close", "wait"])
async def test_client_that_only_asks_and_does_not_read_is_not_answered_further(then: str) -> None:
    calls = 0

    def big(_: Request) -> Response:
        nonlocal calls
        calls += 1
        return Response(200, bytes(64 << 10))

    async with serve(big) as site:
        client = await site.connect()
        await client.send(GET * 1000)
        if then == "half-close":
            client.half_close()
        for _ in range(200):
            await asyncio.sleep(0)
        assert calls < 500
        bodies = [(await client.answer()).body for _ in range(1000)]
    assert calls == 1000
    assert {len(body) for body in bodies} == {64 << 10}


async def test_failure_of_a_handler_that_answers_at_once_cuts_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Request) -> Response:
        raise RuntimeError("disk on fire")

    async with serve(fail) as site:
        client = await site.connect()
        with caplog.at_level(logging.ERROR):
            await client.send(GET + GET)
            assert await read_until_cut(client) == b""
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_half_closed_client_still_gets_its_answer() -> None:
    async with serve(echo) as site:
        client = await site.connect()
        await client.send(GET + GET)
        client.half_close()
        assert (await client.rest()).count(b"HTTP/1.1 200 OK") == 2


async def test_client_that_leaves_does_not_stop_an_ordinary_handler() -> None:
    started, finish, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stop_container(_: Request) -> Reply:
        started.set()
        await finish.wait()
        done.set()
        return Response.empty()

    async with serve(stop_container) as site:
        client = await site.connect()
        await client.send(GET)
        await started.wait()
        await client.close()
        await asyncio.sleep(0.05)
        finish.set()
        await done.wait()


@pytest.mark.parametrize("early", [True, False])
async def test_client_that_leaves_cancels_a_stream(early: bool) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def events(request: Request) -> Reply:
        if early:
            request.stream()
        else:
            request.follow_client()
        started.set()
        try:
            return await asyncio.Future[Reply]()
        finally:
            cancelled.set()

    async with serve(events) as site:
        client = await site.connect()
        await client.send(GET)
        await started.wait()
        await client.close()
        await cancelled.wait()


async def test_half_close_does_not_end_a_stream() -> None:
    seen_half_close = asyncio.Event()

    async def events(request: Request) -> Reply:
        stream = request.stream()
        await stream.write(b"one")
        await seen_half_close.wait()
        await asyncio.sleep(0.05)
        await stream.write(b"two")
        return stream

    async with serve(events) as site:
        client = await site.connect()
        await client.send(GET)
        client.half_close()
        seen_half_close.set()
        answer = await client.answer()
    assert answer.body == b"onetwo"


async def test_stream_sends_its_head_before_any_data() -> None:
    go_on = asyncio.Event()

    async def wait(request: Request) -> Reply:
        stream = request.stream()
        await go_on.wait()
        await stream.write(b"{}")
        return stream

    async with serve(wait) as site:
        client = await site.connect()
        await client.send(GET)
        assert (await client.head())[0] == 200
        go_on.set()
        assert [piece async for piece in client.chunks()] == [b"{}"]
        assert (await client.ask(GET)).body == b"{}"


async def test_stream_of_a_failed_handler_is_broken_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(request: Request) -> Reply:
        stream = request.stream()
        await stream.write(b"one")
        raise RuntimeError("disk on fire")

    async with serve(fail) as site:
        client = await site.connect()
        await client.send(GET)
        with caplog.at_level(logging.ERROR):
            data = await read_until_cut(client)
    assert b"one" in data
    assert not data.endswith(b"0\r\n\r\n")
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def read_until_cut(client: RawClient) -> bytes:
    data = b""
    try:
        while piece := await client.reader.read(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


async def test_close_ends_idle_connections_and_streams_and_waits_for_answers() -> None:
    asked, finish = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Reply:
        if request.path == "/stream":
            request.stream()
            await asyncio.Future[None]()
        if request.path == "/slow":
            asked.set()
            await finish.wait()
        return Response.text("done")

    async with serve(handle, limits=FAST) as site:
        idle, stream, slow = [await site.connect() for _ in range(3)]
        await idle.get("/x")
        await stream.send(b"GET /stream HTTP/1.1\r\n\r\n")
        await stream.head()
        await slow.send(b"GET /slow HTTP/1.1\r\n\r\n")
        await asked.wait()
        closing = asyncio.create_task(site.server.close(grace_s=20))
        assert await idle.rest() == b""
        assert await read_until_cut(stream) == b""
        finish.set()
        answer = await slow.answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        await closing
        assert not site.path.exists()
