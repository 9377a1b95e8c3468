"""Tags of a repository: lists, and what each one's images are.

A tag names a manifest or an index; an index's images are its children that run somewhere
(attestations run nowhere and are not counted).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import Conflict, NotFound
from budu.hub.accounts import audit
from budu.hub.accounts.audit import Author
from budu.hub.repositories import settings
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.schema import manifest_references, manifests, tags
from budu.hub.sentences import Sentence

ManifestRow = Row[Any]
"""A row of `manifests`."""


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
    references = manifest_references.c
    found: dict[str, list[str]] = {}
    for some in _portions(digests):
        query = sa.select(references.manifest, references.digest).where(
            references.repository_id == row.id,
            references.kind == "manifest",
            references.manifest.in_(some),
        )
        for parent, child in connection.execute(query):
            found.setdefault(parent, []).append(child)
    return found


def _manifests(connection: Connection, row: RepositoryRow, digests: set[str]) -> list[ManifestRow]:
    columns = [column for column in manifests.c if column.name != "payload"]
    found: list[ManifestRow] = []
    for some in _portions(digests):
        where = (manifests.c.repository_id == row.id, manifests.c.digest.in_(some))
        found += connection.execute(sa.select(*columns).where(*where)).all()
    return found


def _portions(values: set[str], size: int = 500) -> Iterable[list[str]]:
    """Few enough for one statement."""
    ordered = sorted(values)
    return (ordered[at : at + size] for at in range(0, len(ordered), size))


def ordered(found: Iterable[Tag], *, query: str, sort: str) -> list[Tag]:
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
    return sorted(fitting, key=lambda tag: (-tag.pushed_at, _natural(tag.name)))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """`2.10` behind `2.9`."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for letter in [*name, ""]:
        if letter.isdigit() and letter.isascii():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        if letter:
            parts.append((1, 0, letter))
    return parts


def delete(connection: Connection, row: RepositoryRow, name: str, author: Author) -> Tag:
    """Remove a tag; what it was. Its manifests stay until the sweep finds nobody needs them.

    Raises: NotFound; Conflict for a tag that never moves.
    """
    tag = get(connection, row, name)
    if settings.is_immutable(name, row.immutable_tags):
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
