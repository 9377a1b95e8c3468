"""A registry client on loopback, and what tests ask of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest
from tests.fakes.registry import FakeRegistry

from budu.base.errors import (
    BuduError,
)
from budu.distribution.auth import ANONYMOUS, Credentials
from budu.distribution.client import Registries
from budu.distribution.hosts import HostsConfig, hosts_config
from budu.distribution.repository import Repository
from budu.distribution.retry import RetryPolicy
from budu.spec.reference import parse_reference

ANN = Credentials(username="ann", password="secret")


EVE = Credentials(username="ann", password="wrong")


class Pauses(list[float]):
    """A clock that does not wait, but remembers."""

    async def sleep(self, seconds: float) -> None:
        self.append(seconds)


@asynccontextmanager
async def connected(
    hosts: HostsConfig | None = None, pauses: Pauses | None = None
) -> AsyncIterator[Registries]:
    sleep = (pauses if pauses is not None else Pauses()).sleep
    registries = Registries(hosts or hosts_config(), retry=RetryPolicy(attempts=3, sleep=sleep))
    try:
        yield registries
    finally:
        await registries.close()


async def open_repository(
    registries: Registries,
    fake: FakeRegistry,
    name: str = "team/app:1",
    credentials: Credentials = ANONYMOUS,
) -> Repository:
    reference = parse_reference(f"{fake.address}/{name}")
    return await registries.repository(reference, credentials=credentials)


async def read(repository: Repository, digest: str, offset: int = 0) -> bytes:
    async with await repository.open_blob(digest, offset=offset) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


async def raised(kind: type[BuduError], action: Awaitable[object]) -> BuduError:
    with pytest.raises(kind) as caught:
        await action
    assert type(caught.value) is kind
    return caught.value
