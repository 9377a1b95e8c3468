"""Requests to an API with a fake engine behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from api_engine import FakeEngine
from api_wire import RawClient, serve

from budu.api.routes import build_router

JSON = "Content-Type: application/json"


@asynccontextmanager
async def talk(engine: FakeEngine) -> AsyncIterator[RawClient]:
    async with serve(build_router(engine)) as site:
        yield await site.connect()


async def post(client: RawClient, path: str, body: object = None, *, method: str = "POST") -> Any:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\n{JSON}\r\nContent-Length: {len(data)}\r\n\r\n"
    return await client.ask(head.encode() + data)
