"""Blobs: reading, and taking them out of a repository.

Source: OCI distribution-spec 1.1, "Pulling blobs", "Deleting Blobs"; RFC 9110, section 14.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from budu.base.errors import Conflict, NotFound
from budu.hub.access import Role
from budu.hub.registry import blob_rows
from budu.hub.registry.context import Call, empty
from budu.hub.registry.contract import Repository
from budu.hub.registry.errors import API_VERSION, BlobUnknown
from budu.hub.registry.paths import read_digest
from budu.hub.registry.sending import send_file, send_pieces
from budu.spec.digest import Digest

log = logging.getLogger(__name__)
RENEWED_AFTER_S = 60.0
"""A blob that somebody looks at is touched when its last use is that long ago."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
_FOREVER = "max-age=31536000, immutable"


def unknown(digest: Digest) -> BlobUnknown:
    """The repository shows no such blob."""
    return BlobUnknown("blob unknown to registry", reference=digest)


async def get_blob(call: Call) -> web.StreamResponse:
    """GET and HEAD."""
    repository = await call.require(Role.READER)
    digest = read_digest(call.target.last)
    size = await shown_size(call, repository, digest)
    if size is None:
        return await _upstreams_blob(call, repository, digest)
    if call.request.headers.get("If-None-Match", "") == f'"{digest}"':
        return empty(304, ETag=f'"{digest}"', Docker_Content_Digest=digest)
    return await send_blob(call, digest, size, is_private=repository.is_private)


async def _upstreams_blob(call: Call, repository: Repository, digest: Digest) -> web.StreamResponse:
    """A blob that has to come from the upstream first."""
    upstreams = call.context.upstreams
    if repository.upstream is None:
        raise unknown(digest)
    if await upstreams.take_stored(repository, digest):
        size = await shown_size(call, repository, digest)
        if size is not None:
            return await send_blob(call, digest, size, is_private=repository.is_private)
    is_private = repository.is_private
    try:
        if call.request.method == "HEAD":
            size = await upstreams.size(repository, digest)
            length = {} if size is None else {"Content-Length": str(size)}
            return web.Response(headers={**blob_headers(digest, is_private=is_private), **length})
        fetch = await upstreams.fetch(repository, digest)
    except NotFound:
        raise unknown(digest) from None
    try:
        if fetch.size is None:  # its end is not known, so neither is what a range would be of it
            response = web.StreamResponse(headers=blob_headers(digest, is_private=is_private))
            return await send_pieces(call.request, response, fetch.read(0, None))
        part = Part.asked(call.request, fetch.size)
        if part.is_nowhere:
            return part.refusal()
        pieces = fetch.read(part.start, part.end)
        return await send_pieces(call.request, part.response(digest, is_private=is_private), pieces)
    finally:
        fetch.release()


async def shown_size(call: Call, repository: Repository, digest: Digest) -> int | None:
    """The size of a blob that the repository shows and the sweep will leave alone for a while."""
    context = call.context
    found = await context.database.recall(
        ("blob", repository.id, digest), lambda c: blob_rows.shown(c, repository.id, digest)
    )
    if found is None:
        return None
    size, used_at = found
    now = context.now()
    if used_at < now - RENEWED_AFTER_S:
        renewed = await context.database.write(lambda c: blob_rows.renew(c, digest, now))
        return size if renewed else None
    return size


async def send_blob(
    call: Call, digest: Digest, size: int, *, is_private: bool
) -> web.StreamResponse:
    """The blob or the range of it that was asked for."""
    part = Part.asked(call.request, size)
    if part.is_nowhere:
        return part.refusal()
    response = part.response(digest, is_private=is_private)
    path = call.context.blobs.path(digest)
    if path is None:
        pieces = call.context.blobs.read(digest, start=part.start, end=part.end)
        return await send_pieces(call.request, response, pieces)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        log.error("a blob of the database is not in the store digest=%s", digest)
        raise unknown(digest) from None
    try:
        if os.fstat(fd).st_size != size:
            log.error("a blob has another size than it had digest=%s", digest)
            raise unknown(digest)
        return await send_file(call.request, response, fd, part.start, part.end)
    finally:
        os.close(fd)


@dataclass(frozen=True)
class Part:
    """What of a blob is asked for: bytes from `start` up to `end` of `size`."""

    start: int
    end: int
    size: int

    @classmethod
    def asked(cls, request: web.BaseRequest, size: int) -> Part:
        """The part that a request's Range names; the whole without one."""
        return cls(*read_range(request.headers.get("Range"), size), size)

    @property
    def is_nowhere(self) -> bool:
        """Whether the blob has nothing of it."""
        return self.start >= self.end and self.size > 0

    def refusal(self) -> web.Response:
        """The answer where there is nothing of it."""
        return empty(416, Content_Range=f"bytes */{self.size}")

    def response(self, digest: Digest, *, is_private: bool) -> web.StreamResponse:
        """The head of the answer."""
        is_whole = self.end - self.start == self.size
        response = web.StreamResponse(status=200 if is_whole else 206)
        response.headers.update(blob_headers(digest, is_private=is_private))
        if not is_whole:
            response.headers["Content-Range"] = f"bytes {self.start}-{self.end - 1}/{self.size}"
        response.content_length = self.end - self.start
        return response


def blob_headers(digest: Digest, *, is_private: bool) -> dict[str, str]:
    """What every answer with a blob says."""
    return {
        **API_VERSION,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"{'private, ' if is_private else ''}{_FOREVER}",
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": digest,
        "ETag": f'"{digest}"',
    }


def read_range(header: str | None, size: int) -> tuple[int, int]:
    """First byte, and the one behind the last; equal when nothing of it is there.

    Several ranges, and what is no range of bytes, mean the whole, as RFC 9110 allows.
    """
    found = _RANGE.match(header or "")
    if found is None or found.group(0) == "bytes=-":
        return 0, size
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    start = int(first)
    if last and int(last) < start:
        return 0, size
    return min(start, size), min(int(last) + 1, size) if last else size


async def delete_blob(call: Call) -> web.StreamResponse:
    """Take the blob out of the repository; its bytes are the sweep's to remove."""
    repository = await call.require(Role.OWNER)
    digest = read_digest(call.target.last)

    def change(connection: Connection) -> None:
        if blob_rows.is_named(connection, repository.id, digest):
            raise Conflict(f"a manifest of {repository.name} names {digest}", reference=digest)
        if not blob_rows.unlink(connection, repository.id, digest):
            raise unknown(digest)

    await call.context.database.write(change)
    return empty(202, Docker_Content_Digest=digest)
