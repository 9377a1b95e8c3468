"""Fixtures of the network's host tests: a lab of namespaces and the driver in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from network_lab import Lab, default_fabric

from budu.network.fabric import NetworkFabric


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.close()


@pytest.fixture
def service(lab: Lab) -> Iterator[NetworkFabric]:
    made = default_fabric()
    made.start()
    yield made
    made.close()


@pytest.fixture
def fabric(service: NetworkFabric) -> Iterator[NetworkFabric]:
    """The driver, of which nothing is left on the lab's host afterwards."""
    yield service
    service.clear()
