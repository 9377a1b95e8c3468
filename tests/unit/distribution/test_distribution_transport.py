"""The HTTP client of the registries against small servers that do as they like."""

import asyncio
import base64
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.fakes.registry import FakeRegistry
from tests.fakes.tls import server_context

from budu.distribution.errors import RequestFailed, Step
from budu.distribution.hosts import HostsConfig, Proxies
from budu.distribution.transport import Timeouts, Transport

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Serve = Callable[[Reader, Writer], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[str]:
    """The URL of a server that treats every connection so."""

    async def until_closed(reader: Reader, writer: Writer) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(until_closed, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def transporting(
    hosts: HostsConfig | None = None, timeouts: Timeouts | None = None
) -> AsyncIterator[Transport]:
    transport = Transport(hosts or HostsConfig(), timeouts=timeouts or Timeouts())
    try:
        yield transport
    finally:
        await transport.close()


async def fetch(transport: Transport, url: str, method: str = "GET") -> tuple[int, bytes]:
    async with await transport.send(method, url) as response:
        return response.status, await response.read(1 << 20)


async def head_of(reader: Reader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def failure_of(action: Awaitable[object]) -> RequestFailed:
    with pytest.raises(RequestFailed) as caught:
        await action
    return caught.value


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


def test_pulling_never_loads_aiohttp() -> None:
    code = (
        "import sys, budu.distribution.pull, budu.distribution.login, budu.distribution.transport; "
        "sys.exit('aiohttp' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_one_connection_serves_several_requests() -> None:
    connections: list[int] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        connections.append(0)
        while True:
            await head_of(reader)
            connections[-1] += 1
            writer.write(OK)

    async with served(serve) as url, transporting() as transport:
        for _ in range(3):
            assert await fetch(transport, url) == (200, b"ok")
    assert connections == [3]


async def test_an_answer_to_head_has_no_body_and_keeps_the_connection() -> None:
    methods: list[bytes] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        while True:
            method = (await head_of(reader)).split(b" ")[0]
            methods.append(method)
            writer.write(OK[:-2] if method == b"HEAD" else OK)

    async with served(serve) as url, transporting() as transport:
        assert await fetch(transport, url, "HEAD") == (200, b"")
        assert await fetch(transport, url, "HEAD") == (200, b"")
        assert await fetch(transport, url) == (200, b"ok")
    assert methods == [b"HEAD", b"HEAD", b"GET"]


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    connections = 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        await head_of(reader)
        writer.write(OK)
        await head_of(reader)  # the second request of this connection is never answered

    async with served(serve) as url, transporting() as transport:
        assert await fetch(transport, url) == (200, b"ok")
        assert await fetch(transport, url) == (200, b"ok")
    assert connections == 2


async def test_a_post_on_a_connection_that_breaks_is_not_repeated() -> None:
    posts = 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal posts
        await head_of(reader)
        writer.write(OK)
        await head_of(reader)
        posts += 1

    async with served(serve) as url, transporting() as transport:
        assert await fetch(transport, url) == (200, b"ok")
        failure = await failure_of(fetch(transport, url, "POST"))
    assert (failure.step, failure.cause, posts) == (Step.HTTP, "cut-off", 1)


async def test_an_answer_without_length_ends_with_its_connection() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nuntil the ")
        await writer.drain()
        writer.write(b"end")

    async with served(serve) as url, transporting() as transport:
        assert await fetch(transport, url) == (200, b"until the end")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort",
    ],
)
async def test_a_body_that_ends_early_is_told(answer: bytes) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(answer)

    async with served(serve) as url, transporting() as transport:
        failure = await failure_of(fetch(transport, url))
    assert (failure.cause, failure.sentence) == ("cut-off", "unexpected EOF")


async def test_interim_answers_are_passed_over() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK
        )

    async with served(serve) as url, transporting() as transport:
        assert await fetch(transport, url) == (200, b"ok")


async def test_a_head_without_end_is_refused() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: and more\r\n" * 1000)
            await writer.drain()

    async with served(serve) as url, transporting() as transport:
        failure = await failure_of(fetch(transport, url))
    assert failure.cause == "malformed"


async def test_a_silent_server_is_given_up() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async with served(serve) as url, transporting(timeouts=Timeouts(idle_s=0.05)) as transport:
        failure = await failure_of(fetch(transport, url))
    assert failure.sentence == "net/http: timeout awaiting response"


async def test_a_server_that_falls_silent_in_the_body_is_given_up() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(OK[:-1])
        await reader.read()

    async with served(serve) as url, transporting(timeouts=Timeouts(idle_s=0.05)) as transport:
        failure = await failure_of(fetch(transport, url))
    assert failure.cause == "timeout"


async def test_a_body_without_length_goes_in_chunks() -> None:
    heard: list[bytes] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        heard.append(await head_of(reader))
        heard.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)

    async with served(serve) as url, transporting() as transport:
        response = await transport.send("PUT", url, body=pieces(b"ab", b"", b"cde"))
        response.close()
        assert response.status == 200
    assert b"\r\nTransfer-Encoding: chunked\r\n" in heard[0]
    assert heard[1] == b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"


async def test_a_body_of_known_length_goes_as_it_is() -> None:
    heard: list[bytes] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        heard.append(await head_of(reader))
        heard.append(await reader.readexactly(5))
        writer.write(OK)

    async with served(serve) as url, transporting() as transport:
        body, headers = pieces(b"ab", b"cde"), {"Content-Length": "5"}
        async with await transport.send("PATCH", url, body=body, headers=headers) as response:
            assert await response.read(10) == b"ok"
    assert b"Transfer-Encoding" not in heard[0]
    assert heard[1] == b"abcde"


async def test_a_refusal_in_the_middle_of_an_upload_is_heard() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 16
            yield bytes(1 << 16)

    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        while await reader.read(1 << 16):
            pass

    async with served(serve) as url, transporting() as transport:
        response = await transport.send("PUT", url, body=endless())
        assert (response.status, await response.read(10)) == (401, b"no")
        response.close()
    assert sent


async def test_a_failure_of_the_body_is_the_callers() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise LookupError("gone")

    async def serve(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async with served(serve) as url, transporting() as transport:
        with pytest.raises(LookupError, match="gone"):
            await transport.send("PUT", url, body=broken())


async def test_a_reader_that_waits_stops_the_sender() -> None:
    size, sent = 64 << 20, 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(bytes(1 << 20))
            await writer.drain()
            sent += 1 << 20

    async with served(serve) as url, transporting() as transport:
        response = await transport.send("GET", url)
        before = -1
        while before != sent:  # until nothing more is taken
            before = sent
            await asyncio.sleep(0.2)
        assert sent < size
        assert sum([len(piece) async for piece in response.chunks()]) == size
        response.close()


async def test_a_header_cannot_forge_another() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(OK)

    async with served(serve) as url, transporting() as transport:
        headers = {"Authorization": "Bearer x\r\nX-Forged: yes"}
        failure = await failure_of(transport.send("GET", url, headers=headers))
    assert failure.sentence == "line end in a header"


async def test_plain_http_goes_through_a_proxy_whole() -> None:
    heard: list[bytes] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        heard.append(await head_of(reader))
        writer.write(OK)

    async with served(serve) as url:
        proxies = Proxies(http=url.replace("://", "://ann:s%40cret@"))
        async with transporting(HostsConfig(proxies=proxies)) as transport:
            assert await fetch(transport, "http://registry.example/v2/?a=b") == (200, b"ok")
    credentials = base64.b64encode(b"ann:s@cret")
    assert heard[0].startswith(b"GET http://registry.example/v2/?a=b HTTP/1.1\r\n")
    assert b"\r\nHost: registry.example\r\n" in heard[0]
    assert b"\r\nProxy-Authorization: Basic " + credentials + b"\r\n" in heard[0]


async def test_https_goes_through_a_tunnel() -> None:
    asked: list[bytes] = []
    fake = FakeRegistry(tls=server_context())

    async def copy(reader: Reader, writer: Writer) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.write_eof()

    async def serve(reader: Reader, writer: Writer) -> None:
        asked.append((await head_of(reader)).split(b"\r\n")[0])
        host, _, port = fake.address.partition(":")
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    async with fake.serving(), served(serve) as proxy:
        port = fake.address.partition(":")[2]
        hosts = HostsConfig(proxies=Proxies(https=proxy))
        async with transporting(hosts) as transport:
            url = f"https://localhost.example:{port}/v2/"
            async with await transport.send("GET", url, verify=False) as response:
                assert response.status == 200
    assert asked == [f"CONNECT localhost.example:{port} HTTP/1.1".encode()]


async def test_a_proxy_that_refuses_is_told() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with AsyncExitStack() as stack:
        hosts = HostsConfig(proxies=Proxies(https=await stack.enter_async_context(served(serve))))
        transport = await stack.enter_async_context(transporting(hosts))
        failure = await failure_of(transport.send("GET", "https://registry.example/v2/"))
    assert (failure.step, failure.sentence) == (Step.ROUTE, "Proxy Authentication Required")


async def test_a_proxy_that_is_not_there_is_told() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async with served(serve) as proxy:
        pass
    async with transporting(HostsConfig(proxies=Proxies(http=proxy))) as transport:
        failure = await failure_of(transport.send("GET", "http://registry.example/v2/"))
    address = proxy.removeprefix("http://")
    words = f"proxyconnect tcp: dial tcp {address}: connect: connection refused"
    assert (failure.step, failure.cause, failure.sentence) == (Step.ROUTE, "refused", words)


async def test_an_unknown_name_is_told() -> None:
    async with transporting() as transport:
        failure = await failure_of(transport.send("GET", "http://no-such-host.invalid/v2/"))
    assert failure.step is Step.NAME
    assert failure.cause in {"unknown", "name-server-silent"}  # by whether a server can be asked


async def test_a_cancelled_request_leaves_no_connection() -> None:
    closed = asyncio.Event()

    async def serve(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        await reader.read()
        closed.set()

    async with served(serve) as url, transporting() as transport:
        request = asyncio.create_task(transport.send("GET", url))
        await asyncio.sleep(0.05)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        async with asyncio.timeout(10):
            await closed.wait()
