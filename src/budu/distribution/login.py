"""Checking credentials against a registry: what `POST /auth` does.

Source: Engine API 1.51 SystemAuth; moby `daemon/pkg/registry/auth.go`.
"""

from __future__ import annotations

import msgspec

from budu.base.errors import BuduError, Hint, Unauthenticated, Unavailable
from budu.distribution.auth import Challenge, Credentials
from budu.distribution.client import Registries
from budu.distribution.diagnose import request_error
from budu.distribution.errors import RequestFailed
from budu.distribution.hosts import Endpoint, registry_domain
from budu.distribution.tokens import Authorizer

_SUCCEEDED = "Login Succeeded"


class LoginResult(msgspec.Struct, frozen=True, kw_only=True):
    """A registry's yes."""

    status: str
    """Docker's words for it."""
    identity_token: str = ""
    """A refresh token to keep in place of the password, where the registry gives one."""


async def login(registries: Registries, credentials: Credentials) -> LoginResult:
    """Prove `credentials` to the registry that their `server_address` names.

    Raises: Unauthenticated when they are refused; Unavailable when the registry can't be reached.
    """
    domain = registry_domain(credentials.server_address)
    failure: BuduError | None = None
    for endpoint in await registries.endpoints(domain):
        if endpoint.is_mirror:
            continue
        try:
            return await _login_at(registries, endpoint, credentials)
        except RequestFailed as error:
            failure = request_error(error)
    assert failure is not None
    raise failure


async def _login_at(
    registries: Registries, endpoint: Endpoint, credentials: Credentials
) -> LoginResult:
    transport = registries.transport()
    challenges = await registries.session(endpoint, credentials=credentials, scope="").ping()
    schemes = {challenge.scheme: challenge for challenge in challenges}
    identity_token = ""
    proof = credentials.basic
    if bearer := schemes.get("bearer"):
        proof, identity_token = await _token(registries, endpoint, credentials, bearer)
    async with await transport.send(
        "GET", endpoint.base, verify=endpoint.verify, headers={"Authorization": proof}
    ) as response:
        if response.status == 200:
            return LoginResult(status=_SUCCEEDED, identity_token=identity_token)
    raise _refused(endpoint, status=response.status, reason=response.reason)


async def _token(
    registries: Registries, endpoint: Endpoint, credentials: Credentials, bearer: Challenge
) -> tuple[str, str]:
    authorizer: Authorizer = registries.authorizer(endpoint, credentials=credentials)
    reply = await authorizer.fetch_token(bearer, scope="", offline=True)
    return f"Bearer {reply.value}", reply.refresh_token


def _refused(endpoint: Endpoint, *, status: int, reason: str) -> BuduError:
    message = f"login attempt to {endpoint.base} failed with status: {status} {reason}"
    if status in {401, 403}:
        hint = Hint("distribution.login-refused", registry=endpoint.host)
        return Unauthenticated(message, hint=hint, reference=endpoint.host)
    return Unavailable(message, reference=endpoint.host)
