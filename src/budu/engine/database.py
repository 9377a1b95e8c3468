"""The engine's state: one SQLite file in WAL mode, with numbered migrations.

Records are JSON (msgspec) beside the few columns that queries need, so that a record gains a field
without a migration. Everything is synchronous: a commit is some 60 µs, far less than a thread hop
costs, and one writer makes ordering plain. `synchronous=NORMAL`: after a power loss the last
commits may be missing but the file is whole; `reconcile` then meets facts newer than the records.

Source: sqlite.org/wal.html; sqlite.org/pragma.html#pragma_synchronous.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from budu.base.errors import Internal

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE containers (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        image_id TEXT NOT NULL,
        record BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX containers_by_image ON containers (image_id);
    CREATE TABLE images (
        id TEXT PRIMARY KEY,
        record BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE image_names (
        name TEXT PRIMARY KEY,
        image_id TEXT NOT NULL REFERENCES images (id),
        target TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX image_names_by_image ON image_names (image_id);
    CREATE TABLE volumes (
        name TEXT PRIMARY KEY,
        record BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE events (
        time_ns INTEGER NOT NULL,
        record BLOB NOT NULL
    );
    CREATE INDEX events_by_time ON events (time_ns);
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
)


class Database:
    """One open database file. Close it at the end; use it from one thread."""

    def __init__(self, path: Path) -> None:
        """Open or create `path` and bring its schema up to date.

        Raises: Internal when the file was written by a newer version.
        """
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA busy_timeout = 5000")
        self._migrate()

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise Internal(
                f"the database has schema {version}, this engine knows {len(MIGRATIONS)}"
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            self._connection.executescript(
                f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All statements inside happen together or not at all. Nested uses join the outer one."""
        if self._connection.in_transaction:
            yield self._connection
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def execute(self, sql: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """One statement, committed by itself outside a transaction."""
        return self._connection.execute(sql, parameters)

    def close(self) -> None:
        """Write the log back and close the file."""
        self._connection.close()
