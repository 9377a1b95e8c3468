"""Keeps the names of links right when a container gets another address. Neighbour: `links`."""

from __future__ import annotations

from budu.engine.containers.links import hosts_lines, linked_to
from budu.engine.containers.model import Container
from budu.engine.containers.repository import ContainerRepository
from budu.engine.containers.start import Running
from budu.engine.networks import NetworkService
from budu.engine.paths import EnginePaths


class LinkedHosts:
    """Writes /etc/hosts of those that link to a container which starts. A `LifeObserver`."""

    def __init__(
        self, repository: ContainerRepository, networks: NetworkService, paths: EnginePaths
    ) -> None:
        self._repository = repository
        self._networks = networks
        self._paths = paths

    def started(self, container: Container, running: Running) -> None:
        """Tell those that run and link to it."""
        if not container.linked_as:
            return
        for each in self._repository.all():
            if each.is_running and any(link.container_id == container.id for link in each.links):
                self._write(each)

    def ended(self, container: Container) -> None:
        """Nothing: the names stay until it starts again."""

    def removed(self, container: Container) -> None:
        """Nothing: see `forget_linked`."""

    def _write(self, container: Container) -> None:
        lines = [
            line
            for link, other in linked_to(container, self._repository.get)
            for line in hosts_lines(link, other)
        ]
        files = self._paths.container(container.id)
        self._networks.write_files(container, container.endpoints, files, linked=lines)
