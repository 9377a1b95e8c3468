"""Compressed blobs of layers that were made here: for the manifest, for push and save.

The packing depends on the tar and its way alone, so one layer gives one blob. Blocking.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from isal import isal_zlib

from budu.archive.faults import os_errors
from budu.content.leases import Lease
from budu.content.store import ContentStore
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest
from budu.spec.image import MEDIA_OCI_LAYER_GZIP, Descriptor

_FAST_LEVEL, _SMALL_LEVEL = 2, 6
_GZIP_WINDOW = 31  # a gzip frame: <zlib.h>, deflateInit2
_PIECE_BYTES = 1 << 20


class Packing(StrEnum):
    """How layers are packed."""

    FAST = "fast"
    """A few hundred megabytes a second: for images that stay near."""
    SMALL = "small"
    """A tenth smaller and ten times slower: for images that are built once and pulled often."""


def pack_layer(
    diff_id: Digest,
    layers: LayerStore,
    content: ContentStore,
    *,
    folder: Path,
    lease: Lease,
    packing: Packing = Packing.FAST,
) -> Descriptor:
    """Packs a layer with gzip into the content store, and puts the blob under `lease`.

    The digest is known only at the end, so the bytes wait in a nameless file in `folder`.
    Raises: NotFound; ResourceExhausted.
    """
    with os_errors(f"open {folder}"), tempfile.TemporaryFile(dir=folder) as packed:
        digest, size = _pack(layers.open_tar(diff_id), packed.fileno(), packing)
        lease.add(digest)
        if not content.has(digest) or content.size(digest) != size:
            _store(packed.fileno(), digest, content)
            _sync(digest, content)
    return Descriptor(media_type=MEDIA_OCI_LAYER_GZIP, digest=str(digest), size=size)


def _pack(tar: int, packed: int, packing: Packing) -> tuple[Digest, int]:
    """Packs from one descriptor, which is closed, into another; digest and size."""
    hashed, size = hashlib.sha256(), 0
    try:
        for piece in _gzip(_pieces(tar), packing):
            hashed.update(piece)
            size += len(piece)
            view = memoryview(piece)
            while view:
                view = view[os.write(packed, view) :]
    finally:
        os.close(tar)
    return Digest.from_hex(hashed.hexdigest()), size


def _gzip(pieces: Iterator[bytes], packing: Packing) -> Iterator[bytes]:
    packer = (
        isal_zlib.compressobj(_FAST_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)
        if packing is Packing.FAST
        else zlib.compressobj(_SMALL_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    )
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _store(packed: int, digest: Digest, content: ContentStore) -> None:
    ingest = content.stage(digest)
    try:
        for piece in _pieces(packed):
            ingest.write(piece)
        ingest.commit()
    finally:
        ingest.close()


def _sync(digest: Digest, content: ContentStore) -> None:
    """Writes the blob to the disk itself: no registry has it, as one has those that are pulled."""
    fd = content.open_fd(digest)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _pieces(fd: int) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(fd, _PIECE_BYTES, at):
        yield piece
        at += len(piece)
