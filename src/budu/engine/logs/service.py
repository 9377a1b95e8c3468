"""Logs of all containers beyond their files: passed on, kept small, emptied.

Hears of starts and ends as a `LifeObserver`: a container whose driver forwards has a `Forwarder`
while it runs, and after its end until everything is delivered.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable

from budu.base.errors import BuduError, NotFound
from budu.engine.containers.model import Container
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import Running
from budu.engine.logs.forwarding import Forwarder
from budu.engine.logs.servers import LogServers
from budu.engine.paths import EnginePaths
from budu.logs import files
from budu.logs.reader import LogReader
from budu.logs.watch import Watch

log = logging.getLogger(__name__)


class LogService:
    """The logs of one engine. Implements `LifeObserver` and `engine.contract.Logs`."""

    def __init__(
        self,
        containers: ContainerService,
        paths: EnginePaths,
        watch: Watch,
        *,
        servers: LogServers,
        all_containers: Callable[[], Iterable[Container]],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._containers = containers
        self._paths = paths
        self._watch = watch
        self._servers = servers
        self._all = all_containers
        self._tasks = tasks
        self._forwarders: dict[str, tuple[Forwarder, asyncio.Task[None]]] = {}
        self._again: set[str] = set()
        self._is_closed = False

    def open(self) -> None:
        """Deliver what ended containers still have, after the running ones were found."""
        for container in self._all():
            if not container.is_running and container.started_ns:
                self._forward(container)
                self.ended(container)

    async def close(self) -> None:
        """Stop; the next engine goes on."""
        self._is_closed = True
        tasks = [task for _, task in self._forwarders.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def started(self, container: Container, running: Running) -> None:
        """Pass its output on from now on."""
        self._forward(container)

    def ended(self, container: Container) -> None:
        """Deliver the rest."""
        pair = self._forwarders.get(container.id)
        if pair is not None:
            pair[0].end()

    def removed(self, container: Container) -> None:
        """Deliver the rest, but not for ever."""
        pair = self._forwarders.get(container.id)
        if pair is not None:
            pair[0].remove()

    def clear(self, ref: str) -> None:
        """Forget what a container has written; it may go on writing. Raises: NotFound."""
        container = self._containers.get(ref)
        paths = self._paths.container(container.id)
        files.clear(str(paths.log_dir))
        for path in paths.root.glob(f"{paths.json_log.name}.*"):
            path.unlink(missing_ok=True)
        if paths.json_log.exists():
            os.truncate(paths.json_log, 0)
        self._containers.emit(container, "clear-logs")

    def _forward(self, container: Container) -> None:
        if self._is_closed:
            return
        if container.id in self._forwarders:
            self._again.add(container.id)  # its last life is still being delivered
            return
        paths = self._paths.container(container.id)
        try:
            sink = self._servers.take(container)
        except BuduError as error:
            log.warning("log not passed on container=%s error=%s", container.id, error.message)
            return
        if sink is None:
            return
        reader = LogReader(str(paths.log_dir), self._watch)
        forwarder = Forwarder(container.id, reader, sink, paths.log_state)
        name = f"forward-{container.short_id}"
        task = self._tasks.create_task(self._run(container.id, forwarder), name=name)
        self._forwarders[container.id] = forwarder, task

    async def _run(self, id_: str, forwarder: Forwarder) -> None:
        """The edge of a task: nothing may end the engine."""
        try:
            await forwarder.run()
        except Exception:
            log.exception("log not passed on any more container=%s", id_)
        del self._forwarders[id_]
        if id_ in self._again:
            self._again.discard(id_)
            self._go_on(id_)

    def _go_on(self, id_: str) -> None:
        """Pass on what a later life has written meanwhile."""
        try:
            container = self._containers.get(id_)
        except NotFound:
            return
        self._forward(container)
        if not container.is_running:
            self.ended(container)
