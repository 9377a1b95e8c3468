"""Blobs over TLS, where sendfile can't help."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from aiohttp import web
from tests.fakes.tls import server_context
from tests.support.hub import serving_hub
from tests.support.hub_client import Client

from budu.hub.registry.service import Registry
from budu.spec.digest import Digest

DATA = bytes(range(256)) * 20_000


async def test_blob_over_tls(tmp_path: Path) -> None:
    async with serving_hub(f"sqlite:///{tmp_path}/hub.db", f"file://{tmp_path}/blobs") as hub:
        digest = await Client(hub).push_blob(DATA)
        app = web.Application()
        app.add_routes(Registry(hub.context).routes())
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context()).start()
        try:
            body = await over_tls(runner.addresses[0][1], f"/v2/ann/app/blobs/{digest}")
        finally:
            await runner.cleanup()
        assert Digest.of(body) == digest


async def over_tls(port: int, path: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    body = await reader.read()
    writer.close()
    return body
