"""Requests to one endpoint on behalf of one caller: ping, authorization, retries."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from budu.distribution.auth import Challenge, parse_challenges
from budu.distribution.errors import Refusal, parse_refusal
from budu.distribution.hosts import Endpoint, TlsFiles
from budu.distribution.retry import RetryPolicy, rate_reset_s, send_retrying
from budu.distribution.tokens import Authorizer

if TYPE_CHECKING:
    from budu.distribution.transport import Response, Transport

_PING_LIFETIME_S = 300.0
_ERROR_BODY_LIMIT = 1 << 20
_UNAUTHORIZED = 401
_TOO_MANY_REQUESTS = 429


class PingCache:
    """Which endpoints have answered lately, and what they demand."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Endpoint, tuple[float, tuple[Challenge, ...]]] = {}

    def get(self, endpoint: Endpoint) -> tuple[Challenge, ...] | None:
        """The challenges of an endpoint that answered within five minutes, else None."""
        answered_at, challenges = self._answers.get(endpoint, (float("-inf"), ()))
        return challenges if self._clock() - answered_at < _PING_LIFETIME_S else None

    def put(self, endpoint: Endpoint, challenges: tuple[Challenge, ...]) -> None:
        """Keep what a ping found."""
        self._answers[endpoint] = (self._clock(), challenges)


class EndpointSession:
    """One endpoint, one scope, one identity."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: Transport,
        authorizer: Authorizer,
        pings: PingCache,
        policy: RetryPolicy,
        scope: str,
    ) -> None:
        self.endpoint = endpoint
        """Where the requests go."""
        self._transport = transport
        self._authorizer = authorizer
        self._pings = pings
        self._policy = policy
        self._scope = scope

    def scoped(self, scope: str) -> EndpointSession:
        """The same for another scope: what may be listed is not what may be pulled."""
        return EndpointSession(
            self.endpoint,
            transport=self._transport,
            authorizer=self._authorizer,
            pings=self._pings,
            policy=self._policy,
            scope=scope,
        )

    @property
    def has_answered(self) -> bool:
        """Whether the endpoint spoke HTTP with us lately."""
        return self._pings.get(self.endpoint) is not None

    async def ping(self, *, patient: bool = False) -> tuple[Challenge, ...]:
        """Make sure that the endpoint answers `/v2/`, and learn what it demands.

        Raises: RequestFailed when it does not answer.
        """
        known = self._pings.get(self.endpoint)
        if known is not None:
            return known
        async with await self._send("GET", self.endpoint.base, {}, patient=patient) as response:
            challenges = parse_challenges(response.headers("WWW-Authenticate"))
            await response.read(_ERROR_BODY_LIMIT)
        self._pings.put(self.endpoint, challenges)
        return challenges

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        patient: bool = False,
        url: str = "",
        body: Callable[[], AsyncIterator[bytes]] | None = None,
        once: bool = False,
    ) -> Response:
        """Send a request below `/v2/`, authorized; the answer may have any status.

        A 401 is met once with fresh proof: tokens may be revoked, and a path may demand more
        than the ping showed. `url` replaces the path: uploads go where the registry says, without
        the proof when that is another host. `body` begins the body, anew for every attempt; with
        `once` there is only one, unless the answer is 401.
        Raises: RequestFailed; and what `Authorizer.authorization` raises.
        """
        if url and _host(url) != _host(self.endpoint.base):
            return await self._send(method, url, dict(headers or {}), body=body, once=once)
        place = url or self.endpoint.base + path
        challenges = await self.ping(patient=patient)
        proof = await self._authorizer.authorization(challenges, scope=self._scope)

        async def send(proof: str | None) -> Response:
            sent = _with_proof(headers, proof)
            return await self._send(method, place, sent, patient=patient, body=body, once=once)

        response = await send(proof)
        if response.status != _UNAUTHORIZED:
            return response
        challenges = parse_challenges(response.headers("WWW-Authenticate")) or challenges
        fresh = await self._authorizer.authorization(challenges, scope=self._scope, refused=proof)
        if fresh == proof:
            return response
        response.close()
        return await send(fresh)

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        patient: bool = False,
        body: Callable[[], AsyncIterator[bytes]] | None = None,
        once: bool = False,
    ) -> Response:
        endpoint = self.endpoint
        if is_own := _host(url) == _host(endpoint.base):
            headers = {**dict(endpoint.headers), **headers}
        if is_own and endpoint.namespace:
            url = f"{url}{'&' if '?' in url else '?'}ns={endpoint.namespace}"

        async def send() -> Response:
            return await self._transport.send(
                method,
                url,
                verify=endpoint.verify,
                files=TlsFiles(authorities=endpoint.authorities, clients=endpoint.clients),
                headers=headers,
                body=body() if body else None,
            )

        return await send() if once else await send_retrying(send, self._policy, patient=patient)


async def read_refusal(response: Response) -> Refusal:
    """Read a refusing answer to its end and close it."""
    async with response:
        body = await response.read(_ERROR_BODY_LIMIT)
        challenges = parse_challenges(response.headers("WWW-Authenticate"))
        refusal = parse_refusal(response.status, response.reason, body=body, challenges=challenges)
        if response.status == _TOO_MANY_REQUESTS:
            reset_s = rate_reset_s(response.header, now=time.time())
            return msgspec.structs.replace(refusal, reset_s=reset_s)
        return refusal


def _with_proof(headers: Mapping[str, str] | None, proof: str | None) -> dict[str, str]:
    return {**(headers or {}), **({"Authorization": proof} if proof else {})}


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
