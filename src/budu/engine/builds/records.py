"""Records of the build cache: in memory, each change in the database first.

A record says that a step with this key was done, and which image it made; for a folder that
`RUN --mount=type=cache` keeps, only that it is there. Whoever loses the image has lost the step.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from budu.engine.database import Database


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One step, or one kept folder. Times in unix nanoseconds."""

    key: str
    image_id: str = ""
    """Empty for a folder."""
    layers: tuple[str, ...] = ()
    """Diff ids of what it added to the step below."""
    parent: str = ""
    """The key of the step below; empty for the first one of a stage."""
    description: str = ""
    created_ns: int = 0
    last_used_ns: int = 0
    usage_count: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether it is what a cache mount keeps."""
        return not self.image_id


_decoder = msgspec.json.Decoder(StepRecord)


class StepRecords:
    """All records of one engine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_key = {
            key: _decoder.decode(record)
            for key, record in database.execute("SELECT key, record FROM build_steps")
        }

    def all(self) -> tuple[StepRecord, ...]:
        """Every record, in no order."""
        return tuple(self._by_key.values())

    def get(self, key: str) -> StepRecord | None:
        """The record of that key."""
        return self._by_key.get(key)

    def has_image(self, image_id: str) -> bool:
        """Whether a step made that image."""
        return any(each.image_id == image_id for each in self._by_key.values())

    def put(self, *records: StepRecord) -> None:
        """Store records, new or changed, together."""
        with self._database.transaction():
            for each in records:
                self._database.execute(
                    "INSERT INTO build_steps (key, record) VALUES (?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET record = excluded.record",
                    (each.key, msgspec.json.encode(each)),
                )
        self._by_key |= {each.key: each for each in records}

    def remove(self, keys: Iterable[str]) -> None:
        """Forget records; those that are not there are no fault."""
        gone = [key for key in keys if key in self._by_key]
        with self._database.transaction():
            for key in gone:
                self._database.execute("DELETE FROM build_steps WHERE key = ?", (key,))
        for key in gone:
            del self._by_key[key]
