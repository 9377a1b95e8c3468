"""Tells at once when the kernel killed a process of a container for want of memory.

Process 1 often lives on when only a child was killed; without this nobody would hear of it. Marks
the record and emits `oom`, once a life, as Docker does.
"""

from __future__ import annotations

import asyncio
import logging

from budu.engine.containers.model import Container
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import Running
from budu.runtime.cgroups.contract import Cgroup, OomWatch

_RECHECKS = 20
_RECHECK_S = 0.05
"""Version 1 tells before it counts: the counter is asked again for a second."""

log = logging.getLogger(__name__)


class MemoryKills:
    """One watch per running container, until its first kill. A `LifeObserver`."""

    def __init__(self, containers: ContainerService) -> None:
        self._containers = containers
        self._watches: dict[str, OomWatch] = {}

    def started(self, container: Container, running: Running) -> None:
        """Begin to listen; what was killed before that is told now."""
        watch = None if container.oom_killed else running.cgroup.watch_oom()
        if watch is None:
            return
        self._watches[container.id] = watch
        loop = asyncio.get_running_loop()
        loop.add_reader(watch.fileno(), self._heard, container.id, running.cgroup)
        self._look(container.id, running.cgroup, 0)

    def ended(self, container: Container) -> None:
        """Stop listening."""
        watch = self._watches.pop(container.id, None)
        if watch is not None:
            asyncio.get_running_loop().remove_reader(watch.fileno())
            watch.close()

    removed = ended

    def close(self) -> None:
        """Stop listening to all; containers live on."""
        for id_ in tuple(self._watches):
            watch = self._watches.pop(id_)
            asyncio.get_running_loop().remove_reader(watch.fileno())
            watch.close()

    def _heard(self, id_: str, cgroup: Cgroup) -> None:
        watch = self._watches.get(id_)
        if watch is not None:
            watch.clear()
            self._look(id_, cgroup, _RECHECKS)

    def _look(self, id_: str, cgroup: Cgroup, left: int) -> None:
        if id_ not in self._watches:
            return
        if cgroup.oom_kills():
            self._tell(id_)
        elif left:
            loop = asyncio.get_running_loop()
            loop.call_later(_RECHECK_S, self._look, id_, cgroup, left - 1)

    def _tell(self, id_: str) -> None:
        container = self._containers.change(id_, oom_killed=True)
        self._containers.emit(container, "oom")
        log.info("a process was killed for memory container=%s", id_)
        self.ended(container)
