"""Asking another registry: one HTTP client with its tokens.

Source: OCI distribution-spec 1.1, "Pull"; distribution, "Token Authentication Specification".
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import msgspec

from budu.base.errors import NotFound, Unavailable
from budu.hub.registry.contract import Upstream
from budu.spec.image import INDEX_TYPES, MANIFEST_TYPES

ACCEPT = ", ".join((*MANIFEST_TYPES, *INDEX_TYPES, "*/*"))
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_TOKEN_MARGIN_S = 10.0
_MOST_TOKEN_BYTES = 1 << 20


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float = 60.0


class UpstreamClient:
    """Requests to upstreams; tokens are kept until they expire."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._authorization: dict[tuple[str, str], tuple[str, float]] = {}
        """By upstream and repository: the header, and until when it is good."""

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def asked(
        self, upstream: Upstream, method: str, repository: str, path: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A successful answer; `repository` is the upstream's name of it.

        Raises: NotFound when the upstream has no such thing, or shows it to nobody of this name;
        Unavailable when it does not answer, is overloaded or has a limit.
        """
        base = urlsplit(upstream.url)
        prefix = base.path.strip("/")
        name = f"{prefix}/{repository}" if prefix else repository
        url = f"{base.scheme}://{base.netloc}/v2/{name}/{path}"
        try:
            async with await self._answer(upstream, method, url, name) as answer:
                _check(answer, url)
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"{base.netloc} did not answer: {error}") from error

    async def _answer(
        self, upstream: Upstream, method: str, url: str, name: str
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False)
        headers = {"Accept": ACCEPT, "Accept-Encoding": "identity"}
        known, until = self._authorization.get((upstream.url, name), ("", 0.0))
        if known and until > time.monotonic():
            headers["Authorization"] = known
        answer = await self._session.request(method, url, headers=headers)
        if answer.status != 401:
            return answer
        answer.release()
        challenge = answer.headers.get("WWW-Authenticate", "")
        header, until = await self._authorized(self._session, upstream, challenge)
        self._authorization[upstream.url, name] = (header, until)
        return await self._session.request(
            method, url, headers={**headers, "Authorization": header} if header else headers
        )

    async def _authorized(
        self, session: aiohttp.ClientSession, upstream: Upstream, challenge: str
    ) -> tuple[str, float]:
        """The header that the challenge wants; empty when we have nothing to say."""
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic":
            return _basic(upstream), float("inf")
        parameters = dict(_PARAMETER.findall(rest))
        realm = parameters.pop("realm", "")
        if kind.lower() != "bearer" or not realm:
            return "", 0.0
        wanted = {key: parameters[key] for key in ("service", "scope") if key in parameters}
        header = _basic(upstream)
        headers = {"Authorization": header} if header else {}
        async with session.get(realm, params=wanted, headers=headers) as answer:
            if answer.status != 200:
                return "", 0.0
            token = _token(await answer.content.read(_MOST_TOKEN_BYTES))
        until = time.monotonic() + max(0.0, token.expires_in - _TOKEN_MARGIN_S)
        return f"Bearer {token.token or token.access_token}", until


def _token(body: bytes) -> _Token:
    try:
        return msgspec.json.decode(body, type=_Token)
    except msgspec.DecodeError as error:
        raise Unavailable(f"the upstream's token can't be read: {error}") from None


def _basic(upstream: Upstream) -> str:
    if not upstream.user_name:
        return ""
    text = f"{upstream.user_name}:{upstream.password}".encode()
    return f"Basic {base64.b64encode(text).decode()}"


def _check(answer: aiohttp.ClientResponse, url: str) -> None:
    if answer.status in (401, 403, 404):
        raise NotFound(f"the upstream has no {url}")
    if answer.status >= 300:
        raise Unavailable(f"the upstream answered {answer.status}{_reset(answer.headers)}")


def _reset(headers: Mapping[str, str]) -> str:
    wait = headers.get("Retry-After", "")
    return f", to be asked again in {wait[:20]} s" if wait else ""
