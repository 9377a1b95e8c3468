"""Making, changing and removing repositories: functions of a connection, each with its audit."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import AlreadyExists, InvalidArgument, PermissionDenied
from budu.hub.access import Actor
from budu.hub.accounts import audit, names, people
from budu.hub.accounts.audit import Author
from budu.hub.accounts.names import OFFICIAL
from budu.hub.database import inserted_id
from budu.hub.repositories import facts, markdown
from budu.hub.repositories.categories import CATEGORIES, PRODUCTS
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.schema import blob_links, blobs, repositories, stars, tags
from budu.hub.sentences import Sentence
from budu.hub.tag_patterns import split_patterns

MOST_SYNONYMS = 30
MOST_CATEGORIES = 3


def create(
    connection: Connection,
    account: str,
    name: str,
    *,
    actor: Actor,
    author: Author,
    summary: str = "",
    is_private: bool = False,
    product: str = "image",
) -> int:
    """Make a repository below an account that the actor manages; its id.

    Raises: InvalidArgument, NotFound, PermissionDenied, AlreadyExists.
    """
    owner = people.get(connection, account)
    if not people.manages(connection, actor, owner):
        raise PermissionDenied(Sentence("hub.not-yours", name=account))
    names.check_repository(name)
    whole = f"{account}/{name}"
    if facts.find(connection, whole) is not None:
        raise AlreadyExists(Sentence("hub.name-taken", name=whole))
    values = {"summary": summary, "is_private": is_private, "product": product}
    return _insert(connection, owner.id, whole, checked(values), author)


def _insert(
    connection: Connection,
    account_id: int,
    whole: str,
    values: Mapping[str, object],
    author: Author,
) -> int:
    now = time.time()
    made = connection.execute(
        sa.insert(repositories).values(
            account_id=account_id,
            name=whole,
            is_official=whole.startswith(f"{OFFICIAL}/"),
            categories=[],
            synonyms=[],
            created_at=now,
            updated_at=now,
            **values,
        )
    )
    account = whole.partition("/")[0]
    audit.record(connection, author, "repository.create", account=account, target=whole)
    return inserted_id(made)


def ensure(connection: Connection, account_id: int, whole: str, author: Author) -> int:
    """The id of a repository that a push or a mirrored pull needs; made when it is missing."""
    row = facts.find(connection, whole)
    return _insert(connection, account_id, whole, {}, author) if row is None else int(row.id)


def change(
    connection: Connection, row: RepositoryRow, values: Mapping[str, object], author: Author
) -> None:
    """Set columns. Raises: InvalidArgument."""
    if not values:
        return
    connection.execute(
        sa.update(repositories)
        .where(repositories.c.id == row.id)
        .values(**checked(values), updated_at=time.time())
    )
    _note(connection, author, "repository.change", row, {"set": sorted(values)})


def delete(connection: Connection, row: RepositoryRow, author: Author) -> None:
    """Remove a repository with its tags; its blobs go with the next sweep."""
    connection.execute(sa.delete(repositories).where(repositories.c.id == row.id))
    _note(connection, author, "repository.delete", row, {})


def _note(
    connection: Connection,
    author: Author,
    action: str,
    row: RepositoryRow,
    detail: Mapping[str, object],
) -> None:
    audit.record(
        connection, author, action, account=row.account_name, target=row.name, detail=detail
    )


def checked(values: Mapping[str, object]) -> dict[str, object]:
    """New values of columns, each made right. Raises: InvalidArgument."""
    return {key: _checked_value(key, value) for key, value in values.items()}


def _checked_value(key: str, value: object) -> object:
    match key, value:
        case (("summary" | "summary_ko"), str()):
            return _line(value, 300)
        case (("overview" | "overview_ko"), str()):
            if len(value) > markdown.MOST:
                raise InvalidArgument(Sentence("hub.too-long", most=markdown.MOST))
            return value
        case "product", str() if value in PRODUCTS:
            return value
        case "categories", tuple():
            return _checked_categories(value)
        case "synonyms", tuple():
            words = [_line(str(word), 60) for word in value if str(word).strip()]
            return words[:MOST_SYNONYMS]
        case "immutable_tags", str():
            return ",".join(split_patterns(_line(value, 200)))
        case (("is_private" | "is_official"), bool()):
            return value
    raise InvalidArgument(Sentence("hub.bad-value", field=key))


def _line(text: str, most: int) -> str:
    line = " ".join(text.split())
    if len(line) > most:
        raise InvalidArgument(Sentence("hub.too-long", most=most))
    return line


def _checked_categories(values: Iterable[object]) -> list[object]:
    chosen = list(dict.fromkeys(values))
    if len(chosen) > MOST_CATEGORIES or not CATEGORIES.keys() >= set(chosen):
        raise InvalidArgument(Sentence("hub.bad-categories", most=MOST_CATEGORIES))
    return chosen


def set_star(connection: Connection, row: RepositoryRow, user_id: int, *, is_set: bool) -> int:
    """Star a repository, or take the star back; how many it has now."""
    mine = (stars.c.user_id == user_id, stars.c.repository_id == row.id)
    connection.execute(sa.delete(stars).where(*mine))
    if is_set:
        connection.execute(sa.insert(stars).values(user_id=user_id, repository_id=row.id))
    count = sa.select(sa.func.count()).where(stars.c.repository_id == row.id)
    total = int(connection.execute(count).scalar() or 0)
    connection.execute(
        sa.update(repositories).where(repositories.c.id == row.id).values(stars=total)
    )
    return total


def is_starred(connection: Connection, row: RepositoryRow, user_id: int | None) -> bool:
    """Whether a user has starred a repository."""
    if user_id is None:
        return False
    query = sa.select(stars.c.user_id).where(
        stars.c.user_id == user_id, stars.c.repository_id == row.id
    )
    return connection.execute(query).first() is not None


def tag_count(connection: Connection, row: RepositoryRow) -> int:
    """How many tags a repository has."""
    query = sa.select(sa.func.count()).where(tags.c.repository_id == row.id)
    return int(connection.execute(query).scalar() or 0)


def size_bytes(connection: Connection, row: RepositoryRow) -> int:
    """What a repository's blobs take, each counted once."""
    joined = sa.join(blob_links, blobs, blob_links.c.digest == blobs.c.digest)
    query = sa.select(sa.func.sum(blobs.c.size_bytes)).select_from(joined)
    return int(connection.execute(query.where(blob_links.c.repository_id == row.id)).scalar() or 0)
