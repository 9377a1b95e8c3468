"""Getting let in: answers a registry's challenge with a password or a fetched token.

Source: distribution-spec token authentication (`token`, `oauth` flows); RFC 6749 6.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from budu.base.errors import BuduError, Hint, InvalidArgument
from budu.distribution.auth import (
    Challenge,
    Credentials,
    TokenCache,
    TokenReply,
    parse_challenges,
    parse_token_reply,
)
from budu.distribution.diagnose import request_error
from budu.distribution.errors import (
    Refusal,
    RequestFailed,
    no_basic_credentials,
    parse_refusal,
    refusal_class,
)
from budu.distribution.hosts import Endpoint
from budu.distribution.retry import RetryPolicy, send_retrying

if TYPE_CHECKING:
    from budu.distribution.transport import Response, Transport

CLIENT_ID = "docker"
_REPLY_LIMIT = 1 << 20


class Authorizer:
    """Makes `Authorization` headers for one endpoint and one set of credentials."""

    def __init__(
        self,
        transport: Transport,
        *,
        endpoint: Endpoint,
        credentials: Credentials,
        cache: TokenCache,
        policy: RetryPolicy,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._credentials = credentials
        self._cache = cache
        self._policy = policy
        self._lock = asyncio.Lock()

    async def authorization(
        self, challenges: tuple[Challenge, ...], *, scope: str, refused: str | None = None
    ) -> str | None:
        """The header that meets `challenges`, or None when nothing is demanded.

        `refused` is the header that the registry has just turned down: it is not given again.
        Raises: Unauthenticated and its kin when the token server refuses, or when a password
        is demanded and there is none; Unavailable when the token server can't be reached.
        """
        if self._credentials.registry_token:
            return f"Bearer {self._credentials.registry_token}"
        by_scheme = {challenge.scheme: challenge for challenge in reversed(challenges)}
        if bearer := by_scheme.get("bearer"):
            return await self._bearer(bearer, scope=scope, refused=refused)
        if "basic" not in by_scheme:
            return None
        if not self._credentials.password:
            raise no_basic_credentials("get", self._endpoint.base, registry=self._endpoint.host)
        return self._credentials.basic

    async def _bearer(self, challenge: Challenge, *, scope: str, refused: str | None) -> str:
        scope = scope or challenge.parameters.get("scope", "")
        key = (
            challenge.parameters.get("realm", ""),
            challenge.parameters.get("service", ""),
            scope,
            self._credentials.fingerprint,
        )
        async with self._lock:
            token = self._cache.get(key)
            if token is None or f"Bearer {token}" == refused:
                reply = await self.fetch_token(challenge, scope=scope)
                self._cache.put(key, reply)
                token = reply.value
        return f"Bearer {token}"

    async def fetch_token(
        self, challenge: Challenge, *, scope: str, offline: bool = False
    ) -> TokenReply:
        """Ask the challenge's realm for a token; `offline` asks for a refresh token as well.

        Raises: as `authorization`.
        """
        realm = challenge.parameters.get("realm", "")
        if urlsplit(realm).scheme not in {"http", "https"}:
            raise InvalidArgument(
                f'Get "{self._endpoint.base}": malformed auth challenge header: no realm'
            )

        async def send() -> Response:
            return await self._send(challenge, realm, scope=scope, offline=offline)

        try:
            async with await send_retrying(send, self._policy) as response:
                body = await response.read(_REPLY_LIMIT)
                if response.status == 200:
                    return parse_token_reply(body)
                challenges = parse_challenges(response.headers("WWW-Authenticate"))
                refusal = parse_refusal(
                    response.status, response.reason, body=body, challenges=challenges
                )
        except RequestFailed as failure:
            raise request_error(failure) from failure
        raise self._refused(refusal)

    async def _send(
        self, challenge: Challenge, realm: str, *, scope: str, offline: bool
    ) -> Response:
        service = challenge.parameters.get("service", "")
        verify = self._endpoint.verify or urlsplit(realm).hostname != self._endpoint.hostname
        if self._credentials.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": self._credentials.identity_token,
                "service": service,
                "scope": scope,
                "client_id": CLIENT_ID,
            }
            return await self._transport.send("POST", realm, verify=verify, form=form)
        query = {"service": service}
        headers = {}
        if self._credentials.password:
            query["account"] = self._credentials.username
            headers["Authorization"] = self._credentials.basic
        if offline:
            query |= {"offline_token": "true", "client_id": CLIENT_ID}
        pairs = [(name, value) for name, value in query.items() if value]
        given = urlencode(pairs + [("scope", one) for one in scope.split()])
        url = f"{realm}{'&' if '?' in realm else '?'}{given}" if given else realm
        return await self._transport.send("GET", url, verify=verify, headers=headers)

    def _refused(self, refusal: Refusal) -> BuduError:
        anonymous = self._credentials.is_anonymous
        key = "distribution.login-needed" if anonymous else "distribution.login-refused"
        hint = Hint(key, registry=self._endpoint.host) if refusal.status in {401, 403} else None
        return refusal_class(refusal)(
            f'Get "{self._endpoint.base}": {refusal.sentence}',
            hint=hint,
            reference=self._endpoint.host,
        )
