"""A container's health as Docker shows it: `State.Health` and the note in the STATUS column.

Source: Engine API 1.51 Health, HealthcheckResult; moby 28.3 container/health.go.
"""

from __future__ import annotations

from budu.base.clock import format_time
from budu.engine.containers.health_state import HealthState, HealthStatus, ProbeRecord
from budu.spec.api.container import Health, HealthcheckResult


def health_view(state: HealthState | None) -> Health | None:
    """`State.Health` of an inspection; None for a container without a probe."""
    if state is None:
        return None
    return Health(
        status=state.status,
        failing_streak=state.failing_streak,
        log=[_probe_view(probe) for probe in state.log],
    )


def _probe_view(probe: ProbeRecord) -> HealthcheckResult:
    return HealthcheckResult(
        start=format_time(probe.start_ns),
        end=format_time(probe.end_ns),
        exit_code=probe.exit_code,
        output=probe.output,
    )


def health_note(state: HealthState | None) -> str:
    """What follows `Up 3 minutes`: ` (healthy)`, ` (health: starting)`, nothing without a probe."""
    if state is None:
        return ""
    word = "health: starting" if state.status is HealthStatus.STARTING else state.status
    return f" ({word})"
