"""Lists in pages: `?n=` and `?last=`, and the Link to the next page.

Source: OCI distribution-spec 1.1, "Listing Tags"; RFC 8288.
"""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from aiohttp import web

from budu.hub.registry.errors import API_VERSION, PageInvalid

MOST = 10_000
"""Entries of a page, also when nobody said how many."""


def page_size(request: web.Request) -> int:
    """How many entries are wanted. Raises: PageInvalid."""
    text = request.query.get("n")
    if text is None:
        return MOST
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise PageInvalid(f"invalid number of results requested: {text[:20]!r}")
    return min(int(text), MOST)


def page(request: web.Request, document: object, *, last: str | None, size: int) -> web.Response:
    """A page. `last` is its last entry when there are more."""
    response = web.Response(
        body=msgspec.json.encode(document), content_type="application/json", headers=API_VERSION
    )
    if last is not None:
        query = urlencode({**request.query, "n": size, "last": last})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response
