"""The seam over the hub's database, with SQLite; PostgreSQL runs the contract suites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from budu.base.errors import Internal, Unavailable
from budu.hub.database import Database
from budu.hub.schema import MIGRATIONS, prepare, settings


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/hub.db"


@pytest.fixture
async def database(url: str) -> Iterator[Database]:
    database = Database(url)
    await database.write(prepare)
    yield database
    database.close()


def put(key: str) -> sa.Insert:
    return sa.insert(settings).values(key=key, value="1")


def keys(connection: Connection) -> set[str]:
    return set(connection.execute(sa.select(settings.c.key)).scalars())


async def test_a_failed_change_leaves_nothing(database: Database) -> None:
    def change(connection: Connection) -> None:
        connection.execute(put("half"))
        raise ValueError

    with pytest.raises(ValueError):
        await database.write(change)
    assert "half" not in await database.read(keys)


async def test_two_processes_share_it(database: Database, url: str) -> None:
    other = Database(url)
    await other.write(prepare)
    await other.write(lambda connection: connection.execute(put("theirs")).rowcount)
    assert "theirs" in await database.read(keys)
    other.close()


async def test_what_goes_on_failing_is_unavailable(database: Database) -> None:
    def locked(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(Unavailable, match="did not answer"):
        await database.write(locked)


async def test_a_newer_database_is_refused(database: Database) -> None:
    newer = sa.update(settings).values(value=str(len(MIGRATIONS) + 1))
    await database.write(lambda connection: connection.execute(newer).rowcount)
    with pytest.raises(Internal, match="this hub knows"):
        await database.write(prepare)


async def test_what_is_remembered_is_never_old(database: Database, url: str) -> None:
    other = Database(url)
    asked = 0

    def ask(connection: Connection) -> set[str]:
        nonlocal asked
        asked += 1
        return keys(connection)

    for _ in range(3):
        assert "new" not in await database.recall("keys", ask)
    assert asked == 1
    await database.write(lambda connection: connection.execute(put("ours")).rowcount)
    assert "ours" in await database.recall("keys", ask)
    await other.write(lambda connection: connection.execute(put("theirs")).rowcount)
    assert {"ours", "theirs"} <= await database.recall("keys", ask)
    assert asked == 3
    other.close()
