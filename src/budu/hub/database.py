"""The hub's database: SQLAlchemy Core over SQLite or PostgreSQL, one seam for both.

Queries are plain functions of a `Connection`, kept beside what they are about; `read` and `write`
run them. SQLite answers in some ten microseconds, less than a change of threads takes, so its
functions run where they are called; PostgreSQL's run in a thread each of a small pool. A function
given to `write` is one transaction, and runs again when another one got in its way: it must have no
other effect than its statements.

Neighbours: `hub.schema` (the tables). Source: docs.sqlalchemy.org, "Core"; postgresql.org,
"Transaction Isolation"; sqlite.org/wal.html.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from budu.base.errors import InvalidArgument, NotFound, Unavailable

T = TypeVar("T")

CONNECTIONS = 8
"""To PostgreSQL, of one process."""
REMEMBERED = 8192
"""Answers that `recall` keeps at most."""
ATTEMPTS = 5
"""Of a transaction that others get in the way of."""


class Database:
    """An open database. Make it in the event loop's thread, close it at the end."""

    def __init__(self, url: str) -> None:
        """`url` as SQLAlchemy's: `sqlite:////var/lib/hub/hub.db`, `postgresql+psycopg://…`."""
        self._is_sqlite = url.startswith("sqlite:")
        self.engine = _sqlite(url) if self._is_sqlite else _server(url)
        self._writes = 0
        self._seen: tuple[int, int] | None = None
        self._memory: dict[Hashable, object] = {}
        self._version_cursor: DBAPICursor | None = None
        self._threads = None if self._is_sqlite else ThreadPoolExecutor(CONNECTIONS, "database")

    async def read(self, query: Callable[[Connection], T]) -> T:
        """What a function that only reads returns. Raises: Unavailable."""
        return await self._run(lambda: self._answered(query, begin="BEGIN"))

    async def recall(self, key: Hashable, query: Callable[[Connection], T]) -> T:
        """What `read` returns, remembered with SQLite until anything in the database changes.

        Whoever changes it, this process or another one, is noticed at the next call, so what is
        remembered is never old. `key` tells one query with its values from every other; what the
        query returns must be small, and is shared. Raises: Unavailable.
        """
        if self._threads is not None:
            return await self.read(query)
        seen = (self._writes, self._data_version())
        if seen != self._seen or len(self._memory) >= REMEMBERED:
            self._memory.clear()
            self._seen = seen
        if key not in self._memory:
            self._memory[key] = self._answered(query, begin="BEGIN")
        return cast(T, self._memory[key])

    def _data_version(self) -> int:
        """Changes when another connection has written. Source: sqlite.org/pragma.html."""
        if self._version_cursor is None:
            self._version_cursor = self.engine.raw_connection().cursor()
        self._version_cursor.execute("PRAGMA data_version")
        row = self._version_cursor.fetchone()
        assert row is not None
        return int(row[0])

    async def write(self, change: Callable[[Connection], T]) -> T:
        """What a function returns whose statements are one transaction.

        Raises: Unavailable; NotFound when what a new row belongs to was removed meanwhile.
        """
        self._writes += 1
        return await self._run(lambda: self._repeated(change))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _repeated(self, change: Callable[[Connection], T]) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._once(change, begin="BEGIN IMMEDIATE")
            except IntegrityError:
                continue  # another one was first with a name: the next time it is seen
            except OperationalError as error:
                if not _is_passing(error):
                    raise _unavailable(error) from error
        try:
            return self._answered(change, begin="BEGIN IMMEDIATE")
        except IntegrityError as error:
            if _is_of_nothing(error):
                raise NotFound("what it belongs to was removed meanwhile") from error
            raise

    def _answered(self, query: Callable[[Connection], T], *, begin: str) -> T:
        try:
            return self._once(query, begin=begin)
        except OperationalError as error:
            raise _unavailable(error) from error

    def _once(self, query: Callable[[Connection], T], *, begin: str) -> T:
        try:
            return self._in_one(query, begin=begin)
        except DataError as error:  # PostgreSQL has no NUL in texts, for one
            raise InvalidArgument("a value is none that can be stored") from error

    def _in_one(self, query: Callable[[Connection], T], *, begin: str) -> T:
        with self.engine.connect() as connection:
            if self._is_sqlite:  # elsewhere the driver begins by itself
                connection.exec_driver_sql(begin)
            result = query(connection)
            connection.commit()
            return result

    def close(self) -> None:
        """Let go of all connections; nothing may be running."""
        if self._threads is not None:
            self._threads.shutdown()
        self.engine.dispose()


def inserted_id(result: CursorResult[tuple[object, ...]]) -> int:
    """The id that a row got."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _sqlite(url: str) -> Engine:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.StaticPool)

    @event.listens_for(engine, "connect")
    def configure(connection, _record) -> None:  # type: ignore[no-untyped-def]  # DB-API objects
        connection.isolation_level = None  # BEGIN is ours
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA busy_timeout = 5000")

    return engine


def _server(url: str) -> Engine:
    return sqlalchemy.create_engine(
        url, pool_size=CONNECTIONS, max_overflow=0, pool_pre_ping=True, pool_recycle=600
    )


def _is_passing(error: OperationalError) -> bool:
    """Whether the transaction may simply run again: a collision, or a connection that was cut."""
    state = getattr(error.orig, "sqlstate", None)
    return state in ("40001", "40P01") or error.connection_invalidated or "locked" in str(error)


def _is_of_nothing(error: IntegrityError) -> bool:
    """Whether a row names another one that is not there (any more)."""
    return getattr(error.orig, "sqlstate", None) == "23503" or "FOREIGN KEY" in str(error.orig)


def _unavailable(error: OperationalError) -> Unavailable:
    return Unavailable(f"the database did not answer: {error.orig}")
