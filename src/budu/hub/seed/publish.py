"""Pushes images over `/v2/` and describes them over `/api/v1`, as any client could."""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from budu.base.errors import BuduError, NotFound, PermissionDenied, Unavailable
from budu.hub.seed.image import Image, Json
from budu.hub.seed.library import Recipe
from budu.spec.digest import Digest
from budu.spec.image import MEDIA_OCI_CONFIG, MEDIA_OCI_MANIFEST

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
RECIPE = "io.budu.recipe"
"""The manifest's annotation that tells from which recipe it was made."""
ACCOUNT = "library"


class Hub:
    """A hub somewhere, entered with a name and a password or an access token."""

    def __init__(self, address: str, user: str, password: str) -> None:
        """`address`: `http://127.0.0.1:5080`."""
        self.address = address.rstrip("/")
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._user = user
        self._bearer: dict[str, str] = {}

    def published_recipe(self, name: str, tag: str) -> str:
        """The fingerprint of the recipe that a tag was made from; empty when it is not there."""
        path = f"/v2/{ACCOUNT}/{name}/manifests/{tag}"
        try:
            body = self._registry(name, "GET", path, headers={"Accept": MEDIA_OCI_MANIFEST})[1]
        except NotFound:
            return ""
        annotations = json.loads(body).get("annotations") or {}
        return str(annotations.get(RECIPE, ""))

    def push(self, recipe: Recipe, image: Image, *, architecture: str, created: str) -> str:
        """Push an image under all its tags; the manifest's digest."""
        name = recipe.name
        document = image.document(architecture=architecture, created=created)
        config = json.dumps(document, separators=(",", ":")).encode()
        for layer in image.layers:
            self._push_file(name, layer.digest, Path(layer.path))
        self._push_bytes(name, config)
        manifest = _manifest(image, config, recipe.fingerprint)
        for tag in recipe.metadata.tags:
            path = f"/v2/{ACCOUNT}/{name}/manifests/{tag}"
            self._registry(
                name, "PUT", path, body=manifest, headers={"Content-Type": MEDIA_OCI_MANIFEST}
            )
        return Digest.of(manifest)

    def describe(self, recipe: Recipe) -> None:
        """Make the repository unless it is there, and set what its page shows."""
        path = f"/api/v1/repositories/{ACCOUNT}/{recipe.name}"
        if not self._has(path):
            body: dict[str, Json] = {"account": ACCOUNT, "name": recipe.name}
            self._site("POST", "/api/v1/repositories", body)
        metadata = recipe.metadata
        self._site(
            "PATCH",
            path,
            {
                "summary": metadata.summary,
                "summaryKo": metadata.summary_ko,
                "overview": recipe.overview,
                "overviewKo": recipe.overview_ko,
                "categories": [*metadata.categories],
                "synonyms": [*metadata.synonyms],
                "isOfficial": True,
            },
        )

    def _has(self, path: str) -> bool:
        try:
            self._send("GET", self.address + path, headers={"Authorization": self._basic})
        except NotFound:
            return False
        return True

    def _site(self, method: str, path: str, body: dict[str, Json]) -> None:
        """A request to the site's API."""
        headers = {"Content-Type": "application/json", "Authorization": self._basic}
        self._send(method, self.address + path, body=json.dumps(body).encode(), headers=headers)

    def _push_bytes(self, name: str, data: bytes) -> None:
        digest = Digest.of(data)
        if not self._has_blob(name, digest):
            self._registry(name, "PUT", self._upload(name, digest), body=data, headers=_OCTETS)

    def _push_file(self, name: str, digest: str, path: Path) -> None:
        if not self._has_blob(name, digest):
            body = path.read_bytes()
            self._registry(name, "PUT", self._upload(name, digest), body=body, headers=_OCTETS)

    def _has_blob(self, name: str, digest: str) -> bool:
        try:
            self._registry(name, "HEAD", f"/v2/{ACCOUNT}/{name}/blobs/{digest}")
        except NotFound:
            return False
        return True

    def _upload(self, name: str, digest: str) -> str:
        headers, _ = self._registry(name, "POST", f"/v2/{ACCOUNT}/{name}/blobs/uploads/")
        place = str(headers["Location"])
        return f"{place}{'&' if '?' in place else '?'}digest={urllib.parse.quote(digest)}"

    def _registry(
        self,
        name: str,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[http.client.HTTPMessage, bytes]:
        """A request to the registry with the token that it asks for."""
        url = urllib.parse.urljoin(self.address, path)
        for _ in range(2):
            authorization = self._bearer.get(name)
            known = {"Authorization": authorization} if authorization else {}
            try:
                return self._send(method, url, body=body, headers={**(headers or {}), **known})
            except _Challenge as challenge:
                self._bearer[name] = self._answer(challenge.text)
        raise PermissionDenied(f"{self.address} does not let {self._user} push {name}")

    def _answer(self, challenge: str) -> str:
        """The Authorization that a challenge asks for."""
        if not challenge.lower().startswith("bearer"):
            return self._basic
        told = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = urllib.parse.urlencode({k: told[k] for k in ("service", "scope") if k in told})
        url = f"{told['realm']}?{query}"
        body = self._send("GET", url, headers={"Authorization": self._basic})[1]
        answer = json.loads(body)
        return f"Bearer {answer.get('token') or answer['access_token']}"

    def _send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[http.client.HTTPMessage, bytes]:
        """One request: the answer's headers and body."""
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            raise _refusal(error) from error
        except OSError as error:
            raise Unavailable(f"{self.address} does not answer: {error}") from error


_OCTETS = {"Content-Type": "application/octet-stream"}


class _Challenge(BuduError):
    """The registry wants to know who asks."""

    def __init__(self, text: str) -> None:
        super().__init__("unauthorized")
        self.text = text


def _refusal(error: urllib.error.HTTPError) -> BuduError:
    challenge = error.headers.get("WWW-Authenticate")
    if error.code == 401 and challenge:
        return _Challenge(challenge)
    if error.code == 404:
        return NotFound(f"{error.url}: not found")
    told = error.read(2000).decode(errors="replace")
    return PermissionDenied(f"{error.url}: {error.code} {told}")


def _manifest(image: Image, config: bytes, fingerprint: str) -> bytes:
    layers = [
        {"mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size}
        for layer in image.layers
    ]
    document = {
        "schemaVersion": 2,
        "mediaType": MEDIA_OCI_MANIFEST,
        "config": {"mediaType": MEDIA_OCI_CONFIG, "digest": Digest.of(config), "size": len(config)},
        "layers": layers,
        "annotations": {RECIPE: fingerprint},
    }
    return json.dumps(document, separators=(",", ":")).encode()
