"""Tests whose marks ask for another kind of machine are left out of the run.

Generated examples have no deadline: a busy machine is slow, which says nothing about the code.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = str(Path(__file__).parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.support.machine_marks import MARKS, missing_here  # noqa: E402

settings.register_profile("budu", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("budu")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, not skip: what runs on one of the two machines is not lacking on the other."""
    for item in items:
        if "docker" in getattr(item, "fixturenames", ()):
            item.add_marker("docker_cli")
    used = {mark.name for item in items for mark in item.iter_markers() if mark.name in MARKS}
    missing = missing_here(used)
    left_out = [item for item in items if missing & {mark.name for mark in item.iter_markers()}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
