"""Where container records live: all of them in memory, each change in the database first.

Lookup is by id, by unambiguous id prefix, or by name. The set in memory is the one the engine
reads (a list of 50 costs no query); the database is what survives it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager

import msgspec

from budu.base.errors import AlreadyExists, InvalidArgument, NotFound
from budu.engine.containers.model import Container
from budu.engine.database import Database

_decoder = msgspec.json.Decoder(Container)
_encoder = msgspec.json.Encoder()


class ContainerRepository:
    """All container records of one engine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_id: dict[str, Container] = {}
        self._id_by_name: dict[str, str] = {}
        self._version = 0
        for (record,) in database.execute("SELECT record FROM containers"):
            self._remember(_decoder.decode(record))

    def _remember(self, container: Container) -> None:
        self._version += 1
        self._by_id[container.id] = container
        self._id_by_name[container.name] = container.id

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._by_id

    @property
    def version(self) -> int:
        """A number that is another one after each change of a record."""
        return self._version

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """What is stored inside, here and elsewhere, is stored together or not at all."""
        return self._database.transaction()

    def all(self) -> Iterable[Container]:
        """Every container, in no order."""
        return tuple(self._by_id.values())

    def name_taken_by(self, name: str) -> str | None:
        """The id of the container that has `name`."""
        return self._id_by_name.get(name)

    def get(self, ref: str) -> Container:
        """The container that `ref` means.

        Raises: NotFound `No such container`, InvalidArgument for an ambiguous prefix.
        """
        found = self._by_id.get(ref) or self._by_name(ref)
        if found is not None:
            return found
        matches = [id_ for id_ in self._by_id if id_.startswith(ref)] if ref else []
        if len(matches) == 1:
            return self._by_id[matches[0]]
        if matches:
            raise InvalidArgument(f"Multiple IDs found with provided prefix: {ref}")
        raise NotFound(f"No such container: {ref}", reference=ref)

    def _by_name(self, ref: str) -> Container | None:
        id_ = self._id_by_name.get(ref.removeprefix("/"))
        return self._by_id[id_] if id_ else None

    def add(self, container: Container) -> None:
        """Store a new record.

        Raises: AlreadyExists with Docker's sentence when the name is taken.
        """
        holder = self._id_by_name.get(container.name)
        if holder is not None:
            raise name_in_use(container.name, holder)
        self._database.execute(
            "INSERT INTO containers (id, name, image_id, record) VALUES (?, ?, ?, ?)",
            (container.id, container.name, container.image_id, _encoder.encode(container)),
        )
        self._remember(container)
        self._database.on_rollback(lambda: self._forget(container))

    def _forget(self, container: Container) -> None:
        self._version += 1
        del self._by_id[container.id]
        del self._id_by_name[container.name]

    def update(self, container: Container) -> Container:
        """Replace the record with the same id; the name may change."""
        old = self._by_id[container.id]
        if old.name != container.name and container.name in self._id_by_name:
            raise name_in_use(container.name, self._id_by_name[container.name])
        self._database.execute(
            "UPDATE containers SET name = ?, record = ? WHERE id = ?",
            (container.name, _encoder.encode(container), container.id),
        )
        self._replace(old, container)
        self._database.on_rollback(lambda: self._replace(container, old))
        return container

    def _replace(self, old: Container, new: Container) -> None:
        if old.name != new.name:
            del self._id_by_name[old.name]
        self._remember(new)

    def remove(self, container: Container) -> None:
        """Forget the container; what `container` tells may be older than the record."""
        latest = self._by_id[container.id]
        self._database.execute("DELETE FROM containers WHERE id = ?", (latest.id,))
        self._forget(latest)
        self._database.on_rollback(lambda: self._remember(latest))


def name_in_use(name: str, holder_id: str) -> AlreadyExists:
    """Docker's sentence for a taken container name."""
    return AlreadyExists(
        f'Conflict. The container name "/{name}" is already in use by container "{holder_id}". '
        "You have to remove (or rename) that container to be able to reuse that name.",
        reference=name,
    )
