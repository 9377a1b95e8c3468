"""Running one health probe: what it is and what comes of it.

`health` decides when; here it is done. `probe_exec` runs a program in the container, `probe_net`
connects into it. A probe that takes too long is ended by whoever runs it, and tells so in Docker's
words.
Source: moby 28.3 daemon/health.go (cmdProbe, limitedBuffer).
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from budu.base.units import format_duration
from budu.engine.containers.health_config import ProbeKind, ProbeSettings
from budu.engine.containers.model import Container
from budu.engine.containers.start import Running

MAX_OUTPUT = 4096
"""Bytes of a probe's output that are kept."""
FAILED = 1
"""Exit code of a connection that failed."""
NO_EXIT_CODE = -1
"""Exit code of a probe that did not come to an end."""


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a probe ended; 0 is healthy."""

    exit_code: int
    output: str = ""


class ProbeRunner(Protocol):
    """One way to find out about health."""

    async def run(
        self, container: Container, running: Running, settings: ProbeSettings
    ) -> ProbeResult:
        """Run the probe once, for at most `settings.timeout_ns`. Cancelling ends the probe.

        Raises: BuduError when it could not be run at all.
        """


class Prober:
    """The right runner for each kind of probe."""

    def __init__(self, programs: ProbeRunner, connections: ProbeRunner) -> None:
        self._programs = programs
        self._connections = connections

    async def run(
        self, container: Container, running: Running, settings: ProbeSettings
    ) -> ProbeResult:
        """Run the probe that `settings` names. Raises: BuduError."""
        runner = self._programs if settings.kind is ProbeKind.EXEC else self._connections
        return await runner.run(container, running, settings)


def timed_out(settings: ProbeSettings, output: str) -> ProbeResult:
    """Docker's words for a probe that took too long."""
    text = f"Health check exceeded timeout ({format_duration(settings.timeout_ns)})"
    return ProbeResult(exit_code=NO_EXIT_CODE, output=f"{text}: {output}" if output else text)


def shortened(output: bytes) -> str:
    """The text of a probe's output, cut as Docker cuts it."""
    text = output[:MAX_OUTPUT].decode(errors="replace")
    return text + "..." if len(output) > MAX_OUTPUT else text
