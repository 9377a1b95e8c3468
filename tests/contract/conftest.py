"""A hub on each of its foundations: SQLite and a folder, PostgreSQL and S3."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.hub import RunningHub, serving_hub
from tests.support.hub_client import Client
from tests.support.postgres import new_database, running_postgres
from tests.support.s3 import running_s3, s3_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running_postgres() as socket:
        yield socket


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with running_s3() as endpoint:
        yield endpoint


@dataclass
class Place:
    """Where a hub keeps what it has."""

    database: str
    blobs: str


@pytest.fixture(params=["sqlite-folder", "postgres-s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite-folder":
        return Place(f"sqlite:///{tmp_path}/hub.db", f"file://{tmp_path}/blobs")
    database = new_database(request.getfixturevalue("postgres"))
    return Place(database, s3_url(request.getfixturevalue("s3"), tmp_path.name))


@pytest.fixture
async def hub(place: Place) -> AsyncIterator[RunningHub]:
    async with serving_hub(place.database, place.blobs) as hub:
        yield hub


@pytest.fixture
def ann(hub: RunningHub) -> Client:
    return Client(hub)
