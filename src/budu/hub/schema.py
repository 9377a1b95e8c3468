"""The hub's tables.

Names of accounts are one space, since repositories are `<account>/<name>`; official images belong
to the organization `library`. Times are seconds since the epoch. A blob belongs to no repository:
what a repository may show of it stands in `blob_links`, what keeps it alive in
`manifest_references`.

A change of the tables is a function at the end of `MIGRATIONS`; `prepare` runs the ones that a
database has not seen.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import Column, Connection, ForeignKey, Table

from budu.base.errors import Internal

metadata = sa.MetaData()

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_Digest = sa.String(80)


def _ordered(length: int) -> sa.types.TypeEngine[str]:
    """A text that is compared byte by byte, as registries list tags and names."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=True)


def _account(name: str = "account_id", *, key: bool = False) -> Column[int]:
    return Column(
        name,
        _Id,
        ForeignKey("accounts.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=key,
    )


def _repository(*, key: bool = False) -> Column[int]:
    return Column(
        "repository_id",
        _Id,
        ForeignKey("repositories.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=key,
    )


settings = Table(
    "settings",
    metadata,
    Column("key", sa.String(64), primary_key=True),
    Column("value", sa.Text, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    _id(),
    Column("name", sa.String(64), nullable=False, unique=True),
    Column("kind", sa.String(16), nullable=False),  # user, organization
    Column("display_name", sa.String(200), nullable=False, server_default=""),
    Column("email", sa.String(254), nullable=False, server_default=""),
    Column("password", sa.String(300), nullable=True),  # scrypt; organizations have none
    Column("about", sa.Text, nullable=False, server_default=""),
    Column("is_admin", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("is_disabled", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("is_verified", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("quota_bytes", sa.BigInteger, nullable=True),
    Column("created_at", sa.Float, nullable=False),
)

retired_names = Table(
    "retired_names",
    metadata,
    Column("name", sa.String(64), primary_key=True),  # of an account that was deleted
    Column("account_id", _Id, nullable=False),
    Column("retired_at", sa.Float, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    _account("organization_id", key=True),
    _account("user_id", key=True),
    Column("role", sa.String(16), nullable=False),  # owner, member
    sa.Index("memberships_by_user", "user_id"),
)

teams = Table(
    "teams",
    metadata,
    _id(),
    _account("organization_id"),
    Column("name", sa.String(64), nullable=False),
    Column("about", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("organization_id", "name"),
)

team_members = Table(
    "team_members",
    metadata,
    Column("team_id", _Id, ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True),
    _account("user_id", key=True),
    sa.Index("team_members_by_user", "user_id"),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    _id(),
    _account("user_id"),
    Column("name", sa.String(200), nullable=False),
    Column("secret_hash", sa.String(64), nullable=False, unique=True),  # sha256, hex
    Column("hint", sa.String(16), nullable=False),  # the secret's first letters
    Column("scope", sa.String(16), nullable=False),  # read, write, admin
    Column("created_at", sa.Float, nullable=False),
    Column("last_used_at", sa.Float, nullable=True),
    Column("expires_at", sa.Float, nullable=True),
    sa.Index("access_tokens_by_user", "user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("secret_hash", sa.String(64), primary_key=True),
    _account("user_id"),
    Column("created_at", sa.Float, nullable=False),
    Column("expires_at", sa.Float, nullable=False),
    sa.Index("sessions_by_user", "user_id"),
    sa.Index("sessions_by_end", "expires_at"),
)

repositories = Table(
    "repositories",
    metadata,
    _id(),
    _account(),
    Column("name", _ordered(255), nullable=False, unique=True),  # whole: library/httpd
    Column("is_private", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("is_official", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("product", sa.String(32), nullable=False, server_default="image"),
    Column("summary", sa.String(300), nullable=False, server_default=""),
    Column("summary_ko", sa.String(300), nullable=False, server_default=""),
    Column("overview", sa.Text, nullable=False, server_default=""),  # Markdown
    Column("overview_ko", sa.Text, nullable=False, server_default=""),
    Column("categories", sa.JSON, nullable=False),  # list of slugs
    Column("synonyms", sa.JSON, nullable=False),  # list of words that search takes for the name
    Column("immutable_tags", sa.String(200), nullable=False, server_default=""),  # a pattern
    Column("retention", sa.JSON, nullable=True),  # rules; null: none
    Column("pulls", sa.BigInteger, nullable=False, server_default="0"),
    Column("stars", sa.Integer, nullable=False, server_default="0"),
    Column("created_at", sa.Float, nullable=False),
    Column("updated_at", sa.Float, nullable=False),
    Column("pushed_at", sa.Float, nullable=True),
    sa.Index("repositories_by_account", "account_id"),
)

grants = Table(
    "grants",
    metadata,
    _id(),
    _repository(),
    Column("user_id", _Id, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=True),
    Column("team_id", _Id, ForeignKey("teams.id", ondelete="CASCADE"), nullable=True),
    Column("role", sa.String(16), nullable=False),  # reader, writer, owner
    sa.UniqueConstraint("repository_id", "user_id", "team_id"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", _Digest, primary_key=True),
    Column("size_bytes", sa.BigInteger, nullable=False),
    Column("used_at", sa.Float, nullable=False),  # last time an upload or a mount met it
    Column("condemned_at", sa.Float, nullable=True),  # the sweep is removing it
    Column("unpacked_bytes", sa.BigInteger, nullable=True),  # -1: it is nothing to unpack
)

blob_links = Table(
    "blob_links",
    metadata,
    _repository(key=True),
    Column("digest", _Digest, primary_key=True),
    Column("linked_at", sa.Float, nullable=False),
    sa.Index("blob_links_by_digest", "digest"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", sa.String(64), primary_key=True),  # the blob store's name
    _repository(),
    Column("size_bytes", sa.BigInteger, nullable=False),
    Column("sha256", sa.String(64), nullable=True),  # of all bytes so far; null: not known
    Column("started_at", sa.Float, nullable=False),
    Column("touched_at", sa.Float, nullable=False),
    Column("writer", sa.String(32), nullable=True),  # the request that appends; a lease
    sa.Index("uploads_by_repository", "repository_id"),
)

manifests = Table(
    "manifests",
    metadata,
    _repository(key=True),
    Column("digest", _Digest, primary_key=True),
    Column("media_type", sa.String(255), nullable=False),
    Column("artifact_type", sa.String(255), nullable=False, server_default=""),
    Column("payload", sa.LargeBinary, nullable=False),
    Column("subject", _Digest, nullable=True),
    Column("annotations", sa.JSON, nullable=False),
    Column("platform", sa.String(100), nullable=False, server_default=""),  # linux/arm64/v8
    Column("image_bytes", sa.BigInteger, nullable=False, server_default="0"),  # config and layers
    Column("pushed_at", sa.Float, nullable=False),
    Column("pulled_at", sa.Float, nullable=True),
    sa.Index("manifests_by_subject", "repository_id", "subject"),
    sa.Index("manifests_by_platform", "repository_id", "platform"),
)

manifest_references = Table(
    "manifest_references",
    metadata,
    _repository(key=True),
    Column("manifest", _Digest, primary_key=True),
    Column("digest", _Digest, primary_key=True),
    Column("kind", sa.String(16), nullable=False),  # blob, manifest
    sa.Index("manifest_references_by_digest", "digest"),
)

tags = Table(
    "tags",
    metadata,
    _repository(key=True),
    Column("name", _ordered(128), primary_key=True),
    Column("digest", _Digest, nullable=False),
    Column("pushed_at", sa.Float, nullable=False),
    Column("pushed_by", sa.String(64), nullable=False, server_default=""),
    Column("pulled_at", sa.Float, nullable=True),
    sa.Index("tags_by_digest", "repository_id", "digest"),
    sa.Index("tags_by_push", "repository_id", "pushed_at", "name"),
)

stars = Table(
    "stars",
    metadata,
    _account("user_id", key=True),
    _repository(key=True),
    sa.Index("stars_by_repository", "repository_id"),
)

pulls = Table(
    "pulls",
    metadata,
    _repository(key=True),
    Column("day", sa.String(10), primary_key=True),  # 2026-11-30, UTC
    Column("count", sa.BigInteger, nullable=False),
)

pull_windows = Table(
    "pull_windows",
    metadata,
    Column("source", sa.String(100), primary_key=True),  # address:…, user:…
    Column("count", sa.BigInteger, nullable=False),
    Column("ends_at", sa.Float, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    _id(),
    _repository(),
    Column("name", sa.String(64), nullable=False),
    Column("url", sa.String(2000), nullable=False),
    Column("secret", sa.Text, nullable=False, server_default=""),  # sealed
    Column("events", sa.JSON, nullable=False),  # push, delete, pull
    Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    Column("created_at", sa.Float, nullable=False),
    sa.Index("webhooks_by_repository", "repository_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("webhook_id", _Id, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event", sa.String(32), nullable=False),
    Column("payload", sa.Text, nullable=False),
    Column("attempts", sa.Integer, nullable=False, server_default="0"),
    Column("next_at", sa.Float, nullable=True),  # null: done or given up
    Column("status", sa.Integer, nullable=True),  # of the last answer
    Column("error", sa.String(500), nullable=False, server_default=""),
    Column("created_at", sa.Float, nullable=False),
    Column("finished_at", sa.Float, nullable=True),
    sa.Index("deliveries_by_time", "next_at"),
    sa.Index("deliveries_by_webhook", "webhook_id"),
)

upstreams = Table(
    "upstreams",
    metadata,
    _account(key=True),  # pulls below this account are fetched from the other registry
    Column("url", sa.String(2000), nullable=False),
    Column("user_name", sa.String(200), nullable=False, server_default=""),
    Column("password", sa.Text, nullable=False, server_default=""),  # sealed
    Column("fresh_s", sa.Float, nullable=False),  # how long a tag is believed unasked
)

upstream_tags = Table(
    "upstream_tags",
    metadata,
    _repository(key=True),
    Column("name", sa.String(128), primary_key=True),
    Column("checked_at", sa.Float, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", sa.Float, nullable=False, index=True),
    Column("actor", sa.String(64), nullable=False),
    Column("address", sa.String(64), nullable=False),
    Column("action", sa.String(64), nullable=False),  # repository.create, tag.delete, …
    Column("account", sa.String(64), nullable=False, index=True),
    Column("target", sa.String(400), nullable=False),
    Column("detail", sa.JSON, nullable=False),
)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


def _sealed_secrets_and_retired_names(connection: Connection) -> None:
    """Sealed secrets are longer than what they hold; names of deleted accounts are remembered."""
    retired_names.create(connection, checkfirst=True)
    if connection.dialect.name == "postgresql":  # SQLite knows no lengths
        for column in (webhooks.c.secret, upstreams.c.password):
            change = f"ALTER TABLE {column.table.name} ALTER COLUMN {column.name} TYPE text"
            connection.execute(sa.text(change))


def _indexed(connection: Connection) -> None:
    """Make the indexes that are missing: for pages, and for what goes with something else."""
    for table in metadata.sorted_tables:
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _unpacked_sizes(connection: Connection) -> None:
    """What layers take when they are unpacked is kept with them."""
    there = {column["name"] for column in sa.inspect(connection).get_columns("blobs")}
    if "unpacked_bytes" not in there:
        connection.execute(sa.text("ALTER TABLE blobs ADD COLUMN unpacked_bytes BIGINT"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _first,
    _sealed_secrets_and_retired_names,
    _indexed,  # platforms of a repository, its newest tags
    _unpacked_sizes,
    _indexed,  # what belongs to a user, a repository, a webhook
)
"""What made the tables what they are, oldest first."""


def prepare(connection: Connection) -> None:
    """Bring a database up to date. One transaction; other processes wait.

    Raises: Internal when a newer hub wrote it.
    """
    settings.create(connection, checkfirst=True)
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE settings IN EXCLUSIVE MODE"))
    query = sa.select(settings.c.value).where(settings.c.key == "schema")
    version = int(connection.execute(query).scalar() or 0)
    if version > len(MIGRATIONS):
        raise Internal(f"the database has schema {version}, this hub knows {len(MIGRATIONS)}")
    for migrate in MIGRATIONS[version:]:
        migrate(connection)
    connection.execute(sa.delete(settings).where(settings.c.key == "schema"))
    connection.execute(sa.insert(settings).values(key="schema", value=str(len(MIGRATIONS))))
