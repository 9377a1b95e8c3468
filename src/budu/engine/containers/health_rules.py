"""How health changes, when the next probe is due, and when healing may happen. Pure.

            begin              success                retries failures
    (start) ─────▶ starting ───────────▶ healthy ─────────────────────▶ unhealthy
                       │                    ▲            success            │
                       │                    └───────────────────────────────┘
                       └── retries failures that count ──▶ unhealthy

Failures of a container that was never healthy do not count within its start period. While it is
starting within that period, probes come at the start interval.
Healing: the first time at once, then after 1 s, 2 s, 4 s … up to five minutes; after ten minutes
of health it begins anew.
Source: moby 28.3 daemon/health.go (handleProbeResult, monitor).
"""

from __future__ import annotations

import msgspec

from budu.base.units import SECOND_NS
from budu.engine.containers.health_config import OnUnhealthy, ProbeSettings
from budu.engine.containers.health_state import (
    LOG_LENGTH,
    HealthState,
    HealthStatus,
    ProbeRecord,
)

FIRST_PAUSE_NS = SECOND_NS
LONGEST_PAUSE_NS = 300 * SECOND_NS
CURED_AFTER_NS = 600 * SECOND_NS


def begin(run_ns: int, *, before: HealthState | None) -> HealthState:
    """The health of a container that was started just now; `before` is that of its last life."""
    if before is None:
        return HealthState(run_ns=run_ns)
    return HealthState(
        run_ns=run_ns, log=before.log, heals=before.heals, healed_ns=before.healed_ns
    )


def end(state: HealthState) -> HealthState:
    """The health of a container that has ended: unhealthy, as Docker has it."""
    return msgspec.structs.replace(state, status=HealthStatus.UNHEALTHY, healthy_ns=0)


def after_probe(state: HealthState, settings: ProbeSettings, probe: ProbeRecord) -> HealthState:
    """The health once a probe has come to its end."""
    state = msgspec.structs.replace(state, log=(*state.log, probe)[-LOG_LENGTH:])
    if probe.exit_code == 0:
        return _healthy(state, probe)
    if state.status is HealthStatus.STARTING and in_start_period(
        state, settings, now_ns=probe.start_ns
    ):
        return state
    streak = state.failing_streak + 1
    if streak < settings.retries:
        return msgspec.structs.replace(state, failing_streak=streak)
    return msgspec.structs.replace(
        state, failing_streak=streak, status=HealthStatus.UNHEALTHY, healthy_ns=0
    )


def _healthy(state: HealthState, probe: ProbeRecord) -> HealthState:
    since = state.healthy_ns or probe.end_ns
    cured = probe.end_ns - since >= CURED_AFTER_NS
    return msgspec.structs.replace(
        state,
        status=HealthStatus.HEALTHY,
        failing_streak=0,
        healthy_ns=since,
        heals=0 if cured else state.heals,
    )


def in_start_period(state: HealthState, settings: ProbeSettings, *, now_ns: int) -> bool:
    """Whether the container may still take its time."""
    return max(now_ns - state.run_ns, 0) < settings.start_period_ns


def next_delay_ns(state: HealthState, settings: ProbeSettings, *, now_ns: int) -> int:
    """From the end of a probe, or from the start of the container, to the next probe."""
    if state.status is HealthStatus.STARTING and in_start_period(state, settings, now_ns=now_ns):
        return settings.start_interval_ns
    return settings.interval_ns


def resume_delay_ns(state: HealthState, settings: ProbeSettings, *, now_ns: int) -> int:
    """The same for an engine that meets a container on which an earlier one kept an eye."""
    ends = [probe.end_ns for probe in state.log if probe.end_ns >= state.run_ns]
    waited = now_ns - max([state.run_ns, *ends])
    delay = next_delay_ns(state, settings, now_ns=now_ns)
    return min(max(delay - waited, 0), delay)


def needs_healing(state: HealthState, settings: ProbeSettings) -> bool:
    """Whether something shall be done about the container's health."""
    return settings.on_unhealthy is not OnUnhealthy.NONE and state.status is HealthStatus.UNHEALTHY


def healing_delay_ns(state: HealthState, *, now_ns: int) -> int:
    """How long to wait before the container is healed (again)."""
    if not state.heals:
        return 0
    pause = pause_ns(state.heals)
    return min(max(state.healed_ns + pause - now_ns, 0), pause)


def pause_ns(heals: int) -> int:
    """The shortest time between a healing and the next, after so many of them."""
    return min(FIRST_PAUSE_NS << min(heals - 1, 20), LONGEST_PAUSE_NS) if heals else 0


def healed(state: HealthState, *, now_ns: int) -> HealthState:
    """The health of a container that is healed now."""
    return msgspec.structs.replace(state, heals=state.heals + 1, healed_ns=now_ns)
