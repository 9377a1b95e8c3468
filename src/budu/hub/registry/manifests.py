"""Manifests: reading, pushing, deleting, by tag and by digest.

Source: OCI distribution-spec 1.1, "Pulling manifests", "Pushing manifests", "Deleting manifests".
"""

from __future__ import annotations

from aiohttp import web

from budu.hub.access import Role
from budu.hub.registry import blob_rows, manifest_rows
from budu.hub.registry.context import Call, Context, empty
from budu.hub.registry.contract import Repository
from budu.hub.registry.documents import (
    MAX_BYTES,
    Document,
    child_for_old_clients,
    media_type_of,
    read_manifest,
)
from budu.hub.registry.errors import (
    API_VERSION,
    DigestInvalid,
    ManifestTooLarge,
    TagInvalid,
)
from budu.hub.registry.manifest_rows import Pushed, Stored, unknown
from budu.hub.registry.paths import is_tag, read_digest
from budu.hub.registry.platforms import read_platform
from budu.hub.registry.uploads import writable
from budu.spec.digest import Digest
from budu.spec.image import INDEX_TYPES


async def get_manifest(call: Call) -> web.StreamResponse:
    """GET and HEAD. A GET is a pull."""
    repository = await call.require(Role.READER)
    reference = call.target.last
    if not is_tag(reference):
        read_digest(reference) if ":" in reference else _refuse(reference)
    stored = await _found(call, repository, reference)
    limits, address = call.context.limits, call.context.address_of(call.request)
    if call.request.method == "HEAD":
        return _answer(call, stored, limits.tell(repository.actor, address))
    headers = limits.spend(repository.actor, address)
    call.context.counters.pulled(repository.id, Digest(stored.digest))
    return _answer(call, stored, headers)


def _refuse(reference: str) -> None:
    raise unknown(reference)


async def _found(call: Call, repository: Repository, reference: str) -> Stored:
    stored = await _stored(call.context, repository, reference)
    if ":" in reference or stored.media_type not in INDEX_TYPES or _takes_indexes(call.request):
        return stored
    child = child_for_old_clients(stored.payload, os="linux", architecture="amd64")
    if child is None:
        raise unknown(reference)
    return await _stored(call.context, repository, child)


async def _stored(context: Context, repository: Repository, reference: str) -> Stored:
    if repository.upstream is not None:
        return await context.upstreams.manifest(repository, reference)
    stored = await context.manifests.find(repository.id, reference)
    if stored is None:
        raise unknown(reference)
    return stored


def _takes_indexes(request: web.Request) -> bool:
    """False only for clients that list types and have none of an index among them."""
    accepted = ",".join(request.headers.getall("Accept", ()))
    is_particular = "manifest" in accepted and "*/*" not in accepted
    return not is_particular or any(known in accepted for known in INDEX_TYPES)


def _answer(call: Call, stored: Stored, more: dict[str, str]) -> web.Response:
    etag = f'"{stored.digest}"'
    headers = {**API_VERSION, "Docker-Content-Digest": stored.digest, "ETag": etag, **more}
    if call.request.headers.get("If-None-Match", "") == etag:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = stored.media_type
    if call.request.method == "HEAD":
        headers["Content-Length"] = str(len(stored.payload))
        return web.Response(headers=headers)
    return web.Response(body=stored.payload, headers=headers)


async def put_manifest(call: Call) -> web.StreamResponse:
    """A manifest under its digest, or under a tag as well."""
    repository = await writable(call)
    reference = call.target.last
    named = read_digest(reference) if ":" in reference else None
    if named is None and not is_tag(reference):
        raise TagInvalid("manifest tag did not match URI", reference=reference[:128])
    body = await _limited(call.request)
    digest = Digest.of(body)
    if named is not None and named != digest:
        raise DigestInvalid("provided digest did not match uploaded content", reference=named)
    document = read_manifest(media_type_of(call.request.headers.get("Content-Type", "")), body)
    tag = None if named else reference
    await _store(call.context, repository, digest, body, document, tag)
    await call.tell(
        "push",
        repository,
        digest,
        tag,
        media_type=document.media_type,
        size_bytes=document.image_bytes,
    )
    subject = {"OCI_Subject": str(document.subject)} if document.subject else {}
    location = call.url("manifests", digest)
    return empty(201, Location=location, Docker_Content_Digest=digest, **subject)


async def _store(
    context: Context,
    repository: Repository,
    digest: Digest,
    body: bytes,
    document: Document,
    tag: str | None,
) -> None:
    pushed = Pushed(
        repository=repository.id,
        digest=digest,
        payload=body,
        document=document,
        platform=await _platform(context, repository, document),
        tag=tag,
        immutable_tags=repository.immutable_tags,
        by=repository.actor.name,
        now=context.now(),
    )
    await context.database.write(lambda c: manifest_rows.store(c, pushed))


async def _limited(request: web.Request) -> bytes:
    """The body. Raises: ManifestTooLarge."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MAX_BYTES:
            raise ManifestTooLarge(f"a manifest has at most {MAX_BYTES} bytes")
    return bytes(body)


async def _platform(context: Context, repository: Repository, document: Document) -> str:
    """What the image's config says; empty when there is none to read."""
    config = document.config
    if config is None:
        return ""
    found = await context.database.read(lambda c: blob_rows.shown(c, repository.id, config))
    return await read_platform(context.blobs, config, found[0]) if found else ""


async def delete_manifest(call: Call) -> web.StreamResponse:
    """A tag alone, or a manifest with all its tags."""
    repository = await call.require(Role.OWNER)
    reference = call.target.last
    if ":" not in reference:
        digest = await call.context.database.write(
            lambda c: manifest_rows.untag(c, repository.id, reference)
        )
        await call.tell("delete", repository, digest, reference)
        return empty(202)
    digest = read_digest(reference)
    names = await call.context.database.write(
        lambda c: manifest_rows.remove(c, repository.id, digest)
    )
    for name in (*names, None):
        await call.tell("delete", repository, digest, name)
    return empty(202)
