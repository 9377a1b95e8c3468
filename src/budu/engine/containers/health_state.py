"""What the engine remembers of a container's health: values only.

Part of the container's record, so that it survives the engine. Neighbours: `health_rules` says how
it changes, `health` changes it, `api.views.health` shows it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

LOG_LENGTH = 5
"""How many probes are remembered, as in Docker."""


class HealthStatus(StrEnum):
    """Docker's health statuses; `none` is a container without a probe."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class ProbeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a probe. Times are unix nanoseconds; exit code -1 for one that did not end."""

    start_ns: int
    end_ns: int
    exit_code: int
    output: str = ""


class HealthState(msgspec.Struct, frozen=True, kw_only=True):
    """The health of one life of a container. Times are unix nanoseconds, 0 for never."""

    run_ns: int
    """When that life began: the container's `started_ns`."""
    status: HealthStatus = HealthStatus.STARTING
    failing_streak: int = 0
    """Failures in a row that count."""
    log: tuple[ProbeRecord, ...] = ()
    """The last probes, oldest first."""
    healthy_ns: int = 0
    """Since when it is healthy without a break."""
    heals: int = 0
    """How often it was healed since it last was healthy for long; survives restarts."""
    healed_ns: int = 0
    """When it was last healed."""
