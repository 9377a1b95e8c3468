"""Where network records live: in memory, each change in the database first.

The predefined networks are not stored; the service adds them at its start.
"""

from __future__ import annotations

import msgspec

from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.engine.database import Database
from budu.engine.networks.model import NetworkRecord

Records = list[NetworkRecord]

_decoder = msgspec.json.Decoder(NetworkRecord)
_encoder = msgspec.json.Encoder()


class NetworkRepository:
    """All network records of one engine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_id: dict[str, NetworkRecord] = {}
        self._by_name: dict[str, NetworkRecord] = {}
        for (record,) in database.execute("SELECT record FROM networks"):
            self.remember(_decoder.decode(record))

    def remember(self, record: NetworkRecord) -> None:
        """Know a network without storing it."""
        self._by_id[record.id] = record
        self._by_name[record.name] = record

    def all(self) -> Records:
        """Every network, by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def named(self, name: str) -> NetworkRecord | None:
        """The network with exactly this name."""
        return self._by_name.get(name)

    def get(self, ref: str) -> NetworkRecord:
        """The network that `ref` means: an id, a name, or an unambiguous prefix of an id.

        Raises: NotFound, InvalidArgument for an ambiguous prefix.
        """
        found = self._by_id.get(ref) or self._by_name.get(ref)
        if found is not None:
            return found
        matches = [each for id_, each in self._by_id.items() if ref and id_.startswith(ref)]
        if len(matches) > 1:
            raise InvalidArgument(
                f"network {ref} is ambiguous ({len(matches)} matches found based on ID prefix)"
            )
        if not matches:
            raise network_missing(ref, known=", ".join(each.name for each in self.all()))
        return matches[0]

    def add(self, record: NetworkRecord) -> None:
        """Store a new network."""
        self._database.execute(
            "INSERT INTO networks (id, name, record) VALUES (?, ?, ?)",
            (record.id, record.name, _encoder.encode(record)),
        )
        self.remember(record)
        self._database.on_rollback(lambda: self._forget(record))

    def remove(self, record: NetworkRecord) -> None:
        """Forget a network."""
        self._database.execute("DELETE FROM networks WHERE id = ?", (record.id,))
        self._forget(record)
        self._database.on_rollback(lambda: self.remember(record))

    def _forget(self, record: NetworkRecord) -> None:
        self._by_id.pop(record.id, None)
        self._by_name.pop(record.name, None)


def network_missing(ref: str, *, known: str) -> NotFound:
    """Docker's sentence for a network that is not there."""
    return NotFound(
        f"network {ref} not found",
        reference=ref,
        hint=Hint("engine.network-missing", known=known),
    )
