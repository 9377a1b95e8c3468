"""The tags of a repository. Source: OCI distribution-spec 1.1, "Listing Tags"."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from budu.base.errors import Unavailable
from budu.hub.access import Role
from budu.hub.registry.context import Call
from budu.hub.registry.contract import Repository
from budu.hub.registry.pages import page, page_size
from budu.hub.schema import tags


async def list_tags(call: Call) -> web.StreamResponse:
    """A page, in byte order."""
    repository = await call.require(Role.READER)
    size = page_size(call.request)
    after = call.request.query.get("last", "")
    if repository.upstream is not None and (theirs := await _upstreams_page(call, repository)):
        return theirs
    names = await call.context.database.read(
        lambda c: tags_after(c, repository.id, after, size + 1)
    )
    more = names[size - 1] if size and len(names) > size else None
    document = {"name": repository.name, "tags": names[:size]}
    return page(call.request, document, last=more, size=size)


async def _upstreams_page(call: Call, repository: Repository) -> web.Response | None:
    """The upstream's own page under our name; None while it is away and ours has to do."""
    try:
        body, link = await call.context.upstreams.tags(repository, call.request.query_string)
        theirs = msgspec.json.decode(body, type=_Page)
    except (Unavailable, msgspec.DecodeError):
        return None
    response = page(
        call.request, {"name": repository.name, "tags": theirs.tags or []}, last=None, size=0
    )
    query = link.partition("?")[2].partition(">")[0]
    if query:
        response.headers["Link"] = f'<{call.request.path}?{query}>; rel="next"'
    return response


class _Page(msgspec.Struct):
    tags: list[str] | None = None


def tags_after(connection: Connection, repository: int, after: str, limit: int) -> list[str]:
    """Names behind `after`, in byte order."""
    query = sa.select(tags.c.name).where(tags.c.repository_id == repository, tags.c.name > after)
    return list(connection.execute(query.order_by(tags.c.name).limit(limit)).scalars())
