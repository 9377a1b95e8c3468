"""What happens to repositories, told to their webhooks in the transaction where it happens."""

from __future__ import annotations

import time

from sqlalchemy import Connection

from budu.hub.accounts.audit import Author
from budu.hub.options import Options
from budu.hub.repositories import facts, tags, webhooks
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.repositories.webhooks import Happening
from budu.spec.digest import Digest


def happening(event: str, *, tag: str, digest: str, by: str) -> Happening:
    """Something that happens now."""
    return Happening(event=event, tag=tag, digest=digest, by=by, at=time.time())


def message(options: Options, row: RepositoryRow, what: Happening) -> str:
    """The JSON that webhooks are sent."""
    name = options.pull_name(row.name)
    return webhooks.payload(row, what, address=options.public_address, pull_name=name)


def tell_webhooks(
    connection: Connection, options: Options, row: RepositoryRow, what: Happening
) -> int:
    """Queue a message for each webhook that wants it; how many there are."""
    return len(webhooks.queue(connection, row, what, body=message(options, row, what)))


def delete_tag(
    connection: Connection, options: Options, row: RepositoryRow, name: str, author: Author
) -> None:
    """Remove a tag and tell the webhooks. Raises: NotFound, Conflict."""
    tag = tags.delete(connection, row, name, author)
    what = happening("delete", tag=name, digest=tag.digest, by=author.name)
    tell_webhooks(connection, options, row, what)


def tell_pull(connection: Connection, options: Options, repository_id: int, digest: Digest) -> None:
    """Tell the webhooks that want pulls; who pulled is not told."""
    if not webhooks.has_wanting(connection, repository_id, "pull"):
        return
    row = facts.by_id(connection, repository_id)
    if row is not None:
        name = tags.name_of(connection, row, digest)
        what = happening("pull", tag=name, digest=str(digest), by="")
        tell_webhooks(connection, options, row, what)
