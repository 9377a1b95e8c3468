"""A registry on loopback, and an engine's stores with a puller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from distribution_engine import Engine, engine_on
from tests.fakes.registry import FakeRegistry


@pytest.fixture
async def fake() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry().serving() as registry:
        yield registry


@pytest.fixture
async def engine(tmp_path: Path, fake: FakeRegistry) -> AsyncIterator[Engine]:
    async with engine_on(tmp_path / "engine", fake) as engine:
        yield engine
