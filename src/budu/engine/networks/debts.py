"""What plugins were told and must be told the end of: one row for each network and endpoint.

A row is written before the first call and deleted after the last one, so that an engine that was
killed in between, or a plugin that was down, leaves nothing that nobody remembers.
"""

from __future__ import annotations

import msgspec

from budu.engine.database import Database


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """A network (`endpoint_id` empty) or endpoint of plugins.

    `driver` and `ipam` are plugins' names, empty where none is asked. `pools` are those of a
    network; `addresses` pairs of pool and address.
    """

    network_id: str
    endpoint_id: str = ""
    driver: str = ""
    ipam: str = ""
    pools: tuple[str, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """The row's key."""
        return self.endpoint_id or self.network_id


_decoder = msgspec.json.Decoder(Debt)


class Debts:
    """All debts, in memory and in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        rows = database.execute("SELECT record FROM plugin_debts").fetchall()
        self._found = {debt.id: debt for debt in (_decoder.decode(row) for (row,) in rows)}

    def all(self) -> tuple[Debt, ...]:
        """Every debt."""
        return tuple(self._found.values())

    def get(self, id_: str) -> Debt | None:
        """That of an endpoint or network."""
        return self._found.get(id_)

    def put(self, debt: Debt) -> None:
        """Store a debt, in place of an older one. Raises: ResourceExhausted."""
        self._database.execute(
            "INSERT OR REPLACE INTO plugin_debts (id, record) VALUES (?, ?)",
            (debt.id, msgspec.json.encode(debt)),
        )
        self._found[debt.id] = debt

    def settle_as(self, id_: str, debt: Debt) -> None:
        """One debt becomes another, both or none: its endpoint has its id now."""
        with self._database.transaction():
            self.put(debt)
            self.pay(id_)

    def pay(self, id_: str) -> None:
        """All is told: forget it."""
        self._database.execute("DELETE FROM plugin_debts WHERE id = ?", (id_,))
        self._found.pop(id_, None)
