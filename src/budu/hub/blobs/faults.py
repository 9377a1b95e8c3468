"""Errors that every blob store raises in the same words."""

from __future__ import annotations

from budu.base.errors import InvalidArgument, NotFound
from budu.spec.digest import Digest


def no_blob(digest: Digest) -> NotFound:
    """There is no such blob."""
    return NotFound("blob unknown to registry", reference=digest)


def no_upload(upload: str) -> NotFound:
    """There is no such upload, or its name is none."""
    return NotFound("blob upload unknown to registry", reference=upload[:64])


def wrong_offset(offset: int, size: int) -> InvalidArgument:
    """An append that does not begin where the upload ends."""
    return InvalidArgument(f"the upload has {size} bytes, the chunk begins at {offset}")
