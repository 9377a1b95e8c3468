"""What other services may hear of a container's life, while it happens.

Health probes, execs and samples live as long as the container runs. They register once with
`ContainerService.observe` and are told in order; a call must return at once and must not raise.
"""

from __future__ import annotations

from typing import Protocol

from budu.engine.containers.model import Container
from budu.engine.containers.start import Running


class LifeObserver(Protocol):
    """Hears of starts, ends and removals."""

    def started(self, container: Container, running: Running) -> None:
        """The container runs: it was started just now, or found running by a new engine."""

    def ended(self, container: Container) -> None:
        """Its process is gone; the record has the exit code and the new status."""

    def removed(self, container: Container) -> None:
        """The record and everything of the container are gone."""
