"""Tags of a repository: lists, and what each one's images are.

A tag names a manifest or an index; an index's images are its children that run somewhere
(attestations run nowhere and are not counted).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import Conflict, NotFound
from budu.hub.accounts import audit
from budu.hub.accounts.audit import Author
from budu.hub.repositories import settings
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.schema import manifest_references, manifests, tags
from budu.hub.sentences import Sentence
from budu.hub.tag_patterns import is_immutable

_DIGITS = re.compile(r"([0-9]+)")
ManifestRow = Row[Any]
"""Of a row of `manifests`: digest, media_type, platform, image_bytes."""

# Statements are made once: making one takes longer than SQLite takes to answer it.
_NAMED = sa.select(tags).where(
    tags.c.repository_id == sa.bindparam("id"),
    tags.c.name.in_(sa.bindparam("names", expanding=True)),
)
_CHILDREN = sa.select(manifest_references.c.manifest, manifest_references.c.digest).where(
    manifest_references.c.repository_id == sa.bindparam("id"),
    manifest_references.c.kind == "manifest",
    manifest_references.c.manifest.in_(sa.bindparam("digests", expanding=True)),
)
_MANIFESTS: sa.Select[Any] = sa.select(
    manifests.c.digest, manifests.c.media_type, manifests.c.platform, manifests.c.image_bytes
).where(
    manifests.c.repository_id == sa.bindparam("id"),
    manifests.c.digest.in_(sa.bindparam("digests", expanding=True)),
)


@dataclass(frozen=True)
class Image:
    """One platform of a tag."""

    digest: str
    platform: str
    """`linux/arm64/v8`; empty for what is no image."""
    size_bytes: int


@dataclass(frozen=True)
class Tag:
    """A tag with its images."""

    name: str
    digest: str
    media_type: str
    pushed_at: float
    pushed_by: str
    pulled_at: float | None
    images: tuple[Image, ...]

    @property
    def size_bytes(self) -> int:
        """Of one image where there is one; of the largest where there are several."""
        return max((image.size_bytes for image in self.images), default=0)


class Listed(Protocol):
    """What tags are ordered by."""

    @property
    def name(self) -> str: ...
    @property
    def pushed_at(self) -> float: ...
    @property
    def pulled_at(self) -> float | None: ...
    @property
    def size_bytes(self) -> int: ...


L = TypeVar("L", bound=Listed)


def page(
    connection: Connection, row: RepositoryRow, *, query: str, sort: str, first: int, count: int
) -> tuple[int, list[Tag]]:
    """How many tags fit, and some of them in an order; see `ordered`. Only these are opened, since
    a repository may have thousands."""
    if sort in _BY_TIME and not query.strip():  # what is asked most: the database orders it
        total = settings.tag_count(connection, row)
        part = {"id": row.id, "first": first, "count": count}
        shown = [*connection.execute(_BY_TIME[sort], part).scalars()]
    else:
        query_all = _LISTED_SIZED if sort == "size" else _LISTED
        listed = connection.execute(query_all, {"id": row.id}).all()
        names = [tag.name for tag in ordered(listed, query=query, sort=sort)]
        total, shown = len(names), names[first : first + count]
    found = connection.execute(_NAMED, {"id": row.id, "names": shown}).all()
    opened = {tag.name: tag for tag in _opened(connection, row, found)}
    return total, [opened[name] for name in shown]


def every(connection: Connection, row: RepositoryRow) -> list[Tag]:
    """All tags, in no particular order."""
    query = sa.select(tags).where(tags.c.repository_id == row.id)
    return _opened(connection, row, connection.execute(query).all())


def get(connection: Connection, row: RepositoryRow, name: str) -> Tag:
    """One tag. Raises: NotFound."""
    query = sa.select(tags).where(tags.c.repository_id == row.id, tags.c.name == name)
    found = _opened(connection, row, connection.execute(query).all())
    if not found:
        raise NotFound(Sentence("hub.no-tag", repository=row.name, tag=name[:128]))
    return found[0]


def name_of(connection: Connection, row: RepositoryRow, digest: str) -> str:
    """The tag that last came to a manifest; empty when none has it."""
    query = (
        sa.select(tags.c.name)
        .where(tags.c.repository_id == row.id, tags.c.digest == digest)
        .order_by(tags.c.pushed_at.desc(), tags.c.name)
    )
    return str(connection.execute(query.limit(1)).scalar() or "")


def _opened(connection: Connection, row: RepositoryRow, found: Sequence[Row[Any]]) -> list[Tag]:
    digests = {each.digest for each in found}
    of_index = _children(connection, row, digests)
    wanted = digests.union(*of_index.values())
    known = {each.digest: each for each in _manifests(connection, row, wanted)}
    return [
        Tag(
            name=each.name,
            digest=each.digest,
            media_type=known[each.digest].media_type if each.digest in known else "",
            pushed_at=each.pushed_at,
            pushed_by=each.pushed_by,
            pulled_at=each.pulled_at,
            images=_images(known, each.digest, of_index.get(each.digest, [])),
        )
        for each in found
    ]


def _images(
    known: dict[str, ManifestRow], digest: str, children: Iterable[str]
) -> tuple[Image, ...]:
    inner = [known[child] for child in children if child in known and known[child].platform]
    own = [known[digest]] if digest in known and not inner else []
    images = (Image(each.digest, each.platform, each.image_bytes) for each in (*inner, *own))
    return tuple(sorted(images, key=lambda image: image.platform))


def _children(
    connection: Connection, row: RepositoryRow, digests: set[str]
) -> dict[str, list[str]]:
    """The manifests that each of some manifests names."""
    found: dict[str, list[str]] = {}
    for some in _portions(digests):
        for parent, child in connection.execute(_CHILDREN, {"id": row.id, "digests": some}):
            found.setdefault(parent, []).append(child)
    return found


def _manifests(connection: Connection, row: RepositoryRow, digests: set[str]) -> list[ManifestRow]:
    found: list[ManifestRow] = []
    for some in _portions(digests):
        found += connection.execute(_MANIFESTS, {"id": row.id, "digests": some}).all()
    return found


def _portions(values: set[str], size: int = 500) -> Iterable[list[str]]:
    """Few enough for one statement."""
    ordered = sorted(values)
    return (ordered[at : at + size] for at in range(0, len(ordered), size))


def ordered(found: Iterable[L], *, query: str, sort: str) -> list[L]:
    """The tags whose name holds `query` (or fits it as a pattern), in an order. Pure."""
    word = query.strip()
    fitting = [tag for tag in found if word in tag.name or fnmatchcase(tag.name, word)]
    match sort:
        case "name":
            return sorted(fitting, key=lambda tag: _natural(tag.name))
        case "pulled":
            return sorted(fitting, key=lambda tag: (-(tag.pulled_at or 0.0), tag.name))
        case "size":
            return sorted(fitting, key=lambda tag: (-tag.size_bytes, tag.name))
    return sorted(fitting, key=lambda tag: (-tag.pushed_at, tag.name))


def _natural(name: str) -> list[str | int]:
    """`2.10` behind `2.9`: texts and numbers take turns, so like is compared with like."""
    parts = _DIGITS.split(name)
    return [int(part) if at % 2 else part for at, part in enumerate(parts)]


def _is_in_repository(table: sa.FromClause, digest: sa.Column[str]) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.repository_id == tags.c.repository_id, table.c.digest == digest)


_own, _child = manifests.alias(), manifests.alias()
_LISTED = sa.select(
    tags.c.name, tags.c.pushed_at, tags.c.pulled_at, sa.literal(0).label("size_bytes")
).where(tags.c.repository_id == sa.bindparam("id"))
_LISTED_SIZED = (
    sa.select(
        tags.c.name,
        tags.c.pushed_at,
        tags.c.pulled_at,
        sa.func.coalesce(
            sa.func.max(_child.c.image_bytes), sa.func.max(_own.c.image_bytes), 0
        ).label("size_bytes"),
    )
    .outerjoin(_own, _is_in_repository(_own, tags.c.digest))
    .outerjoin(
        manifest_references,
        sa.and_(
            manifest_references.c.repository_id == tags.c.repository_id,
            manifest_references.c.manifest == tags.c.digest,
            manifest_references.c.kind == "manifest",
        ),
    )
    .outerjoin(
        _child,
        sa.and_(_is_in_repository(_child, manifest_references.c.digest), _child.c.platform != ""),
    )
    .where(tags.c.repository_id == sa.bindparam("id"))
    .group_by(tags.c.name, tags.c.pushed_at, tags.c.pulled_at)
)
"""The tags with what `Tag.size_bytes` is of each."""
_BY_TIME = {
    sort: sa.select(tags.c.name)
    .where(tags.c.repository_id == sa.bindparam("id"))
    .order_by(sa.desc(time), tags.c.name)
    .offset(sa.bindparam("first"))
    .limit(sa.bindparam("count"))
    for sort, time in {
        "pushed": tags.c.pushed_at,
        "pulled": sa.func.coalesce(tags.c.pulled_at, 0.0),
    }.items()
}
"""Names of a page of the tags, newest first."""


def delete(connection: Connection, row: RepositoryRow, name: str, author: Author) -> Tag:
    """Remove a tag; what it was. Its manifests stay until the sweep finds nobody needs them.

    Raises: NotFound; Conflict for a tag that never moves.
    """
    tag = get(connection, row, name)
    if is_immutable(name, row.immutable_tags):
        raise Conflict(Sentence("hub.immutable-tag", tag=name))
    connection.execute(sa.delete(tags).where(tags.c.repository_id == row.id, tags.c.name == name))
    _drop_if_alone(connection, row, tag.digest)
    audit.record(
        connection,
        author,
        "tag.delete",
        account=row.account_name,
        target=f"{row.name}:{name}",
        detail={"digest": tag.digest},
    )
    return tag


def _drop_if_alone(connection: Connection, row: RepositoryRow, digest: str) -> None:
    """Remove a manifest that neither a tag nor an index needs, then its children and what refers
    to it (signatures), of whom the same is true."""
    if _is_needed(connection, row, digest):
        return
    about = sa.select(manifests.c.digest).where(
        manifests.c.repository_id == row.id, manifests.c.subject == digest
    )
    children = _children(connection, row, {digest}).get(digest, [])
    children += connection.execute(about).scalars()
    reference = manifest_references.c
    connection.execute(
        sa.delete(manifest_references).where(
            reference.repository_id == row.id, reference.manifest == digest
        )
    )
    connection.execute(
        sa.delete(manifests).where(
            manifests.c.repository_id == row.id, manifests.c.digest == digest
        )
    )
    for child in children:
        _drop_if_alone(connection, row, child)


def _is_needed(connection: Connection, row: RepositoryRow, digest: str) -> bool:
    reference = manifest_references.c
    queries = (
        sa.select(tags.c.name).where(tags.c.repository_id == row.id, tags.c.digest == digest),
        sa.select(reference.manifest).where(
            reference.repository_id == row.id, reference.digest == digest
        ),
    )
    return any(connection.execute(query.limit(1)).first() is not None for query in queries)
