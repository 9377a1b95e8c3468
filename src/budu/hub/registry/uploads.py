"""Pushing blobs: whole, in chunks, taken up again, or mounted from another repository.

The bytes are hashed while they come in where they all come with one request; an upload in several
chunks is hashed once more at its end. A blob's row is touched before its bytes get their place, so
that the sweep can't take what is about to be linked; see `blob_rows`.

Source: OCI distribution-spec 1.1, "Pushing blobs", "Mounting a blob from another repository".
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.http_exceptions import TransferEncodingError
from sqlalchemy import Connection

from budu.base.errors import BuduError, PermissionDenied, Unavailable
from budu.hub.access import Role
from budu.hub.registry import blob_rows, upload_rows
from budu.hub.registry.context import Call, Context, empty
from budu.hub.registry.contract import Repository
from budu.hub.registry.errors import DigestInvalid, RangeInvalid, SizeInvalid
from budu.hub.registry.hashing import CountedHash
from budu.hub.registry.leases import Held, held, stored_size, unknown
from budu.hub.registry.paths import read_digest, repository_name
from budu.hub.registry.touching import touched
from budu.spec.digest import Digest

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/[\d*]+)?\Z")


async def writable(call: Call) -> Repository:
    """The repository, for a push. Raises as `Guard.require`."""
    repository = await call.require(Role.WRITER)
    if repository.upstream is not None:
        raise PermissionDenied(f"{repository.name} is a copy of {repository.upstream.url}")
    return repository


async def start_upload(call: Call) -> web.StreamResponse:
    """POST: a new upload, the whole blob at once, or a mount."""
    repository = await writable(call)
    query = call.request.query
    if "mount" in query and await _mounted(call, repository, read_digest(query["mount"])):
        return _created(call, read_digest(query["mount"]))
    digest = read_digest(query["digest"]) if "digest" in query else None
    upload = await _begun(call.context, repository)
    if digest is None:
        return _accepted(call, upload, 0)
    async with held(call.context, upload, repository.id) as lease:
        await _append(call, lease)
        await _finish(call.context, repository, lease, digest)
    return _created(call, digest)


async def _begun(context: Context, repository: Repository) -> str:
    upload = await context.blobs.begin()
    now = context.now()
    await context.database.write(lambda c: upload_rows.add(c, upload, repository.id, now))
    return upload


async def _mounted(call: Call, target: Repository, digest: Digest) -> bool:
    """Whether the blob could be shown here because the asker may read it there."""
    context = call.context
    try:
        name = repository_name(call.request.query.get("from", ""))
        source = await context.guard.require(call.request, name, Role.READER)
    except BuduError:
        return False  # an ordinary upload begins instead, as the specification wants
    found = await context.database.read(lambda c: blob_rows.shown(c, source.id, digest))
    if found is None:
        return False
    await _check_room(context, target, digest, found[0])
    return await context.database.write(
        lambda c: _relinked(c, source.id, target.id, digest, context.now())
    )


def _relinked(connection: Connection, source: int, target: int, digest: Digest, now: float) -> bool:
    if blob_rows.renew_shown(connection, source, {digest}, now):
        return False
    blob_rows.link(connection, target, digest, now)
    return True


async def _check_room(context: Context, repository: Repository, digest: Digest, size: int) -> None:
    if await context.database.read(lambda c: blob_rows.shown(c, repository.id, digest)) is None:
        await context.watcher.room_for(repository, size)


async def append_chunk(call: Call) -> web.StreamResponse:
    """PATCH: more bytes at the end."""
    repository = await writable(call)
    async with held(call.context, call.target.last, repository.id) as lease:
        await _append(call, lease)
    return _accepted(call, lease.upload, lease.size)


async def finish_upload(call: Call) -> web.StreamResponse:
    """PUT: the last bytes, if any, and the digest."""
    repository = await writable(call)
    digest = read_digest(call.request.query.get("digest", ""))
    async with held(call.context, call.target.last, repository.id) as lease:
        await _append(call, lease)
        await _finish(call.context, repository, lease, digest)
    return _created(call, digest)


async def upload_status(call: Call) -> web.StreamResponse:
    """GET: how many bytes are there."""
    repository = await writable(call)
    upload = call.target.last
    found = await call.context.database.read(lambda c: upload_rows.find(c, upload, repository.id))
    if found is None:
        raise unknown(upload)
    return _accepted(call, upload, await stored_size(call.context.blobs, upload), status=204)


async def cancel_upload(call: Call) -> web.StreamResponse:
    """DELETE: throw it away."""
    repository = await writable(call)
    async with held(call.context, call.target.last, repository.id) as lease:
        await _thrown_away(call.context, lease)
    return empty(204)


async def _thrown_away(context: Context, lease: Held) -> None:
    await context.blobs.abort(lease.upload)
    await context.database.write(lambda c: upload_rows.remove(c, lease.upload))
    lease.is_done = True


async def _append(call: Call, lease: Held) -> None:
    """The request's body to the end of the upload."""
    announced = _checked_range(call, lease)
    if not call.request.can_read_body:
        return
    hashed, before = CountedHash(), lease.size
    try:
        await call.context.blobs.append(lease.upload, before, _body(call), hashed)
    finally:
        await asyncio.shield(_measure(call.context, lease, hashed, before))
    if announced is not None and lease.size - before != announced:
        raise SizeInvalid(f"{announced} bytes were announced, {lease.size - before} came")


async def _measure(context: Context, lease: Held, hashed: CountedHash, before: int) -> None:
    """What the upload is after an append, whole or broken off."""
    lease.size = await context.blobs.upload_size(lease.upload)
    knows_all = before == 0 and hashed.size == lease.size
    if knows_all:
        lease.sha256 = hashed.hexdigest()
    elif lease.size != before:
        lease.sha256 = None


def _checked_range(call: Call, lease: Held) -> int | None:
    """How many bytes Content-Range announces. Raises: RangeInvalid, SizeInvalid."""
    header = call.request.headers.get("Content-Range")
    if header is None:
        return None
    found = _CONTENT_RANGE.match(header)
    if found is None:
        raise SizeInvalid(f"invalid Content-Range {header[:100]!r}")
    first, last = int(found.group(1)), int(found.group(2))
    if first != lease.size:
        sentence = f"the upload has {lease.size} bytes, the chunk begins at {first}"
        raise RangeInvalid(sentence, size=lease.size)
    length = call.request.content_length
    if last < first or (length is not None and length != last - first + 1):
        raise SizeInvalid(f"Content-Range {header[:100]!r} does not fit a body of {length} bytes")
    return last - first + 1


async def _body(call: Call) -> AsyncIterator[bytes]:
    content = call.request.content
    try:
        while True:
            async with asyncio.timeout(call.context.stalled_after_s):
                piece = await content.readany()
            if not piece:
                return
            yield piece
    except (web.RequestPayloadError, TransferEncodingError, ConnectionError) as error:
        raise Unavailable(f"the upload broke off: {error}") from error
    except TimeoutError:
        raise Unavailable("the upload brought nothing for too long") from None


async def _finish(context: Context, repository: Repository, lease: Held, digest: Digest) -> None:
    """Make the upload a blob of the repository. A wrong digest throws it away."""
    found = lease.sha256 or await _hashed_again(context, lease)
    if found != digest.hex:
        await _thrown_away(context, lease)
        raise DigestInvalid(
            f"provided digest did not match uploaded content: sha256:{found}", reference=digest
        )
    await _check_room(context, repository, digest, lease.size)
    await touched(context.database, digest, lease.size, context.now)
    await context.blobs.commit(lease.upload, digest)
    lease.is_done = True
    now = context.now()

    def change(connection: Connection) -> None:
        blob_rows.link(connection, repository.id, digest, now)
        upload_rows.remove(connection, lease.upload)

    await context.database.write(change)


async def _hashed_again(context: Context, lease: Held) -> str:
    hashed = hashlib.sha256()
    async for piece in context.blobs.read_upload(lease.upload):
        await asyncio.to_thread(hashed.update, piece)
    return hashed.hexdigest()


def _accepted(call: Call, upload: str, size: int, *, status: int = 202) -> web.Response:
    return empty(
        status,
        Location=call.url("blobs", "uploads", upload),
        Range=f"0-{max(0, size - 1)}",
        Docker_Upload_UUID=upload,
    )


def _created(call: Call, digest: Digest) -> web.Response:
    return empty(201, Location=call.url("blobs", digest), Docker_Content_Digest=digest)
