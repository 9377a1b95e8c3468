"""The tags of a repository. Source: OCI distribution-spec 1.1, "Listing Tags"."""

from __future__ import annotations

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from budu.hub.access import Role
from budu.hub.registry.context import Call
from budu.hub.registry.pages import page, page_size
from budu.hub.schema import tags


async def list_tags(call: Call) -> web.StreamResponse:
    """A page, in byte order."""
    repository = await call.require(Role.READER)
    size = page_size(call.request)
    after = call.request.query.get("last", "")
    names = await call.context.database.read(
        lambda c: tags_after(c, repository.id, after, size + 1)
    )
    more = names[size - 1] if size and len(names) > size else None
    document = {"name": repository.name, "tags": names[:size]}
    return page(call.request, document, last=more, size=size)


def tags_after(connection: Connection, repository: int, after: str, limit: int) -> list[str]:
    """Names behind `after`, in byte order."""
    query = sa.select(tags.c.name).where(tags.c.repository_id == repository, tags.c.name > after)
    return list(connection.execute(query.order_by(tags.c.name).limit(limit)).scalars())
