"""Leases: blobs and layers that must stay while somebody works with them; and how others go.

Whoever brings an image in takes a lease first and looks second: what is here then stays, and no
record has to point at it yet. Records are stored before the lease ends. So `free`, which looks at
leases and records in one step, never takes what somebody counts on. Leases live in memory only:
after a restart nobody works any more, and what was left is garbage. Partial blobs are no matter of
leases (`DiskContent.discard_partial`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType

from budu.base.errors import NotFound
from budu.spec.digest import Digest

Delete = Callable[[Digest], None]
"""Removes what has the digest. Raises: NotFound when there is nothing."""


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
        """Protects more: call it before looking whether they are here. Waits for the end of a
        deletion of one of them that has begun."""
        with self._leases._changed:
            self._leases._changed.wait_for(lambda: self._leases._going.isdisjoint(digests))
            self._digests.update(digests)

    def release(self) -> None:
        """Ends the protection; may be called twice."""
        with self._leases._changed:
            self._leases._held.pop(id(self), None)

    @property
    def digests(self) -> frozenset[Digest]:
        """What this lease protects."""
        return frozenset(self._digests)


class Leases:
    """All leases of one engine. Thread-safe."""

    def __init__(self) -> None:
        self._held: dict[int, Lease] = {}
        self._going: set[Digest] = set()
        self._changed = threading.Condition()

    def hold(self, digests: Iterable[Digest] = ()) -> Lease:
        """A new lease on `digests`, in force at once."""
        lease = Lease(self)
        with self._changed:
            self._held[id(lease)] = lease
        lease.add(*digests)
        return lease

    def protected(self, *, besides: Lease | None = None) -> frozenset[Digest]:
        """What all leases protect, or all but one."""
        with self._changed:
            return self._protected(besides)

    def _protected(self, besides: Lease | None) -> frozenset[Digest]:
        held = [each._digests for each in self._held.values() if each is not besides]
        return frozenset().union(*held)

    def free(
        self,
        digests: Iterable[Digest],
        delete: Delete,
        *,
        unnamed: Callable[[set[Digest]], set[Digest]],
        besides: Lease | None = None,
    ) -> list[Digest]:
        """Deletes what is neither leased (a lease `besides` does not count) nor named by a record.

        `unnamed` says which of a set no record names; it is asked while nobody can take a lease,
        and must not block. The deletions follow outside the lock; a lease on one of them waits.
        Returns what was deleted.
        """
        with self._changed:
            going = unnamed(set(digests) - self._protected(besides) - self._going)
            self._going |= going
        gone = []
        try:
            for digest in sorted(going):
                try:
                    delete(digest)
                except NotFound:
                    continue
                gone.append(digest)
        finally:
            with self._changed:
                self._going -= going
                self._changed.notify_all()
        return gone
