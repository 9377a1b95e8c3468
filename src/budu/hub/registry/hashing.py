"""A hash that knows how much it was fed."""

from __future__ import annotations

import hashlib


class CountedHash:
    """A sha256 that knows of how many bytes it is."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """See `contract.Hash`."""
        self._hash.update(data)
        self.size += len(data)

    def hexdigest(self) -> str:
        """Of everything so far."""
        return self._hash.hexdigest()
