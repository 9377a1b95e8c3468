"""Health as Docker shows it."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.records import SECOND_NS, a_container, a_running_container

from budu.api.views.containers import state_view, status_text
from budu.engine.containers.health_state import HealthState, HealthStatus, ProbeRecord
from budu.engine.containers.model import Status


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (HealthStatus.STARTING, "Up 3 minutes (health: starting)"),
        (HealthStatus.HEALTHY, "Up 3 minutes (healthy)"),
        (HealthStatus.UNHEALTHY, "Up 3 minutes (unhealthy)"),
    ],
)
def test_the_status_column_tells_of_health(status: HealthStatus, text: str) -> None:
    container = a_running_container(health=HealthState(run_ns=SECOND_NS, status=status))
    assert status_text(container, now_ns=181 * SECOND_NS) == text
    paused = msgspec.structs.replace(container, status=Status.PAUSED)
    assert status_text(paused, now_ns=181 * SECOND_NS) == "Up 3 minutes (Paused)"


def test_the_inspection_of_health() -> None:
    probe = ProbeRecord(start_ns=SECOND_NS, end_ns=2 * SECOND_NS, exit_code=-1, output="late")
    state = HealthState(run_ns=SECOND_NS, failing_streak=1, log=(probe,))
    shown = msgspec.to_builtins(state_view(a_running_container(health=state)))["Health"]
    assert shown == {
        "Status": "starting",
        "FailingStreak": 1,
        "Log": [
            {
                "Start": "1970-01-01T00:00:01Z",
                "End": "1970-01-01T00:00:02Z",
                "ExitCode": -1,
                "Output": "late",
            }
        ],
    }


def test_without_a_probe_there_is_no_health() -> None:
    assert "Health" not in msgspec.to_builtins(state_view(a_container()))
