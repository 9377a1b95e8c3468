"""Fixtures of the network's host tests: a lab of namespaces and the driver in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from network_lab import Lab

from budu.network.contract import NetworkConfig
from budu.network.service import BridgeService


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.close()


@pytest.fixture
def service(lab: Lab) -> Iterator[BridgeService]:
    made = BridgeService(NetworkConfig())
    made.start()
    yield made
    made.close()
