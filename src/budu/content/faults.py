"""Errors that every content store raises in the same words."""

from __future__ import annotations

from budu.base.errors import Conflict, DataLoss, Hint, NotFound
from budu.spec.digest import Digest


def not_found(digest: Digest) -> NotFound:
    """There is no such blob; containerd's sentence."""
    return NotFound(f"content digest {digest}: not found", reference=digest)


def does_not_fit(digest: Digest, found: str) -> DataLoss:
    """The bytes have another digest; Docker's sentence for a layer."""
    return DataLoss(
        f"filesystem layer verification failed for digest {digest}",
        hint=Hint("content.digest-mismatch", expected=digest, found=found),
        reference=digest,
    )


def is_locked(digest: Digest) -> Conflict:
    """Another ingest of the blob is open."""
    return Conflict(f"content digest {digest}: already being written", reference=digest)
