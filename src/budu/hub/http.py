"""What all of the hub's HTTP edges share: JSON answers, and where a request comes from."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web


def json_response(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer in JSON; nobody stores it."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def client_address(request: web.BaseRequest, trusted_proxies: int) -> str:
    """Where a request comes from: the peer, or what as many balancers as are trusted say."""
    peer = request.remote or ""
    if not trusted_proxies:
        return peer
    header = request.headers.get("X-Forwarded-For", "")
    named = [part.strip() for part in header.split(",") if part.strip()]
    if len(named) < trusted_proxies:
        return peer
    return named[-trusted_proxies]
