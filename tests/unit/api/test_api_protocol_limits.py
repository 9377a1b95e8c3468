"""What is malformed, too large, too slow or too much: each with its status."""

from __future__ import annotations

import asyncio
import logging

import pytest
from api_wire import GET, echo, serve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budu.api.http.limits import Limits
from budu.api.routing import Router, route

MALFORMED = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS hello": bytes.fromhex("16030100f1010000ed0303"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "line feeds only": b"GET / HTTP/1.1\nHost: x\n\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length and chunks": (
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "negative length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "huge length": b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_request_is_answered_400_and_hung_up_on(case: str) -> None:
    async with serve(echo) as site:
        client = await site.connect()
        answer = await client.ask(MALFORMED[case])
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert answer.message.startswith("malformed HTTP request: ")
        assert await client.rest() == b""


@pytest.mark.parametrize("chunk", [b"x\r\n", b"-1\r\n", b"2\r\nabc\r\n", b"2\nab\n", b"\r\n"])
async def test_malformed_chunk_is_a_bad_request(chunk: bytes) -> None:
    async with serve(router_like) as site:
        client = await site.connect()
        await client.send(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert await client.rest() == b""


router_like = Router([route("POST", "/x", echo, operation="Echo")])
"""Answers faults as the engine does."""


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(noise=st.binary(min_size=1, max_size=200), prefix=st.sampled_from([b"", GET, b"GET /"]))
def test_noise_never_breaks_the_server(noise: bytes, prefix: bytes, caplog: object) -> None:
    assert isinstance(caplog, pytest.LogCaptureFixture)

    async def talk() -> bytes:
        async with serve(echo) as site:
            client = await site.connect()
            await client.send(prefix + noise)
            client.half_close()
            await client.rest()
            return (await (await site.connect()).get("/alive")).body

    with caplog.at_level(logging.ERROR):
        assert asyncio.run(talk()) == b""
    assert not caplog.records


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 30 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nExpect: a miracle\r\n\r\n", 417),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ],
)
async def test_limits_have_their_own_statuses(request_bytes: bytes, status: int) -> None:
    limits = Limits(request_line_bytes=4096, head_bytes=8192, header_count=20)
    async with serve(echo, limits=limits) as site:
        client = await site.connect()
        answer = await client.ask(request_bytes)
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert await client.rest() == b""


@pytest.mark.parametrize("framing", ["Content-Length: 2000", "Transfer-Encoding: chunked"])
async def test_oversize_json_body_is_413(framing: str) -> None:
    async with serve(router_like, limits=Limits(json_bytes=1000)) as site:
        client = await site.connect()
        chunk = b"7D0\r\n" if "chunked" in framing else b""
        await client.send(f"POST /x HTTP/1.1\r\n{framing}\r\n\r\n".encode() + chunk + b"x" * 1500)
        answer = await client.answer()
        assert (answer.status, answer.message) == (413, "http: request body too large")


async def test_idle_connection_is_closed_without_a_word() -> None:
    async with serve(echo, limits=Limits(idle_timeout_s=0.02, sweep_s=0.01)) as site:
        client = await site.connect()
        assert await client.rest() == b""


async def test_slow_headers_are_408() -> None:
    async with serve(echo, limits=Limits(header_timeout_s=0.02, sweep_s=0.01)) as site:
        client = await site.connect()
        answer = await client.ask(b"GET / HTTP/1.1\r\nX:")
        assert (answer.status, await client.rest()) == (408, b"")


async def test_slow_json_body_is_408() -> None:
    limits = Limits(body_timeout_s=0.02, sweep_s=0.01)
    async with serve(router_like, limits=limits) as site:
        client = await site.connect()
        answer = await client.ask(b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
        assert (answer.status, answer.message) == (
            408,
            "timeout while reading the request body",
        )


async def test_connections_beyond_the_limit_are_503() -> None:
    async with serve(echo, limits=Limits(connections=1)) as site:
        first = await site.connect()
        assert (await first.get("/x")).status == 200
        assert (await (await site.connect()).answer()).status == 503
        assert (await first.get("/x")).status == 200
