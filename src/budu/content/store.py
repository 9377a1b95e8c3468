"""The contract of a content store.

Life of a blob: `ingest` opens a partial blob, new or kept from an earlier attempt; `write` adds
bytes at `offset`; `commit` verifies the digest and makes the blob visible, whole, at once. `close`
keeps the partial blob for the next attempt, also of another process; `abort` throws it away. A
digest that does not fit throws the partial blob away too, since it can never become right. Small
documents that are in memory anyway go in by `write_blob`. A blob never changes; `delete` removes
it, and who has it open may read on.

What stays after a power failure: see `content.disk`. Every method may be called from any thread;
one `Ingest` belongs to one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from budu.spec.digest import Digest


class Ingest(Protocol):
    """A blob that is coming in."""

    @property
    def digest(self) -> Digest:
        """The digest that the blob will have."""

    @property
    def offset(self) -> int:
        """Bytes that are there: the next one to write, and to ask the registry for."""

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Adds bytes at `offset`. Raises: ResourceExhausted when the disk is full."""

    def read_back(self) -> Iterator[bytes]:
        """The bytes that are there at the time of the call, in pieces; `write` may go on."""

    def verify(self) -> None:
        """Checks the bytes against the digest.

        Raises: DataLoss when they do not fit; the partial blob is gone then.
        """

    def commit(self) -> None:
        """Verifies and makes the blob visible. Raises: as `verify`."""

    def close(self) -> None:
        """Ends this attempt and keeps the bytes; nothing after `commit` or `abort`."""

    def abort(self) -> None:
        """Ends this attempt and throws the bytes away."""


class ContentStore(Protocol):
    """Blobs by digest."""

    def has(self, digest: Digest) -> bool:
        """Whether the blob is there."""

    def size(self, digest: Digest) -> int:
        """The blob's size in bytes. Raises: NotFound."""

    def open_fd(self, digest: Digest) -> int:
        """A descriptor, read-only, at the start, the caller's to close. Raises: NotFound."""

    def read_blob(self, digest: Digest) -> bytes:
        """The whole blob, verified; for documents, not for layers.

        Raises: NotFound; DataLoss when the bytes no longer fit the digest.
        """

    def write_blob(self, digest: Digest, data: bytes) -> None:
        """Stores a small document; nothing happens when it is there. Raises: DataLoss."""

    def ingest(self, digest: Digest) -> Ingest:
        """Opens a partial blob, with what an earlier attempt kept.

        Raises: Conflict while another ingest of the digest is open.
        """

    def stage(self, digest: Digest) -> Ingest:
        """Opens an empty partial blob of the caller's own: any number of them at a time, whatever
        else brings the digest in. `close` throws it away."""

    def delete(self, digest: Digest) -> None:
        """Removes the blob. Raises: NotFound."""

    def list(self) -> Iterator[Digest]:
        """Every blob, in no particular order."""
