"""The registry as one object: its routes, and the work in its background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from budu.base.errors import BuduError, Internal, Unauthenticated
from budu.hub.registry import blobs, catalog, manifests, referrers, tags, uploads
from budu.hub.registry.context import Call, Context
from budu.hub.registry.errors import MethodUnsupported, answer
from budu.hub.registry.paths import Kind, Target, parse_path

Handler = Callable[[Call], Awaitable[web.StreamResponse]]

HANDLERS: dict[Kind, dict[str, Handler]] = {
    Kind.ROOT: {"GET": catalog.check_version},
    Kind.CATALOG: {"GET": catalog.list_repositories},
    Kind.TAGS: {"GET": tags.list_tags},
    Kind.MANIFEST: {
        "GET": manifests.get_manifest,
        "PUT": manifests.put_manifest,
        "DELETE": manifests.delete_manifest,
    },
    Kind.BLOB: {"GET": blobs.get_blob, "DELETE": blobs.delete_blob},
    Kind.UPLOADS: {"POST": uploads.start_upload},
    Kind.UPLOAD: {
        "GET": uploads.upload_status,
        "PATCH": uploads.append_chunk,
        "PUT": uploads.finish_upload,
        "DELETE": uploads.cancel_upload,
    },
    Kind.REFERRERS: {"GET": referrers.list_referrers},
}
"""What each path understands; HEAD is understood where GET is."""

READ_BUFFER_BYTES = 1 << 20
"""What an `aiohttp.web.AppRunner` should be given as `read_bufsize`: pushes are faster with it."""


class Registry:
    """The routes below `/v2/`. Add them last: other services have paths there too."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def routes(self) -> list[web.RouteDef]:
        """One for `/v2`, one for everything below it."""
        return [web.route("*", path, self.handle) for path in ("/v2", "/v2/{path:.*}")]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, also with an error."""
        target = Target(Kind.ROOT)
        try:
            target = parse_path(request.path)
            return await _handler(target.kind, request.method)(Call(self.context, request, target))
        except BuduError as error:
            return _refused(request, target, error, address=self.context.address)
        except (ConnectionError, TimeoutError):
            return _cut_off(request)  # the client is gone, takes nothing, or its body broke off
        except Exception as error:  # the edge
            return _refused(request, target, _as_internal(error), address=self.context.address)

    async def run(self) -> None:
        """What goes on beside requests, until cancelled: counts are written, blobs fetched."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.context.counters.run(), name="pull counters")
                group.create_task(self.context.limits.run(), name="pull limits")
        finally:
            await self.context.upstreams.close()


def _cut_off(request: web.Request) -> web.StreamResponse:
    """No answer, and no more of this connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


def _handler(kind: Kind, method: str) -> Handler:
    handlers = HANDLERS[kind]
    found = handlers.get("GET" if method == "HEAD" else method)
    if found is None:
        known = {*handlers, *(("HEAD",) if "GET" in handlers else ())}
        raise MethodUnsupported("The operation is unsupported.", allowed=", ".join(sorted(known)))
    return found


def _as_internal(error: Exception) -> Internal:
    found = Internal(f"{type(error).__name__}: {error}")
    found.__cause__ = error
    return found


def _refused(
    request: web.Request, target: Target, error: BuduError, *, address: str
) -> web.StreamResponse:
    response = answer(error)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = challenge(request, target, address)
    return response


def challenge(request: web.Request, target: Target, address: str = "") -> str:
    """Where to get a token, and for what. Source: distribution, "Token Authentication"."""
    base = address or f"{request.scheme}://{request.host}"
    text = f'Bearer realm="{base}/token",service="{base.partition("://")[2]}"'
    if target.kind is Kind.CATALOG:
        return f'{text},scope="registry:catalog:*"'
    if not target.name:
        return text
    return f'{text},scope="repository:{target.name}:{_actions(target.kind, request.method)}"'


def _actions(kind: Kind, method: str) -> str:
    if kind in (Kind.UPLOADS, Kind.UPLOAD):  # asking for one and cancelling it is part of pushing
        return "pull,push"
    if method in ("GET", "HEAD"):
        return "pull"
    return "delete" if method == "DELETE" else "pull,push"
