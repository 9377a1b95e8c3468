"""Hubs on PostgreSQL and S3."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.hub_fixtures import Place, ann, hub, postgres, s3
from tests.support.hub_site_fixtures import site
from tests.support.postgres import new_database
from tests.support.s3 import s3_url

__all__ = ["ann", "database_url", "hub", "place", "postgres", "s3", "site"]


@pytest.fixture
def place(tmp_path: Path, postgres: str, s3: str) -> Place:
    return Place(new_database(postgres), s3_url(s3, tmp_path.name))


@pytest.fixture
def database_url(postgres: str) -> str:
    """An empty database for a whole hub."""
    return new_database(postgres)
