"""The contract suites of the hub run here on SQLite and a folder; on PostgreSQL and S3 the same
ones run in tests/host/hub."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.hub_fixtures import Place, ann, hub, s3
from tests.support.hub_site_fixtures import site

__all__ = ["ann", "database_url", "hub", "place", "s3", "site"]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """An empty database for a whole hub."""
    return f"sqlite:///{tmp_path}/hub.db"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(f"sqlite:///{tmp_path}/hub.db", f"file://{tmp_path}/blobs")
