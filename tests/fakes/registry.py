"""A small real registry: blobs and manifests in memory, authentication, and faults on demand.

    registry = FakeRegistry()
    image = registry.add_image("team/app", "1.0", layers=[{"etc/motd": b"hello"}])
    async with registry.serving():
        ...  # registry.address is "127.0.0.1:PORT"

It speaks the pulling half of OCI distribution-spec 1.1. Every request is written to
`registry.requests`. A second server, `storage`, is where redirected blobs are fetched from.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import io
import json
import ssl
import tarfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import zstandard
from aiohttp import web

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_TOKEN = "let-me-in"
_REFRESH = "refresh-me"
_PIECE = 16 << 10


def digest_of(data: bytes) -> str:
    """`sha256:…` of the data."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A plain tar with the files, the same bytes every time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def compress(tar: bytes, compression: str) -> bytes:
    """The tar as `gzip`, `zstd` or `none`."""
    if compression == "gzip":
        return gzip.compress(tar, mtime=0)
    if compression == "zstd":
        return zstandard.ZstdCompressor().compress(tar)
    return tar


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    server: str
    method: str
    path: str
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True)
class Built:
    """An image that the registry holds."""

    digest: str
    config_digest: str
    blobs: tuple[str, ...]
    diff_ids: tuple[str, ...]
    platform: str
    media_type: str
    size: int


@dataclass
class Faults:
    """What goes wrong; change it at any time."""

    wrong_bytes: set[str] = field(default_factory=set)
    """Blobs and manifests sent with one byte changed."""
    truncated: dict[str, int] = field(default_factory=dict)
    """Blobs that end early, at this size, as if that were all."""
    drop_after: dict[str, int] = field(default_factory=dict)
    """Blobs whose connection is cut after so many bytes of each answer."""
    drops_left: int = 1_000_000
    """How often the above still happens."""
    hold_after: dict[str, int] = field(default_factory=dict)
    """Blobs of which so many bytes are sent, and the rest only after `release` is set."""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a blob is being held back."""
    ignore_ranges: bool = False
    refuse_ranges: bool = False
    """Answer 416 to every range."""
    server_errors: int = 0
    """So many of the next requests get a 500."""
    retry_after: list[str] = field(default_factory=list)
    """The next requests get a 429 with these headers (empty text: without the header)."""
    redirect_blobs: bool = False
    without_digest_header: bool = False
    missing_blobs: set[str] = field(default_factory=set)
    limited_blobs: set[str] = field(default_factory=set)
    """Blobs that are refused for an hour and a half."""
    waits: dict[str, asyncio.Event] = field(default_factory=dict)
    """Blobs that are answered only after this is set."""


class FakeRegistry:
    """The registry. `auth` is `none`, `basic` or `token`; `users` are names and passwords."""

    def __init__(
        self,
        *,
        auth: str = "none",
        users: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        hidden: Sequence[str] = (),
        has_referrers: bool = False,
    ) -> None:
        self.auth = auth
        self.users = dict(users or {"ann": "secret"})
        self.hidden = set(hidden)
        """Repositories that a token never opens: the registry answers insufficient_scope."""
        self.tls = tls
        self.has_referrers = has_referrers
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.faults = Faults()
        self.requests: list[Request] = []
        self.token_lifetime_s = 300
        self.tokens_issued = 0
        self.host = "127.0.0.1"
        """Where it listens."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self.address = ""
        self.storage_address = ""

    def add_blob(self, data: bytes) -> str:
        """Keep a blob; its digest."""
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def add_manifest(self, repository: str, tag: str | None, body: bytes, media_type: str) -> str:
        """Keep a manifest under its digest and, if given, a tag; its digest."""
        digest = digest_of(body)
        for name in filter(None, (tag, digest)):
            self.manifests[repository, name] = (media_type, body)
        return digest

    def add_image(
        self,
        repository: str,
        tag: str | None = None,
        *,
        layers: Sequence[Mapping[str, bytes] | bytes] = ({"hello": b"world"},),
        platform: str = "linux/amd64",
        compression: str = "gzip",
        docker: bool = False,
        config: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> Built:
        """Build an image: layers from files (or from ready tars), a config and a manifest.

        `config` is merged into the config's `config`; `changes` into the manifest.
        """
        tars = [layer if isinstance(layer, bytes) else tar_of(layer) for layer in layers]
        blobs = [self.add_blob(compress(tar, compression)) for tar in tars]
        diff_ids = tuple(digest_of(tar) for tar in tars)
        os_name, architecture, *variant = platform.split("/")
        document = {
            "created": "2024-05-06T07:08:09Z",
            "os": os_name,
            "architecture": architecture,
            **({"variant": variant[0]} if variant else {}),
            "config": {"Cmd": ["/hello"], **(config or {})},
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
            "history": [{"created_by": f"step {i}"} for i in range(len(tars))],
        }
        config_digest = self.add_blob(json.dumps(document).encode())
        media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
        base, joint = (_DOCKER_LAYER, ".") if docker else (_OCI_LAYER, "+")
        layer_type = base + (f"{joint}{compression}" if compression != "none" else "")
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": self._descriptor(_DOCKER_CONFIG if docker else _OCI_CONFIG, config_digest),
            "layers": [self._descriptor(layer_type, blob) for blob in blobs],
            **(changes or {}),
        }
        body = json.dumps(manifest).encode()
        digest = self.add_manifest(repository, tag, body, media_type)
        return Built(digest, config_digest, tuple(blobs), diff_ids, platform, media_type, len(body))

    def add_index(
        self,
        repository: str,
        tag: str | None,
        images: Sequence[Built],
        *,
        docker: bool = False,
        attestations: bool = True,
    ) -> str:
        """Keep an index over images of the same repository; its digest."""
        entries: list[dict[str, Any]] = []
        for image in images:
            os_name, architecture, *variant = image.platform.split("/")
            platform = {"os": os_name, "architecture": architecture}
            platform |= {"variant": variant[0]} if variant else {}
            entries.append(
                {
                    "mediaType": image.media_type,
                    "digest": image.digest,
                    "size": image.size,
                    "platform": platform,
                }
            )
        if attestations:
            entries.insert(0, _attestation(images[0].digest))
        media_type = DOCKER_INDEX if docker else OCI_INDEX
        body = json.dumps(
            {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
        ).encode()
        return self.add_manifest(repository, tag, body, media_type)

    def paths(self, kind: str, *, method: str = "GET") -> list[str]:
        """The paths asked for so far that hold `/kind/`, in order."""
        return [r.path for r in self.requests if r.method == method and f"/{kind}/" in r.path]

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeRegistry]:
        """Serve on loopback until the block ends."""
        main, self.address = await self._start("registry", self.tls)
        storage, self.storage_address = await self._start("storage", None)
        try:
            yield self
        finally:
            self.faults.release.set()
            await main.cleanup()
            await storage.cleanup()

    @contextlib.contextmanager
    def serving_in_thread(self) -> Iterator[FakeRegistry]:
        """The same for tests that are not asynchronous."""
        ready, stop = threading.Event(), asyncio.Event()
        loop = self._loop = asyncio.new_event_loop()

        async def serve() -> None:
            async with self.serving():
                ready.set()
                await stop.wait()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        ready.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()

    def release(self) -> None:
        """Let go what is held back, from another thread than the registry's."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.faults.release.set)

    def _descriptor(self, media_type: str, digest: str) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": digest, "size": len(self.blobs[digest])}

    async def _start(self, name: str, tls: ssl.SSLContext | None) -> tuple[web.AppRunner, str]:
        app = web.Application(middlewares=[self._recorder(name)])
        app.router.add_get("/token", self._token)
        app.router.add_post("/token", self._token)
        app.router.add_get("/v2/", self._ping, allow_head=False)
        app.router.add_get("/v2/{repository:.+}/tags/list", self._tags)
        app.router.add_get("/v2/{repository:.+}/manifests/{name}", self._manifest)
        app.router.add_get("/v2/{repository:.+}/blobs/{digest}", self._blob)
        if self.has_referrers:
            app.router.add_get("/v2/{repository:.+}/referrers/{digest}", self._referrers)
        app.router.add_get("/storage/{digest}", self._stored)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, self.host, 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        return runner, f"{host}:{port}"

    def _recorder(self, name: str) -> Any:
        @web.middleware
        async def record(request: web.Request, handler: Any) -> web.StreamResponse:
            form = dict(await request.post()) if request.method == "POST" else {}
            self.requests.append(
                Request(name, request.method, request.path_qs, request.headers, form)
            )
            if name == "registry" and request.path.startswith("/v2/"):
                refusal = self._fault() or self._authorize(request)
                if refusal is not None:
                    return refusal
            return await handler(request)

        return record

    def _fault(self) -> web.Response | None:
        if self.faults.server_errors > 0:
            self.faults.server_errors -= 1
            return web.Response(status=500)
        if self.faults.retry_after:
            value = self.faults.retry_after.pop(0)
            headers = {"Retry-After": value} if value else {}
            return _error(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.", headers)
        return None

    def _authorize(self, request: web.Request) -> web.Response | None:
        given = request.headers.get("Authorization", "")
        repository = request.match_info.get("repository")
        if self.auth == "none" and repository not in self.hidden:
            return None
        if self.auth == "basic":
            if given.startswith("Basic ") and self._user(given):
                return None
            challenge = 'Basic realm="fake"'
            return _error(
                401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge}
            )
        scope = f"repository:{repository}:pull" if repository else ""
        wanted = f"Bearer {_TOKEN}-{self.tokens_issued}"
        if given == wanted and repository not in self.hidden:
            return None
        scheme = "https" if self.tls else "http"
        challenge = f'Bearer realm="{scheme}://{request.host}/token",service="fake"'
        challenge += f',scope="{scope}"' if scope else ""
        challenge += ',error="insufficient_scope"' if given == wanted else ""
        return _error(
            401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge}
        )

    def _user(self, header: str) -> str | None:
        name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        return name if self.users.get(name) == password else None

    async def _token(self, request: web.Request) -> web.Response:
        header = request.headers.get("Authorization", "")
        form = dict(await request.post())
        if request.method == "POST" and form.get("refresh_token") != _REFRESH:
            return web.json_response({"details": "invalid refresh token"}, status=401)
        if header and not self._user(header):
            return web.json_response({"details": "incorrect username or password"}, status=401)
        self.tokens_issued += 1
        reply: dict[str, Any] = {
            "token": f"{_TOKEN}-{self.tokens_issued}",
            "expires_in": self.token_lifetime_s,
        }
        if request.query.get("offline_token") == "true":
            reply["refresh_token"] = _REFRESH
        return web.json_response(reply)

    async def _ping(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def _tags(self, request: web.Request) -> web.Response:
        repository = request.match_info["repository"]
        names = [n for r, n in self.manifests if r == repository and not n.startswith("sha256:")]
        return web.json_response({"name": repository, "tags": names})

    async def _manifest(self, request: web.Request) -> web.Response:
        repository, name = request.match_info["repository"], request.match_info["name"]
        if not any(known == repository for known, _ in self.manifests):
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
        if (repository, name) not in self.manifests:
            return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        media_type, body = self.manifests[repository, name]
        headers = {"Docker-Content-Digest": digest_of(body), "Content-Type": media_type}
        if self.faults.without_digest_header:
            del headers["Docker-Content-Digest"]
        return web.Response(body=self._spoilt(digest_of(body), body), headers=headers)

    async def _referrers(self, request: web.Request) -> web.Response:
        """Every manifest with that subject, whatever its type: a filter is the client's matter."""
        rows = []
        for (repository, name), (kind, body) in self.manifests.items():
            document = json.loads(body)
            subject = (document.get("subject") or {}).get("digest")
            is_here = repository == request.match_info["repository"] and ":" in name
            if is_here and subject == request.match_info["digest"]:
                row = {"mediaType": kind, "digest": name, "size": len(body)}
                rows.append({**row, "artifactType": document.get("artifactType", "")})
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}
        return web.json_response(index, content_type=OCI_INDEX)

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        if self.faults.waits.get(digest) is not None:
            await self.faults.waits[digest].wait()
        if digest in self.faults.limited_blobs:
            return _error(
                429, "TOOMANYREQUESTS", "You have reached your pull rate limit.",
                {"Retry-After": "5400"},
            )  # fmt: skip
        if digest not in self.blobs or digest in self.faults.missing_blobs:
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.faults.redirect_blobs:
            target = f"http://{self.storage_address}/storage/{digest}?signature=a%2Fb"
            return web.Response(status=307, headers={"Location": target})
        return await self._send(request, digest)

    async def _stored(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, request.match_info["digest"])

    async def _send(self, request: web.Request, digest: str) -> web.StreamResponse:
        data = self._spoilt(digest, self.blobs[digest])
        data = data[: self.faults.truncated.get(digest, len(data))]
        start = request.http_range.start or 0
        if start and (self.faults.refuse_ranges or start >= len(data)):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        response = web.StreamResponse()
        if start and not self.faults.ignore_ranges:
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            data = data[start:]
        response.content_length = len(data)
        await response.prepare(request)
        if request.method != "HEAD":
            await self._write(request, response, digest, data)
        return response

    async def _write(
        self, request: web.Request, response: web.StreamResponse, digest: str, data: bytes
    ) -> None:
        drop = self.faults.drop_after.get(digest) if self.faults.drops_left > 0 else None
        hold = self.faults.hold_after.get(digest)
        sent = 0
        while sent < len(data):
            stops = [stop for stop in (drop, hold) if stop is not None and stop > sent]
            piece = data[sent : min([sent + _PIECE, *stops])]
            await response.write(piece)
            sent += len(piece)
            if sent == drop and request.transport is not None:
                self.faults.drops_left -= 1
                request.transport.close()
                return
            if sent == hold:
                self.faults.held.set()
                await self.faults.release.wait()

    def _spoilt(self, digest: str, data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1]) if digest in self.faults.wrong_bytes else data


def _attestation(subject: str) -> dict[str, Any]:
    return {
        "mediaType": OCI_MANIFEST,
        "digest": "sha256:" + "a" * 64,
        "size": 100,
        "annotations": {
            "vnd.docker.reference.digest": subject,
            "vnd.docker.reference.type": "attestation-manifest",
        },
        "platform": {"os": "unknown", "architecture": "unknown"},
    }


def _error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.json_response(
        {"errors": [{"code": code, "message": message}]}, status=status, headers=headers
    )
