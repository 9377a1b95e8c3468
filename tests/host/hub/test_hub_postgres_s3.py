"""The contract suites of the registry and its sweep, on PostgreSQL and S3; see conftest.py."""

from __future__ import annotations

from tests.contract.test_contract_hub_registry import *  # noqa: F403  # its tests
from tests.contract.test_contract_hub_sweep import *  # noqa: F403  # its tests
