"""A server on a unix socket and a client that speaks raw bytes to it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from budu.api.http.limits import Limits
from budu.api.http.protocol import Handler, Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.listeners import UnixListener
from budu.api.server import ApiServer

FAST = Limits(sweep_s=0.01)


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class RawClient:
    """Sends bytes as they are; reads answers by the rules of HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in lines[1:-2])
        return int(lines[0].split()[1]), {name.lower(): value for name, _, value in pairs}

    async def answer(self, *, to: str = "GET") -> Answer:
        status, headers = await self.head()
        if to == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, b"".join([piece async for piece in self.chunks()]))
        return Answer(
            status, headers, await self.reader.readexactly(int(headers["content-length"]))
        )

    async def chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self.reader.readline(), 16):
            piece = await self.reader.readexactly(size + 2)
            yield piece[:-2]
        assert await self.reader.readline() == b"\r\n"

    async def ask(self, data: bytes) -> Answer:
        await self.send(data)
        return await self.answer(to="HEAD" if data.startswith(b"HEAD ") else "GET")

    async def get(self, path: str, *headers: str) -> Answer:
        lines = "".join(f"{header}\r\n" for header in headers)
        return await self.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())

    async def rest(self) -> bytes:
        return await self.reader.read()

    def half_close(self) -> None:
        self.writer.write_eof()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass


class Site:
    """A running server."""

    def __init__(self, server: ApiServer, path: Path) -> None:
        self.server = server
        self.path = path
        self._clients: list[RawClient] = []

    async def connect(self) -> RawClient:
        client = RawClient(*await asyncio.open_unix_connection(str(self.path)))
        self._clients.append(client)
        return client

    async def close_clients(self) -> None:
        for client in self._clients:
            await client.close()


@asynccontextmanager
async def serve(handler: Handler, *, limits: Limits = FAST) -> AsyncIterator[Site]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "api.sock"
        server = ApiServer(handler, [UnixListener(path, group=None)], limits=limits)
        await server.start()
        site = Site(server, path)
        try:
            async with asyncio.timeout(30):
                yield site
        finally:
            await site.close_clients()
            await server.close(grace_s=1)


GET = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"


async def echo(request: Request) -> Reply:
    """Tells what it got."""
    body = await request.body.read_all()
    headers = {"X-Path": request.path, "X-Method": request.method, "X-Query": request.query.raw}
    return Response(200, body, content_type="text/plain", headers=headers)


async def ignore_body(_: Request) -> Reply:
    """Answers at once."""
    return Response.text("unread")
