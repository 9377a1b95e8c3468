"""Manifests that say they are about another one: signatures, attestations, SBOMs.

Source: OCI distribution-spec 1.1, "Listing Referrers".
"""

from __future__ import annotations

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from budu.hub.access import Role
from budu.hub.registry.context import Call
from budu.hub.registry.pages import page
from budu.hub.registry.paths import read_digest
from budu.hub.schema import manifests
from budu.spec.digest import Digest
from budu.spec.image import MEDIA_OCI_INDEX

_AT_ONCE = 1000
_Entry = dict[str, object]


async def list_referrers(call: Call) -> web.StreamResponse:
    """An index of descriptors, empty when there are none."""
    repository = await call.require(Role.READER)
    digest = read_digest(call.target.last)
    kind = call.request.query.get("artifactType", "")
    after = call.request.query.get("last", "")
    found = await call.context.database.read(
        lambda c: referrers_after(c, repository.id, digest, kind, after, _AT_ONCE + 1)
    )
    more = str(found[_AT_ONCE - 1]["digest"]) if len(found) > _AT_ONCE else None
    document = {"schemaVersion": 2, "mediaType": MEDIA_OCI_INDEX, "manifests": found[:_AT_ONCE]}
    response = page(call.request, document, last=more, size=_AT_ONCE)
    response.content_type = MEDIA_OCI_INDEX
    if kind:
        response.headers["OCI-Filters-Applied"] = "artifactType"
    return response


def referrers_after(
    connection: Connection, repository: int, subject: Digest, kind: str, after: str, limit: int
) -> list[_Entry]:
    """Descriptors in the order of their digests, behind `after`."""
    columns = (manifests.c.media_type, manifests.c.digest, manifests.c.artifact_type)
    query = sa.select(*columns, sa.func.length(manifests.c.payload), manifests.c.annotations)
    query = query.where(
        manifests.c.repository_id == repository,
        manifests.c.subject == str(subject),
        manifests.c.digest > after,
    )
    if kind:
        query = query.where(manifests.c.artifact_type == kind)
    rows = connection.execute(query.order_by(manifests.c.digest).limit(limit))
    return [_entry(*row) for row in rows]


def _entry(
    media_type: str, digest: str, artifact_type: str, size: int, annotations: dict[str, str]
) -> _Entry:
    entry: _Entry = {"mediaType": media_type, "digest": digest, "size": size}
    if artifact_type:
        entry["artifactType"] = artifact_type
    if annotations:
        entry["annotations"] = annotations
    return entry
