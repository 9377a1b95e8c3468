"""Requests to a hub's registry, and documents to push."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from tests.support.hub import RunningHub

from budu.spec.digest import Digest

OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = json.dumps({"os": "linux", "architecture": "arm64", "variant": "v8"}).encode()
LAYER = b"layer " * 50_000
EMPTY = b"{}"
REPOSITORY = "ann/app"
ABSENT = Digest.of(b"nobody has this")


@dataclass
class Answer:
    """An answer, read whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["errors"][0]["code"])


class Client:
    """Requests of one user; paths without `/v2/` are below the repository."""

    def __init__(self, hub: RunningHub, user: str | None = "ann") -> None:
        self.hub = hub
        encoded = base64.b64encode(f"{user}:secret".encode()).decode()
        self.headers = {"Authorization": f"Basic {encoded}"} if user else {}

    async def __call__(self, method: str, path: str, **options: Any) -> Answer:
        path = path if path.startswith("/") else f"/v2/{REPOSITORY}/{path}"
        async with (
            aiohttp.ClientSession(headers=self.headers, auto_decompress=False) as session,
            session.request(method, self.hub.url + path, **options) as answer,
        ):
            return Answer(answer.status, answer.headers, await answer.read())

    async def push_blob(self, data: bytes, repository: str = REPOSITORY) -> Digest:
        digest = Digest.of(data)
        path = f"/v2/{repository}/blobs/uploads/?digest={digest}"
        answer = await self("POST", path, data=data)
        assert answer.status == 201, answer.body
        return digest

    async def push_image(self, tag: str, *, layer: bytes = LAYER, **changes: Any) -> Digest:
        manifest = image(await self.push_blob(CONFIG), await self.push_blob(layer), **changes)
        return await self.push_manifest(tag, manifest)

    async def push_manifest(self, reference: str, manifest: bytes, media_type: str = OCI) -> Digest:
        answer = await self.put_manifest(reference, manifest, media_type)
        assert answer.status == 201, answer.body
        assert answer.headers["Docker-Content-Digest"] == Digest.of(manifest)
        return Digest.of(manifest)

    async def put_manifest(self, reference: str, manifest: bytes, media_type: str = OCI) -> Answer:
        headers = {"Content-Type": media_type}
        return await self("PUT", f"manifests/{reference}", data=manifest, headers=headers)


def descriptor(digest: str, media_type: str = "application/octet-stream", **more: Any) -> Any:
    return {"mediaType": media_type, "digest": digest, "size": 1, **more}


def image(config: str, *layers: str, media_type: str = OCI, **changes: Any) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(layer) for layer in layers],
        **changes,
    }
    return json.dumps(document, indent=3).encode()


def index(*manifests: Any, media_type: str = OCI_INDEX) -> bytes:
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(manifests)}
    return json.dumps(document).encode()
