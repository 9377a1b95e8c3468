"""The engine's state: one SQLite file in WAL mode, with numbered migrations.

Records are JSON (msgspec) beside the few columns that queries need, so that a record gains a field
without a migration. Everything is synchronous: a commit is some 60 µs, far less than a thread hop
costs, and one writer makes ordering plain. `synchronous=NORMAL`: after a power loss the last
commits may be missing but the file is whole; `reconcile` then meets facts newer than the records.

Source: sqlite.org/wal.html; sqlite.org/pragma.html#pragma_synchronous.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from budu.base.errors import Hint, Internal, ResourceExhausted
from budu.engine.reserve import occupy

_NO_ROOM = frozenset(
    [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE]
)

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
    """
    CREATE TABLE networks (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        record BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE plugin_debts (
        id TEXT PRIMARY KEY,
        record BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE build_steps (
        key TEXT PRIMARY KEY,
        record BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
)


_LOG_BYTES = 5 << 20
"""More than the log ever holds: SQLite empties it after 1,000 pages, and uses it again."""
_FREE_PAGES = 256
"""Empty pages of the database itself, one megabyte."""


class Database:
    """One open database file. Close it at the end; use it from one thread."""

    def __init__(self, path: Path) -> None:
        """Open or create `path` and bring its schema up to date.

        Raises: Internal when the file was written by a newer version.
        """
        self._path = path
        self._undo: list[Callable[[], object]] = []
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

    def take_room(self) -> None:
        """Take what room records need, ahead, so that they can be stored on a full disk.

        As much as there is; call it again later. The log's new bytes are zeros, which SQLite takes
        for frames that were never written. Source: sqlite.org/fileformat2.html#the_write_ahead_log.
        """
        self._take_free_pages()
        fd = os.open(f"{self._path}-wal", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.fstat(fd).st_size < _LOG_BYTES:
                occupy(fd, _LOG_BYTES)
        finally:
            os.close(fd)

    def _take_free_pages(self) -> None:
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        if free >= _FREE_PAGES // 2:
            return
        (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        with suppress(ResourceExhausted), self.transaction():
            self.execute("CREATE TABLE room (bytes BLOB)")
            self.execute("INSERT INTO room VALUES (zeroblob(?))", (_FREE_PAGES * size,))
            self.execute("DROP TABLE room")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All statements inside happen together or not at all. Nested uses join the outer one."""
        if self._connection.in_transaction:
            yield self._connection
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._undo.clear()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # SQLite itself may have done it
            self._connection.execute("ROLLBACK")
        for action in reversed(self._undo):
            action()

    def on_rollback(self, action: Callable[[], object]) -> None:
        """Do `action` when the transaction at hand fails: for copies of rows in memory."""
        if self._connection.in_transaction:
            self._undo.append(action)

    def execute(self, sql: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """One statement, committed by itself outside a transaction.

        Raises: ResourceExhausted when the disk is full.
        """
        try:
            return self._connection.execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _NO_ROOM:
                raise
            raise ResourceExhausted(
                f"write {self._path}: no space left on device",
                hint=Hint("archive.disk-full", place=str(self._path.parent)),
            ) from error

    def close(self) -> None:
        """Write the log back and close the file."""
        self._connection.close()
