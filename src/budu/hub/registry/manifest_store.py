"""Reading manifests, with a small memory for their bytes, which never change.

What a tag names and whether a repository has a manifest is asked of the database each time
(`Database.recall`); only the bytes of a digest that it has are taken from memory.
"""

from __future__ import annotations

from collections import OrderedDict

from budu.hub.database import Database
from budu.hub.registry import manifest_rows
from budu.hub.registry.manifest_rows import Found, Stored

MEMORY_BYTES = 32 << 20
"""Of manifests, in one process."""


class ManifestStore:
    """The manifests of a hub, as one process reads them."""

    def __init__(self, database: Database, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._database = database
        self._room = memory_bytes
        self._payloads: OrderedDict[str, bytes] = OrderedDict()
        self._used = 0

    async def find(self, repository: int, reference: str) -> Stored | None:
        """By digest or tag."""
        found = await self._database.recall(
            ("manifest", repository, reference),
            lambda c: manifest_rows.find(c, repository, reference),
        )
        return await self._whole(repository, found) if found is not None else None

    async def _whole(self, repository: int, found: Found) -> Stored | None:
        payload = self._payloads.get(found.digest)
        if payload is None:
            payload = await self._database.read(
                lambda c: manifest_rows.payload(c, repository, found.digest)
            )
            if payload is None:
                return None
            self._remember(found.digest, payload)
        else:
            self._payloads.move_to_end(found.digest)
        return Stored(found.digest, found.media_type, payload)

    def _remember(self, digest: str, payload: bytes) -> None:
        if digest in self._payloads or len(payload) > self._room:
            return
        self._payloads[digest] = payload
        self._used += len(payload)
        while self._used > self._room:
            self._used -= len(self._payloads.popitem(last=False)[1])
