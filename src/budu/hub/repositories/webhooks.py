"""Webhooks of repositories, and the messages that wait to be sent to them.

A message is a row of `deliveries`, written with the change that it tells of, and sent by whichever
process takes it first: `take` moves `next_at` ahead before anything is sent, so a process that dies
leaves a message that is taken up again. Source: Docker Hub, "Webhooks", example payload.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.accounts import audit
from budu.hub.accounts.audit import Author
from budu.hub.database import inserted_id
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.schema import deliveries, webhooks
from budu.hub.sentences import Sentence

EVENTS = ("push", "delete", "pull")
MOST_WEBHOOKS = 20
MOST_SECRET = 200
"""Letters of a secret."""
KEPT = 100
"""Messages of a webhook that are remembered."""
LEASE_S = 60.0
"""How long a process may take for a message before another one tries."""
PAUSES_S = (10.0, 60.0, 300.0, 1800.0, 7200.0)
"""Between attempts; after the last one it is given up."""
SIGNATURE = "X-Hub-Signature-256"


def every(connection: Connection, row: RepositoryRow) -> list[Row[Any]]:
    """A repository's webhooks, oldest first."""
    query = sa.select(webhooks).where(webhooks.c.repository_id == row.id).order_by(webhooks.c.id)
    return [*connection.execute(query)]


def has_wanting(connection: Connection, repository_id: int, event: str) -> bool:
    """Whether any webhook of a repository wants an event."""
    query = sa.select(webhooks.c.events).where(
        webhooks.c.repository_id == repository_id, webhooks.c.is_active
    )
    return any(event in events for events in connection.execute(query).scalars())


def get(connection: Connection, row: RepositoryRow, webhook_id: int) -> Row[Any]:
    """A repository's webhook. Raises: NotFound."""
    where = (webhooks.c.repository_id == row.id, webhooks.c.id == webhook_id)
    found = connection.execute(sa.select(webhooks).where(*where)).first()
    if found is None:
        raise NotFound(Sentence("hub.no-webhook"))
    return found


def add(
    connection: Connection, row: RepositoryRow, values: Mapping[str, object], author: Author
) -> Row[Any]:
    """Make a webhook; its secret is sealed already. Raises: InvalidArgument."""
    if len(every(connection, row)) >= MOST_WEBHOOKS:
        raise InvalidArgument(Sentence("hub.too-many-webhooks", most=MOST_WEBHOOKS))
    made = connection.execute(
        sa.insert(webhooks).values(repository_id=row.id, created_at=time.time(), **_checked(values))
    )
    _note(connection, author, "webhook.create", row, {"name": str(values["name"])})
    return get(connection, row, inserted_id(made))


def change(
    connection: Connection,
    row: RepositoryRow,
    webhook_id: int,
    values: Mapping[str, object],
    author: Author,
) -> Row[Any]:
    """Change a webhook. Raises: NotFound, InvalidArgument."""
    found = get(connection, row, webhook_id)
    if values:
        where = webhooks.c.id == found.id
        connection.execute(sa.update(webhooks).where(where).values(**_checked(values)))
        _note(connection, author, "webhook.change", row, {"name": found.name})
    return get(connection, row, webhook_id)


def remove(connection: Connection, row: RepositoryRow, webhook_id: int, author: Author) -> None:
    """Remove a webhook and its messages. Raises: NotFound."""
    found = get(connection, row, webhook_id)
    connection.execute(sa.delete(webhooks).where(webhooks.c.id == found.id))
    _note(connection, author, "webhook.delete", row, {"name": found.name})


def _checked(values: Mapping[str, object]) -> dict[str, object]:
    checked = dict(values)
    name = str(checked.get("name", "x")).strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise InvalidArgument(Sentence("hub.bad-value", field="name"))
    if "events" in checked:
        events = checked["events"]
        assert isinstance(events, Sequence)
        if not events or not set(events) <= set(EVENTS):
            raise InvalidArgument(Sentence("hub.bad-value", field="events"))
        checked["events"] = sorted(set(events))
    return checked


def _note(
    connection: Connection, author: Author, action: str, row: RepositoryRow, detail: dict[str, str]
) -> None:
    audit.record(
        connection, author, action, account=row.account_name, target=row.name, detail=detail
    )


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What a message tells of."""

    event: str
    tag: str
    digest: str
    by: str
    at: float


def payload(row: RepositoryRow, happening: Happening, *, address: str, pull_name: str) -> str:
    """The message's JSON: Docker Hub's fields for a push, with digest and event added."""
    document = {
        "callback_url": "",
        "event": happening.event,
        "push_data": {
            "pushed_at": int(happening.at),
            "pusher": happening.by,
            "tag": happening.tag,
            "digest": happening.digest,
            "images": [],
        },
        "repository": {
            "name": row.name.partition("/")[2],
            "namespace": row.account_name,
            "owner": row.account_name,
            "repo_name": row.name,
            "repo_url": f"{address}/r/{row.name}",
            "pull_name": pull_name,
            "description": row.summary,
            "full_description": row.overview[:10_000],
            "is_official": row.is_official,
            "is_private": row.is_private,
            "is_trusted": False,
            "star_count": row.stars,
            "comment_count": 0,
            "date_created": int(row.created_at),
            "status": "Active",
        },
    }
    return msgspec.json.encode(document).decode()


def signature(secret: str, body: bytes) -> str:
    """What the receiver compares: an HMAC of the body under the webhook's secret."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def queue(
    connection: Connection, row: RepositoryRow, happening: Happening, *, body: str
) -> list[int]:
    """Write a message for each webhook that wants the event; their ids."""
    wanting = [
        each.id
        for each in every(connection, row)
        if each.is_active and happening.event in each.events
    ]
    return [_queue(connection, webhook_id, happening, body) for webhook_id in wanting]


def queue_one(
    connection: Connection, webhook_id: int, happening: Happening, *, body: str
) -> Row[Any]:
    """Write a message for one webhook, whatever it wants; its row."""
    made = _queue(connection, webhook_id, happening, body)
    return connection.execute(sa.select(deliveries).where(deliveries.c.id == made)).one()


def _queue(connection: Connection, webhook_id: int, happening: Happening, body: str) -> int:
    now = time.time()
    values = {"webhook_id": webhook_id, "event": happening.event, "payload": body}
    made = connection.execute(sa.insert(deliveries).values(**values, created_at=now, next_at=now))
    kept = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.webhook_id == webhook_id)
        .order_by(deliveries.c.id.desc())
        .offset(KEPT)
        .limit(1)
    )
    oldest = connection.execute(kept).scalar()
    if oldest is not None:
        where = (deliveries.c.webhook_id == webhook_id, deliveries.c.id <= oldest)
        connection.execute(sa.delete(deliveries).where(*where))
    return inserted_id(made)


def deliveries_of(connection: Connection, webhook_id: int) -> list[Row[Any]]:
    """A webhook's messages, newest first."""
    query = sa.select(deliveries).where(deliveries.c.webhook_id == webhook_id)
    return [*connection.execute(query.order_by(deliveries.c.id.desc()).limit(KEPT))]


def take(connection: Connection, *, now: float, count: int) -> list[Row[Any]]:
    """Take messages whose time has come, with their webhook's url and sealed secret. Nobody else
    gets them for `LEASE_S`."""
    due = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.next_at <= now)
        .order_by(deliveries.c.next_at)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    ids = [*connection.execute(due).scalars()]
    if not ids:
        return []
    connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(
            next_at=now + LEASE_S, attempts=deliveries.c.attempts + 1, status=sa.null(), error=""
        )
    )
    joined = sa.join(deliveries, webhooks, deliveries.c.webhook_id == webhooks.c.id)
    columns = (deliveries, webhooks.c.url, webhooks.c.secret, webhooks.c.is_active)
    query = sa.select(*columns).select_from(joined).where(deliveries.c.id.in_(ids))
    return [*connection.execute(query)]


def next_due(connection: Connection) -> float | None:
    """When the next message's time comes."""
    at = connection.execute(sa.select(sa.func.min(deliveries.c.next_at))).scalar()
    return None if at is None else float(at)


def finish(
    connection: Connection, row: Row[Any], *, status: int | None, error: str, now: float
) -> None:
    """Note an attempt's outcome: done, tried again later, or given up."""
    is_done = status is not None and 200 <= status < 300
    pause = None if is_done or row.attempts > len(PAUSES_S) else PAUSES_S[row.attempts - 1]
    connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id == row.id)
        .values(
            status=status,
            error=error[:500],
            next_at=None if pause is None else now + pause,
            finished_at=now if pause is None else None,
        )
    )
