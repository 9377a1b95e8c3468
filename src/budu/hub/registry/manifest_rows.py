"""Manifests and tags in the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from budu.base.errors import Conflict, PermissionDenied
from budu.hub.registry import blob_rows
from budu.hub.registry.documents import Document
from budu.hub.registry.errors import ManifestBlobUnknown, ManifestUnknown
from budu.hub.schema import manifest_references, manifests, repositories, tags
from budu.hub.tag_patterns import is_immutable
from budu.hub.upsert import insert_into
from budu.spec.digest import Digest


class Found(NamedTuple):
    """What a tag or digest names."""

    digest: str
    media_type: str


class Stored(NamedTuple):
    """A manifest as it is sent."""

    digest: str
    media_type: str
    payload: bytes


_COLUMNS = (manifests.c.digest, manifests.c.media_type)
_BY_DIGEST = sa.select(*_COLUMNS).where(
    manifests.c.repository_id == bindparam("repository"),
    manifests.c.digest == bindparam("reference"),
)
_BY_TAG = (
    sa.select(*_COLUMNS)
    .join(
        tags,
        sa.and_(
            tags.c.repository_id == manifests.c.repository_id, tags.c.digest == manifests.c.digest
        ),
    )
    .where(tags.c.repository_id == bindparam("repository"), tags.c.name == bindparam("reference"))
)
_PAYLOAD = sa.select(manifests.c.payload).where(
    manifests.c.repository_id == bindparam("repository"),
    manifests.c.digest == bindparam("digest"),
)


def find(connection: Connection, repository: int, reference: str) -> Found | None:
    """By digest or tag."""
    query = _BY_DIGEST if ":" in reference else _BY_TAG
    values = {"repository": repository, "reference": reference}
    row = connection.execute(query, values).first()
    return Found(row[0], row[1]) if row else None


def payload(connection: Connection, repository: int, digest: str) -> bytes | None:
    """The bytes; None when it was deleted meanwhile."""
    values = {"repository": repository, "digest": digest}
    found: bytes | None = connection.execute(_PAYLOAD, values).scalar()
    return found


def unknown(reference: str) -> ManifestUnknown:
    """The repository has no such manifest or tag."""
    return ManifestUnknown("manifest unknown", reference=reference[:128])


class Pushed(NamedTuple):
    """A manifest on its way in."""

    repository: int
    digest: Digest
    payload: bytes
    document: Document
    tag: str | None
    now: float
    platform: str = ""
    immutable_tags: str = ""
    by: str = ""


def store(connection: Connection, pushed: Pushed) -> None:
    """Keep a manifest, with its tag if it has one, when the repository has all that it names.

    Raises: ManifestBlobUnknown; PermissionDenied when the tag is immutable and another one's.
    """
    if pushed.tag is not None:
        _check_immutable(connection, pushed, pushed.tag)
    _check_named(connection, pushed)
    keep(connection, pushed)
    changed = {"pushed_at": pushed.now, "updated_at": pushed.now}
    where = repositories.c.id == pushed.repository
    connection.execute(sa.update(repositories).where(where).values(**changed))


def keep(connection: Connection, pushed: Pushed) -> None:
    """Keep a manifest whatever the repository has of what it names: a copy of an upstream's."""
    _insert_manifest(connection, pushed)
    _insert_references(connection, pushed)
    if pushed.tag is not None:
        _move_tag(connection, pushed, pushed.tag)


def _check_immutable(connection: Connection, pushed: Pushed, tag: str) -> None:
    if not is_immutable(tag, pushed.immutable_tags):
        return
    query = sa.select(tags.c.digest).where(
        tags.c.repository_id == pushed.repository, tags.c.name == tag
    )
    present = connection.execute(query).scalar()
    if present is not None and present != pushed.digest:
        raise PermissionDenied(f"tag {tag} is immutable and names {present}", reference=tag)


def _check_named(connection: Connection, pushed: Pushed) -> None:
    document = pushed.document
    missing = blob_rows.renew_shown(connection, pushed.repository, document.blobs, pushed.now)
    missing |= document.manifests - _present(connection, pushed.repository, document.manifests)
    if missing:
        raise ManifestBlobUnknown("blob unknown to registry", reference=min(missing))


def _present(connection: Connection, repository: int, digests: Collection[Digest]) -> set[Digest]:
    """Those that are there; they stay until the transaction ends."""
    found: set[Digest] = set()
    for digest in digests:
        query = sa.select(manifests.c.digest).where(
            manifests.c.repository_id == repository, manifests.c.digest == str(digest)
        )
        if connection.execute(query.with_for_update(read=True)).first() is not None:
            found.add(digest)
    return found


def _insert_manifest(connection: Connection, pushed: Pushed) -> None:
    document = pushed.document
    insert = insert_into(connection, manifests).values(
        repository_id=pushed.repository,
        digest=str(pushed.digest),
        media_type=document.media_type,
        artifact_type=document.artifact_type[:255],
        payload=pushed.payload,
        subject=str(document.subject) if document.subject else None,
        annotations=document.annotations,
        platform=pushed.platform,
        image_bytes=document.image_bytes,
        pushed_at=pushed.now,
    )
    again = {"pushed_at": pushed.now, "media_type": document.media_type}
    connection.execute(
        insert.on_conflict_do_update(index_elements=["repository_id", "digest"], set_=again)
    )


def _insert_references(connection: Connection, pushed: Pushed) -> None:
    named = [(digest, "blob") for digest in pushed.document.blobs]
    named += [(digest, "manifest") for digest in pushed.document.manifests]
    rows = [
        {
            "repository_id": pushed.repository,
            "manifest": str(pushed.digest),
            "digest": str(digest),
            "kind": kind,
        }
        for digest, kind in sorted(named)
    ]
    if rows:
        insert = insert_into(connection, manifest_references).on_conflict_do_nothing()
        connection.execute(insert, rows)


def _move_tag(connection: Connection, pushed: Pushed, tag: str) -> None:
    row = {"digest": str(pushed.digest), "pushed_at": pushed.now, "pushed_by": pushed.by}
    insert = insert_into(connection, tags).values(repository_id=pushed.repository, name=tag, **row)
    connection.execute(
        insert.on_conflict_do_update(index_elements=["repository_id", "name"], set_=row)
    )


def untag(connection: Connection, repository: int, tag: str) -> Digest:
    """Take a tag away; what it named. Raises: ManifestUnknown."""
    where = (tags.c.repository_id == repository, tags.c.name == tag)
    digest = connection.execute(sa.select(tags.c.digest).where(*where)).scalar()
    if digest is None:
        raise unknown(tag)
    connection.execute(sa.delete(tags).where(*where))
    return Digest(digest)


def remove(connection: Connection, repository: int, digest: Digest) -> list[str]:
    """Take a manifest away with its tags, whose names it gives back.

    Raises: ManifestUnknown; Conflict while an index of the repository names it.
    """
    found = find_parent(connection, repository, digest)
    if found is not None:
        raise Conflict(f"{digest} belongs to the index {found}", reference=digest)
    of_it = (tags.c.repository_id == repository, tags.c.digest == str(digest))
    names = sorted(connection.execute(sa.select(tags.c.name).where(*of_it)).scalars())
    connection.execute(sa.delete(tags).where(*of_it))
    connection.execute(
        sa.delete(manifest_references).where(
            manifest_references.c.repository_id == repository,
            manifest_references.c.manifest == str(digest),
        )
    )
    gone = sa.delete(manifests).where(
        manifests.c.repository_id == repository, manifests.c.digest == str(digest)
    )
    if connection.execute(gone).rowcount == 0:
        raise unknown(digest)
    return names


def find_parent(connection: Connection, repository: int, digest: Digest) -> str | None:
    """An index of the repository that names the manifest."""
    query = sa.select(manifest_references.c.manifest).where(
        manifest_references.c.repository_id == repository,
        manifest_references.c.digest == str(digest),
        manifest_references.c.kind == "manifest",
    )
    found: str | None = connection.execute(query.limit(1)).scalar()
    return found
