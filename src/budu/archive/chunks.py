"""Chunks of bytes as a stream that sizes are read from."""

from __future__ import annotations

from collections.abc import Iterator


class ChunkStream:
    """Chunks as a binary stream, which `tar.StreamSource` reads from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes, fewer where a chunk ends; none at the end."""
        while self._at == len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._chunk, self._at = chunk, 0
        piece = self._chunk[self._at : self._at + size]
        self._at += len(piece)
        return piece
