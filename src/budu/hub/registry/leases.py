"""Holding the lease of an upload while bytes come."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from budu.base.errors import BuduError, NotFound
from budu.hub.blobs.contract import BlobStore
from budu.hub.registry import upload_rows
from budu.hub.registry.context import Context
from budu.hub.registry.errors import UploadBusy, UploadUnknown
from budu.hub.registry.upload_rows import LEASE_S

_PATIENCE_S = LEASE_S + 5.0
_PAUSE_S = 0.1


@dataclass
class Held:
    """An upload that this request alone appends to."""

    upload: str
    size: int
    """What the store has."""
    sha256: str | None
    """Of all of it; None: not known."""
    is_done: bool = False
    """Set by who removed the row; there is nothing to give back then."""


def unknown(upload: str) -> UploadUnknown:
    """There is no such upload here."""
    return UploadUnknown("blob upload unknown to registry", reference=upload[:64])


@asynccontextmanager
async def held(context: Context, upload: str, repository: int) -> AsyncIterator[Held]:
    """The upload for this block alone; what the block knows of it is written at its end.

    Raises: UploadUnknown; UploadBusy when another request goes on appending.
    """
    writer = secrets.token_hex(16)
    row = await _taken(context, upload, repository, writer)
    renewing = asyncio.create_task(_renewed(context, upload, writer), name=f"lease {upload}")
    lease: Held | None = None
    try:
        size = await stored_size(context.blobs, upload)
        lease = Held(upload, size, row.sha256 if row.size_bytes == size else None)
        yield lease
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
        if lease is None or not lease.is_done:
            await asyncio.shield(_given_back(context, upload, writer, lease))


async def stored_size(blobs: BlobStore, upload: str) -> int:
    """Raises: UploadUnknown."""
    try:
        return await blobs.upload_size(upload)
    except NotFound:
        raise unknown(upload) from None


async def _taken(
    context: Context, upload: str, repository: int, writer: str
) -> upload_rows.UploadRow:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while True:
        row = await context.database.read(lambda c: upload_rows.find(c, upload, repository))
        if row is None:
            raise unknown(upload)
        if await _leased(context, upload, writer):
            return row
        if loop.time() > deadline:
            raise UploadBusy("another request appends to this upload", reference=upload)
        await asyncio.sleep(_PAUSE_S)


async def _renewed(context: Context, upload: str, writer: str) -> None:
    """Keeps the lease. While the database is away it is not renewed and may be lost."""
    while True:
        await asyncio.sleep(LEASE_S / 4)
        with suppress(BuduError):  # logged by whoever needs an answer
            await _leased(context, upload, writer)


async def _leased(context: Context, upload: str, writer: str) -> bool:
    now = context.now()
    return await context.database.write(lambda c: upload_rows.lease(c, upload, writer, now))


async def _given_back(context: Context, upload: str, writer: str, lease: Held | None) -> None:
    now = context.now()
    size, sha256 = (lease.size, lease.sha256) if lease else (0, None)
    await context.database.write(
        lambda c: upload_rows.release(c, upload, writer, size, sha256, now)
    )
