"""Changing a container's limits while it lives. See `engine.containers.update`."""

from __future__ import annotations

from typing import Protocol

from budu.spec.api.host_config import UpdateBody

Warnings = tuple[str, ...]


class Updates(Protocol):
    """Limits and restart policies of containers that exist."""

    async def update(self, ref: str, body: UpdateBody) -> Warnings:
        """Store what `body` gives, and set it at once when the container runs; what it leaves
        empty stays. Docker's warnings about limits that this host does not have.

        Raises: NotFound; InvalidArgument for a value; Conflict for one that does not go with what
        the container has; Internal for what the kernel refuses. Nothing is changed then.
        """
