"""The pushing half of a registry, in memory, with faults on demand.

registry = UploadRegistry()
async with registry.serving():
    ...  # registry.address is "127.0.0.1:PORT"
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator

from aiohttp import web


class UploadRegistry:
    """Blobs by repository and digest, manifests by repository and name."""

    def __init__(self) -> None:
        self.address = ""
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.requests: list[str] = []
        self.cut_after: list[int] = []
        """The next uploads break off after so many bytes of a part."""
        self.hold_after: int | None = None
        """The next upload stops being read after so many bytes, until it is broken off."""
        self.held = asyncio.Event()
        """Set when it has stopped."""
        self.forgets = False
        """Uploads that broke off are lost."""
        self.denies = False
        self.together = 0
        """An upload begins when so many are about to, not before."""
        self.beginning = 0
        """How many are about to begin, or have begun together."""
        self._gathered = asyncio.Event()
        self.spoils = 0
        """So many of the next uploads get a wrong byte on their way."""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[UploadRegistry]:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/v2/", self._ping)
        app.router.add_head("/v2/{name:.+}/blobs/{digest}", self._has)
        app.router.add_post("/v2/{name:.+}/blobs/uploads/", self._begin)
        app.router.add_get("/upload/{id}", self._status)
        app.router.add_patch("/upload/{id}", self._patch)
        app.router.add_put("/upload/{id}", self._finish)
        app.router.add_put("/v2/{name:.+}/manifests/{tag}", self._put)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.address = f"{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _ping(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def _has(self, request: web.Request) -> web.Response:
        found = self.blobs.get((request.match_info["name"], request.match_info["digest"]))
        return web.Response(status=404 if found is None else 200)

    async def _begin(self, request: web.Request) -> web.Response:
        self.requests.append("POST")
        if self.denies:
            errors = [{"code": "DENIED", "message": "requested access to the resource is denied"}]
            return web.json_response({"errors": errors}, status=403)
        self.beginning += 1
        if self.beginning >= self.together:
            self._gathered.set()
        await self._gathered.wait()
        name, source = request.match_info["name"], request.query.get("from", "")
        digest = request.query.get("mount", "")
        if (source, digest) in self.blobs:
            self.blobs[name, digest] = self.blobs[source, digest]
            return web.Response(status=201)
        id_ = f"{len(self.uploads)}"
        self.uploads[id_] = bytearray()
        return self._accepted(name, id_)

    def _accepted(self, name: str, id_: str, status: int = 202) -> web.Response:
        end = max(len(self.uploads[id_]) - 1, 0)
        headers = {"Location": f"/upload/{id_}?name={name}", "Range": f"0-{end}"}
        return web.Response(status=status, headers=headers)

    async def _status(self, request: web.Request) -> web.Response:
        self.requests.append("GET")
        id_ = request.match_info["id"]
        if self.forgets:
            return web.Response(status=404)
        return self._accepted(request.query["name"], id_, 204)

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        held = self.uploads[request.match_info["id"]]
        start = int(request.headers["Content-Range"].partition("-")[0])
        self.requests.append(f"PATCH {start}")
        if start != len(held):
            return web.Response(status=416)
        await self._take(request, held)
        return self._accepted(request.query["name"], request.match_info["id"])

    async def _take(self, request: web.Request, held: bytearray) -> None:
        left = self.cut_after.pop(0) if self.cut_after else None
        if self.hold_after is not None:
            held += await request.content.readexactly(self.hold_after)
            self.hold_after = None
            self.held.set()
            await asyncio.sleep(3600)
        async for piece in request.content.iter_any():
            if left is not None:
                held += piece[:left]
                left -= min(left, len(piece))
                if not left:
                    assert request.transport is not None
                    request.transport.abort()
                    return
            else:
                held += piece

    async def _finish(self, request: web.Request) -> web.StreamResponse:
        self.requests.append("PUT")
        held = self.uploads[request.match_info["id"]]
        await self._take(request, held)
        if self.spoils and held:
            self.spoils -= 1
            held[0] ^= 1
        digest = request.query["digest"]
        if "sha256:" + hashlib.sha256(held).hexdigest() != digest:
            errors = [{"code": "DIGEST_INVALID", "message": "provided digest did not match"}]
            return web.json_response({"errors": errors}, status=400)
        self.blobs[request.query["name"], digest] = bytes(held)
        return web.Response(status=201)

    async def _put(self, request: web.Request) -> web.Response:
        body = await request.read()
        media_type = request.headers["Content-Type"]
        name = request.match_info["name"]
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        for key in (request.match_info["tag"], digest):
            self.manifests[name, key] = (media_type, body)
        return web.Response(status=201, headers={"Docker-Content-Digest": digest})
