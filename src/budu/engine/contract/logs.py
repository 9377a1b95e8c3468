"""Logs beyond reading them: see `engine.logs`."""

from __future__ import annotations

from typing import Protocol


class Logs(Protocol):
    """What may be done to a container's log."""

    def clear(self, ref: str) -> None:
        """Forget what the container has written; it may go on writing. Raises: NotFound."""
