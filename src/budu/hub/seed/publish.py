"""Asks a hub over `/v2/` what it has, and describes images over `/api/v1`, as any client could."""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, TypeAlias

from budu.base.errors import BuduError, NotFound, PermissionDenied, Unavailable
from budu.hub.seed.library import Recipe
from budu.spec.image import MEDIA_OCI_MANIFEST

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
RECIPE = "io.budu.recipe"
"""The image's label that tells from which recipe it was made."""
ACCOUNT = "library"


class Hub:
    """A hub somewhere, entered with a name and a password or an access token."""

    def __init__(self, address: str, user: str, password: str) -> None:
        """`address`: `http://127.0.0.1:5080`."""
        self.address = address.rstrip("/")
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.user = user
        self.password = password
        self._bearer: dict[str, str] = {}

    @property
    def registry(self) -> str:
        """As image names have it."""
        return urllib.parse.urlsplit(self.address).netloc

    @property
    def is_secure(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.address.startswith("https:")

    def published_recipe(self, name: str, tag: str) -> str:
        """The fingerprint of the recipe that a tag was made from; empty when it is not there."""
        try:
            manifest = self._document(name, f"manifests/{tag}")
            config = self._document(name, f"blobs/{manifest['config']['digest']}")
        except NotFound:
            return ""
        return str((config.get("config", {}).get("Labels") or {}).get(RECIPE, ""))

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

    def _document(self, name: str, path: str) -> dict[str, Any]:
        """A JSON document of the registry's, with the token that it asks for."""
        url = f"{self.address}/v2/{ACCOUNT}/{name}/{path}"
        for _ in range(2):
            authorization = self._bearer.get(name)
            headers = {"Accept": MEDIA_OCI_MANIFEST}
            if authorization:
                headers["Authorization"] = authorization
            try:
                document = json.loads(self._send("GET", url, headers=headers)[1])
            except _Challenge as challenge:
                self._bearer[name] = self._answer(challenge.text)
            else:
                return document if isinstance(document, dict) else {}
        raise PermissionDenied(f"{self.address} does not let {self.user} read {name}")

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
