"""Leases: blobs that garbage collection must leave alone while somebody works with them.

A pull stores blobs before any record points at them; until then its lease protects them. Leases
live in memory only: after a restart nobody works any more, and what was left is garbage. Partial
blobs are no matter of leases (`DiskContent.discard_partial`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Protocol

from budu.base.errors import NotFound
from budu.spec.digest import Digest


class Collectable(Protocol):
    """As much of a content store as garbage collection needs."""

    def list(self) -> Iterable[Digest]:
        """The blobs to decide about."""

    def size(self, digest: Digest) -> int:
        """The blob's size in bytes. Raises: NotFound."""

    def delete(self, digest: Digest) -> None:
        """Removes the blob. Raises: NotFound."""


class Lease:
    """A set of protected digests; a context manager that ends with its block."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._digests: set[Digest] = set()

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def add(self, *digests: Digest) -> None:
        """Protects more blobs: call it before they are stored."""
        with self._leases._lock:
            self._digests.update(digests)

    def release(self) -> None:
        """Ends the protection; may be called twice."""
        with self._leases._lock:
            self._leases._held.pop(id(self), None)

    @property
    def digests(self) -> frozenset[Digest]:
        """What this lease protects."""
        return frozenset(self._digests)


class Leases:
    """All leases of one store, and its garbage collection. Thread-safe."""

    def __init__(self) -> None:
        self._held: dict[int, Lease] = {}
        self._lock = threading.Lock()

    def hold(self, digests: Iterable[Digest] = ()) -> Lease:
        """A new lease on `digests`, in force at once."""
        lease = Lease(self)
        lease.add(*digests)
        with self._lock:
            self._held[id(lease)] = lease
        return lease

    def collect(
        self, store: Collectable, referenced: Callable[[], Iterable[Digest]]
    ) -> tuple[int, int]:
        """Deletes blobs that are neither referenced nor leased; how many, and their bytes.

        `referenced` is asked after the blobs were listed, so a blob that is stored and gets its
        record meanwhile is never taken for garbage.
        """
        candidates = set(store.list())
        with self._lock:
            for lease in self._held.values():
                candidates -= lease._digests
        candidates -= set(referenced())
        count = size = 0
        for digest in candidates:
            try:
                freed = store.size(digest)
                if self._delete_unleased(store, digest):
                    count, size = count + 1, size + freed
            except NotFound:
                continue
        return count, size

    def _delete_unleased(self, store: Collectable, digest: Digest) -> bool:
        """Deletes under the lock, so a lease taken a moment ago still counts."""
        with self._lock:
            if any(digest in lease._digests for lease in self._held.values()):
                return False
            store.delete(digest)
            return True
