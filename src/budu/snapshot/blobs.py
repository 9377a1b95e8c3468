"""Blobs of images, wherever their bytes are: in the content store, or as the plain tar of a layer.

An uncompressed layer's blob is the plain tar itself, and that is in the layer store already; it is
not kept twice. Everything that reads blobs by their digest (push, save) reads them here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from budu.base.errors import NotFound
from budu.content.store import ContentStore
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest

PIECE_BYTES = 1 << 20


class Blobs:
    """Reads blobs of both stores. Thread-safe."""

    def __init__(self, content: ContentStore, layers: LayerStore) -> None:
        self.content = content
        """Documents and compressed layers."""
        self.layers = layers
        """Plain layers."""

    def has(self, digest: Digest) -> bool:
        """Whether the bytes are here."""
        return self.content.has(digest) or self.layers.has(digest)

    def size(self, digest: Digest) -> int:
        """Bytes of the blob. Raises: NotFound."""
        try:
            return self.content.size(digest)
        except NotFound:
            if not self.layers.has(digest):
                raise
            return self.layers.size(digest)

    def open_fd(self, digest: Digest) -> int:
        """A descriptor, read-only, the caller's to close. Raises: NotFound."""
        try:
            return self.content.open_fd(digest)
        except NotFound:
            if not self.layers.has(digest):
                raise
            return self.layers.open_tar(digest)

    def pieces(self, digest: Digest) -> Iterator[bytes]:
        """The blob's bytes. Raises: NotFound, before the first piece."""
        return read_pieces(self.open_fd(digest))


def read_pieces(fd: int) -> Iterator[bytes]:
    """What a file holds, from its beginning; closes the descriptor."""
    try:
        at = 0
        while piece := os.pread(fd, PIECE_BYTES, at):
            yield piece
            at += len(piece)
    finally:
        os.close(fd)
