"""The registry's `Watcher`: quotas before, webhooks and the audit after what it did."""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.hub.accounts import audit
from budu.hub.accounts.audit import Author
from budu.hub.database import Database
from budu.hub.options import Options
from budu.hub.registry.contract import Event, Repository
from budu.hub.repositories import events, facts, quotas
from budu.hub.repositories.catalog import Catalog
from budu.hub.repositories.deliveries import Deliveries
from budu.hub.schema import repositories


class RepositoryWatcher:
    """Looks at what the registry does."""

    def __init__(
        self, database: Database, deliveries: Deliveries, catalog: Catalog, options: Options
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._catalog = catalog
        self._options = options

    async def room_for(self, repository: Repository, size_bytes: int) -> None:
        """Raises: PermissionDenied when the account's quota does not allow it."""
        await self._database.read(lambda c: quotas.check(c, repository.account_id, size_bytes))

    async def happened(self, event: Event) -> None:
        """Note a push or a deletion and tell the webhooks."""
        told = await self._database.write(lambda c: _note(c, self._options, event))
        self._catalog.forget()
        if told:
            self._deliveries.wake()


def _note(connection: Connection, options: Options, event: Event) -> int:
    row = facts.find(connection, event.repository.name)
    if row is None:  # removed meanwhile
        return 0
    if event.action == "push":
        where = repositories.c.id == row.id
        connection.execute(sa.update(repositories).where(where).values(pushed_at=time.time()))
    name = event.repository.actor.name or "anonymous"
    audit.record(
        connection,
        Author(name, event.address),
        f"{'tag' if event.tag else 'manifest'}.{event.action}",
        account=row.account_name,
        target=f"{row.name}:{event.tag}" if event.tag else f"{row.name}@{event.digest}",
        detail={"digest": str(event.digest)},
    )
    if event.tag is None:
        return 0
    what = events.happening(event.action, tag=event.tag, digest=str(event.digest), by=name)
    return events.tell_webhooks(connection, options, row, what)
