"""Fixtures of hub tests: a hub at the `place` that a conftest chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from tests.support.hub import RunningHub, serving_hub
from tests.support.hub_client import Client
from tests.support.postgres import running_postgres
from tests.support.s3 import running_s3


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


@pytest.fixture
async def hub(place: Place) -> AsyncIterator[RunningHub]:
    async with serving_hub(place.database, place.blobs) as hub:
        yield hub


@pytest.fixture
def ann(hub: RunningHub) -> Client:
    return Client(hub)
