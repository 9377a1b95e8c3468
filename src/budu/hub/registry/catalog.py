"""Which repositories there are, for the one who asks. Source: distribution, "Catalog"."""

from __future__ import annotations

from aiohttp import web

from budu.hub.registry.context import Call, empty
from budu.hub.registry.pages import page, page_size


async def check_version(call: Call) -> web.StreamResponse:
    """`GET /v2/`: this is a registry, and the credentials are good."""
    await call.context.guard.identify(call.request)
    response = empty(200)
    response.content_type = "application/json"
    response.body = b"{}"
    return response


async def list_repositories(call: Call) -> web.StreamResponse:
    """A page of the names that the asker may read."""
    size = page_size(call.request)
    after = call.request.query.get("last", "")
    names = await call.context.guard.readable(call.request, after=after, limit=size + 1)
    more = names[size - 1] if size and len(names) > size else None
    return page(call.request, {"repositories": names[:size]}, last=more, size=size)
