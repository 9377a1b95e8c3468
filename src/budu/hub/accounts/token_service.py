"""`/token`: where registry clients turn a name and a password, or nothing, into a token.

A token names only what its bearer may do with each repository that was asked for; the registry
looks again at each request. Source: distribution/distribution, docs/spec/auth/token.md, oauth.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from aiohttp import web
from sqlalchemy import Connection

from budu.base.clock import format_time
from budu.base.errors import InvalidArgument, Unauthenticated
from budu.hub.access import ANONYMOUS, Actor
from budu.hub.accounts.credentials import Credentials, split_basic
from budu.hub.accounts.scopes import REPOSITORY, Scope, allowed_actions, parse_scopes
from budu.hub.accounts.signer import ACCESS_LIFE_S, Proof, Signer
from budu.hub.accounts.throttle import TooManyAttempts
from budu.hub.database import Database
from budu.hub.http import client_address, json_response
from budu.hub.options import Options
from budu.hub.repositories.facts import role_in
from budu.hub.sentences import Sentence

_MOST_FORM_BYTES = 64 << 10


class TokenService:
    """The token endpoint."""

    def __init__(
        self, database: Database, credentials: Credentials, signer: Signer, options: Options
    ) -> None:
        self._database = database
        self._credentials = credentials
        self._signer = signer
        self._options = options

    def add_routes(self, app: web.Application) -> None:
        """Serve `/token`."""
        app.router.add_get("/token", self._get)
        app.router.add_post("/token", self._post)

    async def _get(self, request: web.Request) -> web.Response:
        header = request.headers.get("Authorization", "")
        try:
            proof = await self._basic(header, request) if header else None
            return await self._issue(
                proof,
                service=request.query.get("service", ""),
                scopes=parse_scopes(request.query.getall("scope", [])),
                is_offline=request.query.get("offline_token") in ("true", "1"),
            )
        except (Unauthenticated, TooManyAttempts) as error:
            return _refused(error)

    async def _basic(self, header: str, request: web.Request) -> Proof:
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "basic":
            raise Unauthenticated(Sentence("hub.bad-token"))
        name, secret = split_basic(value)
        return await self._prove(name, secret, request)

    async def _prove(self, name: str, secret: str, request: web.Request) -> Proof:
        address = client_address(request, self._options.trusted_proxies)
        return await self._credentials.prove(name, secret, address=address)

    async def _post(self, request: web.Request) -> web.Response:
        if (request.content_length or 0) > _MOST_FORM_BYTES:
            raise web.HTTPRequestEntityTooLarge(_MOST_FORM_BYTES, request.content_length or 0)
        form = {key: value for key, value in (await request.post()).items() if _is_text(value)}
        try:
            proof = await self._proof_of_form({k: str(v) for k, v in form.items()}, request)
            return await self._issue(
                proof,
                service=str(form.get("service", "")),
                scopes=parse_scopes([str(form.get("scope", ""))]),
                is_offline=form.get("access_type") == "offline",
            )
        except (Unauthenticated, TooManyAttempts, InvalidArgument) as error:
            return _refused(error)

    async def _proof_of_form(self, form: Mapping[str, str], request: web.Request) -> Proof:
        match form.get("grant_type"):
            case "password":
                return await self._prove(
                    form.get("username", ""), form.get("password", ""), request
                )
            case "refresh_token":
                claims = self._signer.read(form.get("refresh_token", ""))
                if not claims.is_refresh or claims.proof is None:
                    raise Unauthenticated(Sentence("hub.bad-token"))
                return claims.proof
        raise InvalidArgument("unsupported grant_type")

    async def _issue(
        self, proof: Proof | None, *, service: str, scopes: Iterable[Scope], is_offline: bool
    ) -> web.Response:
        actor = await self._credentials.actor_of_proof(proof) if proof else ANONYMOUS
        access = await self._database.read(lambda connection: _allowed(connection, actor, scopes))
        audience = service or self._options.registry_name
        token = self._signer.access_token(proof, service=audience, access=access)
        answer: dict[str, object] = {
            "token": token,
            "access_token": token,
            "scope": " ".join(str(Scope(REPOSITORY, *each)) for each in access.items()),
            "expires_in": ACCESS_LIFE_S,
            "issued_at": format_time(int(time.time()) * 1_000_000_000),
        }
        if is_offline and proof is not None:
            answer["refresh_token"] = self._signer.refresh_token(proof, service=audience)
        return json_response(answer)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _allowed(
    connection: Connection, actor: Actor, scopes: Iterable[Scope]
) -> dict[str, tuple[str, ...]]:
    """The actions that the actor is allowed of each scope; nothing of it where there are none."""
    access = {}
    for scope in scopes:
        if scope.kind == REPOSITORY:
            actions = allowed_actions(scope.actions, role_in(connection, actor, scope.name))
            if actions:
                access[scope.name] = actions
    return access


def _refused(error: Unauthenticated | TooManyAttempts | InvalidArgument) -> web.Response:
    message = str(error.message)
    body = {
        "errors": [{"code": "UNAUTHORIZED", "message": message, "detail": None}],
        "details": message,
    }
    if isinstance(error, TooManyAttempts):
        return json_response(body, status=429, headers={"Retry-After": str(error.retry_after_s)})
    if isinstance(error, InvalidArgument):
        return json_response(body, status=400)
    return json_response(body, status=401, headers={"WWW-Authenticate": 'Basic realm="hub"'})
