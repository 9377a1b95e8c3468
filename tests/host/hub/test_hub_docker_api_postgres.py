"""A contract suite of the whole hub, on PostgreSQL; see conftest.py."""

from __future__ import annotations

from tests.contract.test_contract_hub_docker_api import *  # noqa: F403  # its tests
