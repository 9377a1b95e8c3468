"""A whole hub at the database that a conftest chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.hub_site import Site, serving_site


@pytest.fixture
async def site(tmp_path: Path, database_url: str) -> AsyncIterator[Site]:
    """A hub with its admin."""
    async with serving_site(tmp_path / "data", database_url) as site:
        yield site
