"""The contract of a layer store.

A layer is one immutable step of a root file system, named by its diff id, the digest of its plain
tar. Life of a layer: `begin` opens a writer; `write` takes the tar as it comes, and the layer is
built at the same time; `commit` verifies the diff id and makes the layer visible, whole, at once;
`abort` leaves no trace. Two writers of one layer may run: the second to commit finds it there, and
both return the same layer. `lower` mounts or opens a layer once and keeps it so for all containers;
the store owns that descriptor. `remove` makes the layer invisible and drops that descriptor;
containers that stand on it keep what they have. The bytes are freed by `sweep`, which may take long
and is for the background.

`flush` makes committed layers survive a power failure; until then the next opening verifies them
and drops what is damaged. A killed process loses nothing in either case. Methods are thread-safe;
one writer belongs to one thread at a time. The order of a stack is always lowest first.

Trees. Both implementations make the same tree of the same tar, by the rules of `archive.paths` and
`archive.extract`: names cannot leave the root, members below a symbolic link land where it leads
within the layer, the last member of a name wins, whiteouts become overlay's. A hard link whose
target is not in the same layer is an error, since a layer is built without knowing what it will
stand on; Docker refuses those too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from budu.spec.digest import Digest


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A committed layer. `size` is that of its plain tar, in bytes."""

    diff_id: Digest
    size: int


class LayerWriter(Protocol):
    """A layer that is coming in."""

    def write(self, data: bytes) -> None:
        """Takes the next bytes of the plain tar. Raises: ResourceExhausted when the disk is full.

        Faults of the tar itself wait for `commit`, so that a wrong digest is named first.
        """

    def commit(self, expected: Digest | None = None) -> Layer:
        """Makes the layer visible. `expected` defaults to what `begin` was told.

        Raises: DataLoss when the diff id is another one or the tar is truncated; InvalidArgument
        when the tar is broken or hostile. The writer is at its end either way.
        """

    def abort(self) -> None:
        """Ends the writer without a trace; nothing after `commit`."""


class LayerStore(Protocol):
    """Layers by diff id."""

    def has(self, diff_id: Digest) -> bool:
        """Whether the layer is there."""

    def size(self, diff_id: Digest) -> int:
        """Bytes of the layer's plain tar. Raises: NotFound."""

    def begin(self, diff_id: Digest | None, *, replaces: bool = False) -> LayerWriter:
        """Opens a writer for a layer that may not be known yet (None: commit, import).

        When the layer is there at `commit`, that one stays; with `replaces` it gives way, and
        containers that run on it keep it.
        """

    def check(self, diff_id: Digest) -> bool:
        """Whether the layer is sound: its tar, and what was made of it. Reads everything.

        Raises: NotFound.
        """

    def remove(self, diff_id: Digest) -> None:
        """Takes the layer away. Raises: NotFound."""

    def list(self) -> Iterator[Digest]:
        """Every layer, in no particular order."""

    def lower(self, diff_id: Digest) -> int:
        """A descriptor of the layer's root for overlay's lower; the store's, valid until `remove`.

        Raises: NotFound; Internal when the kernel does not mount it.
        """

    def open_tar(self, diff_id: Digest) -> int:
        """A descriptor of the exact plain tar, read-only, the caller's. Raises: NotFound."""

    def flush(self) -> int:
        """Writes committed layers to the disk itself; how many were not yet. Blocks."""

    def sweep(self) -> int:
        """Frees what was removed; how many things. Blocks, and may take long."""

    def close(self) -> None:
        """Drops all descriptors; containers that run keep theirs."""
