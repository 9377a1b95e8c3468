"""Events of what a container joins when it starts and leaves when it ends: volumes and networks.

Docker tells them in this order: volume mount, network connect, start … die, network disconnect,
volume unmount. Source: docker system events reference; moby daemon/volumes and network.
"""

from __future__ import annotations

from budu.engine.containers.model import Container, MountKind
from budu.engine.events import EventLog
from budu.engine.networks import NetworkService


class JoinedEvents:
    """Tells of one container at a time."""

    def __init__(self, events: EventLog, networks: NetworkService) -> None:
        self._events = events
        self._networks = networks

    def joined(self, container: Container) -> None:
        """Its volumes are mounted, its networks connected."""
        for mount in container.mounts:
            if mount.kind is MountKind.VOLUME:
                self._events.emit(
                    "volume",
                    "mount",
                    mount.name,
                    container=container.id,
                    destination=mount.destination,
                    driver=mount.driver,
                    propagation=mount.propagation,
                    **{"read/write": "false" if mount.read_only else "true"},
                )
        self._tell_networks(container, "connect")

    def left(self, container: Container) -> None:
        """They are given up again."""
        self._tell_networks(container, "disconnect")
        for mount in container.mounts:
            if mount.kind is MountKind.VOLUME:
                self._events.emit(
                    "volume", "unmount", mount.name, container=container.id, driver=mount.driver
                )

    def _tell_networks(self, container: Container, action: str) -> None:
        for name in container.endpoint_settings:
            self._networks.tell(name, action, container)
