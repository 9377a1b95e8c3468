"""What the parts of the container service share: records, locks, waits, and what runs now.

One object per engine. `supervisor` starts containers and buries them, `stopping` ends them,
`removing` takes them away, `service` is the face of all of them; nobody else changes a record but
through `change`. Hold a container's lock around everything that follows from its status.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import msgspec

from budu.base.errors import Conflict
from budu.engine.containers.create import event_attributes
from budu.engine.containers.lifecycle import Event, next_status
from budu.engine.containers.model import Container
from budu.engine.containers.observers import LifeObserver
from budu.engine.containers.repository import ContainerRepository
from budu.engine.containers.start import Running
from budu.engine.containers.waits import Waits
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.locks import Locks


class Lives:
    """The lives of all containers of one engine."""

    def __init__(
        self, database: Database, repository: ContainerRepository, events: EventLog
    ) -> None:
        self.database = database
        self.repository = repository
        self.waits = Waits()
        """Who waits for an end or a removal."""
        self.observers: list[LifeObserver] = []
        """Told of starts, ends and removals, in order."""
        self._events = events
        self._locks = Locks()
        self._running: dict[str, Running] = {}

    def holding(self, id_: str) -> AbstractAsyncContextManager[None]:
        """Wait until nothing else changes the container, and keep it so inside the block."""
        return self._locks.holding(id_)

    def running(self, ref: str) -> tuple[Container, Running]:
        """A container that has processes, and what the engine holds of them.

        Raises: NotFound; Conflict when it does not run.
        """
        container = self.repository.get(ref)
        running = self._running.get(container.id)
        if running is None or not container.is_running:
            raise Conflict(f"container {container.id} is not running")
        return container, running

    def find_running(self, id_: str) -> Running | None:
        """What the engine holds of a container that runs; None when it does not."""
        return self._running.get(id_)

    def begin(self, container: Container, running: Running) -> None:
        """The container runs from now on."""
        self._running[container.id] = running
        for observer in self.observers:
            observer.started(container, running)

    def finish(self, id_: str) -> None:
        """Nothing of it runs any more; its end is recorded next."""
        self._running.pop(id_, None)

    def change(self, id_: str, **fields: object) -> Container:
        """Store new values of fields. The new record."""
        return self.repository.update(msgspec.structs.replace(self.repository.get(id_), **fields))

    def advance(self, container: Container, event: Event, **fields: object) -> Container:
        """Store the status that `event` leads to, with new values of other fields.

        Raises: NotModified, Conflict when the status forbids it.
        """
        return self.change(container.id, status=next_status(container, event), **fields)

    def emit(self, container: Container, action: str, **attributes: str) -> None:
        """Tell that `action` happened, with the attributes that every event of it carries."""
        attributes = event_attributes(container) | attributes
        self._events.emit("container", action, container.id, **attributes)

    def tell(self, kind: str, action: str, **attributes: str) -> None:
        """Tell of something that concerns no single object."""
        self._events.emit(kind, action, "", **attributes)
