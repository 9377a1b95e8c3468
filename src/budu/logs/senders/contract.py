"""What a log server is to the engine.

A sender is made and connected when a container starts, or made when an engine finds one, and then
connects when it first has something to send. It is closed when the container has ended and
everything is delivered.
"""

from __future__ import annotations

from typing import Protocol

from budu.logs.entries import Entry


class Sender(Protocol):
    """One container's connection to one log server."""

    async def connect(self) -> None:
        """Reach the server before the container runs, where Docker does so.

        Raises: Internal in Docker's words when it cannot be reached.
        """

    async def send(self, entries: list[Entry]) -> None:
        """Deliver entries, in order. After a failure the same entries are sent again.

        Raises: OSError when the server cannot be reached or does not take them.
        """

    async def close(self) -> None:
        """Give the connection back."""
