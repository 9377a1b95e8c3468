"""The mechanics of `/api/v1`: a route is data; one function serves every one of them.

    who asks → may he (`Needs`) → body and query → the handler → JSON

A session's cookie counts with `X-CSRF-Token` when something is changed. An `Authorization` header
(Basic, or Bearer with a personal token) counts in its place, for programs; no browser sends one by
itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from budu.base.errors import (
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from budu.base.messages import accepted_language
from budu.hub.access import ANONYMOUS, Actor, Role
from budu.hub.accounts import people, sessions
from budu.hub.accounts.audit import Author
from budu.hub.accounts.people import ORGANIZATION, AccountRow
from budu.hub.http import client_address, json_response
from budu.hub.repositories import facts
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.sentences import Sentence
from budu.hub.services import Services
from budu.hub.site_api.errors import answer_error

PREFIX = "/api/v1"
MOST_BODY_BYTES = 1 << 20
T = TypeVar("T")


class Needs(Enum):
    """Who may ask; everything is checked before the handler runs."""

    ANYBODY = "anybody"
    SIGNED_IN = "who is signed in"
    READER = "a reader of the repository"
    STARRER = "a reader of the repository who is signed in"
    WRITER = "a writer of the repository"
    OWNER = "an owner of the repository"
    MEMBER = "a member of the organization"
    MANAGER = "who owns the account"
    ADMIN = "the hub's admin"


@dataclass(frozen=True)
class Call:
    """A request that may be made, decoded."""

    actor: Actor
    author: Author
    """Who to note for a change."""
    language: str
    path: Mapping[str, str]
    body: object = None
    query: object = None
    secret: str = ""
    """The session's, where there is one."""
    account: AccountRow | None = None
    """The account of MEMBER and MANAGER routes."""
    repository: RepositoryRow | None = None
    """The repository of READER, WRITER and OWNER routes."""
    role: Role = Role.NONE
    """What the actor is to the repository."""

    def given(self, kind: type[T]) -> T:
        """The body."""
        assert isinstance(self.body, kind)
        return self.body

    def asked(self, kind: type[T]) -> T:
        """The query."""
        assert isinstance(self.query, kind)
        return self.query

    @property
    def the_repository(self) -> RepositoryRow:
        """The repository; only on routes that need a role in it."""
        assert self.repository is not None
        return self.repository

    @property
    def user_id(self) -> int:
        """The actor's; only where somebody is signed in."""
        assert self.actor.user_id is not None
        return self.actor.user_id

    @property
    def user(self) -> tuple[int, str]:
        """The actor's id and name; only where somebody is signed in."""
        return self.user_id, self.actor.name


@dataclass(frozen=True)
class Answer:
    """A record with cookies to set (an empty one is removed)."""

    record: object
    cookies: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Services, Call], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation."""

    method: str
    path: str
    handler: Handler
    needs: Needs
    about: str
    """What it does, in one line."""
    answer: type
    body: type | None = None
    query: type | None = None
    status: int = 200

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"


def add_routes(app: web.Application, services: Services, routes: tuple[Route, ...]) -> None:
    """Serve the routes, and 404 in JSON for every other path below the prefix."""
    for route in routes:
        app.router.add_route(route.method, PREFIX + route.path, _server(services, route))
    app.router.add_route("*", PREFIX + "/{rest:.*}", _unknown)


async def _unknown(request: web.Request) -> web.Response:
    error = NotFound(Sentence("hub.no-route", method=request.method, path=request.path[:200]))
    return answer_error(
        request, error, accepted_language(request.headers.get("Accept-Language", ""))
    )


def _server(
    services: Services, route: Route
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        language = accepted_language(request.headers.get("Accept-Language", ""))
        try:
            call = await _admit(services, route, request, language)
            answered = await route.handler(services, call)
        except web.HTTPException:
            raise
        except Exception as error:  # the edge
            return answer_error(request, error, language)
        answer = answered if isinstance(answered, Answer) else Answer(answered)
        response = json_response(answer.record, status=route.status)
        for name, value in answer.cookies.items():
            _set_cookie(response, name, value, is_secure=services.options.is_secure)
        return response

    return serve


def _set_cookie(response: web.Response, name: str, value: str, *, is_secure: bool) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(sessions.LIFE_S) if value else 0,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )


async def _admit(services: Services, route: Route, request: web.Request, language: str) -> Call:
    """Who asks, whether he may, and what he asks. Raises: the refusals."""
    address = client_address(request, services.options.trusted_proxies)
    path = request.match_info
    if any("\0" in value for value in (*path.values(), *request.query.values())):
        raise InvalidArgument(Sentence("hub.bad-query", problem="NUL"))
    actor, secret = await _actor(services, route, request, address)
    account, repository, role = await services.database.read(
        lambda connection: _admitted(connection, route.needs, actor, path)
    )
    _check_limit(route, actor)
    return Call(
        actor=actor,
        author=Author(actor.name or "anonymous", address),
        language=language,
        path=path,
        body=await _body(route, request),
        query=_query(route, request),
        secret=secret,
        account=account,
        repository=repository,
        role=role,
    )


async def _actor(
    services: Services, route: Route, request: web.Request, address: str
) -> tuple[Actor, str]:
    header = request.headers.get("Authorization", "")
    if header:
        return await services.credentials.actor_of_header(header, address=address), ""
    if route.changes:
        _check_origin(services, request)
    secret = request.cookies.get(sessions.COOKIE, "")
    if not secret:
        return ANONYMOUS, ""
    row = await services.database.read(lambda connection: sessions.user_of(connection, secret))
    if row is None:
        return ANONYMOUS, ""
    given = request.headers.get("X-CSRF-Token", "")
    if route.changes and not sessions.is_csrf_token(secret, given):
        raise PermissionDenied(Sentence("hub.bad-csrf"))
    return people.actor_of(row), secret


def _check_origin(services: Services, request: web.Request) -> None:
    """A page of elsewhere changes nothing, whatever cookies its reader has."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDenied(Sentence("hub.bad-csrf"))


def _admitted(
    connection: Connection, needs: Needs, actor: Actor, path: Mapping[str, str]
) -> tuple[AccountRow | None, RepositoryRow | None, Role]:
    """What the route is about, if the actor may. Raises: the refusals."""
    match needs:
        case Needs.ANYBODY:
            return None, None, Role.NONE
        case Needs.READER | Needs.STARRER | Needs.WRITER | Needs.OWNER:
            row, role = _repository(connection, needs, actor, path)
            return None, row, role
        case Needs.MEMBER | Needs.MANAGER:
            return _account(connection, needs, actor, path), None, Role.NONE
    if actor.user_id is None:
        raise Unauthenticated(Sentence("hub.sign-in-first"))
    if needs is Needs.ADMIN and not actor.is_admin:
        raise PermissionDenied(Sentence("hub.admins-only"))
    return None, None, Role.NONE


_WANTED = {
    Needs.READER: Role.READER,
    Needs.STARRER: Role.READER,
    Needs.WRITER: Role.WRITER,
    Needs.OWNER: Role.OWNER,
}


def _repository(
    connection: Connection, needs: Needs, actor: Actor, path: Mapping[str, str]
) -> tuple[RepositoryRow, Role]:
    name = f"{path['account']}/{path['name']}"
    row, role = facts.look(connection, name, actor)
    if row is None or role is Role.NONE:
        raise NotFound(Sentence("hub.no-repository", name=name[:200]))
    wanted = _WANTED[needs]
    if needs is Needs.STARRER and actor.user_id is None:
        raise Unauthenticated(Sentence("hub.sign-in-first"))
    if role >= wanted:
        return row, role
    if actor.user_id is None:
        raise Unauthenticated(Sentence("hub.sign-in-first"))
    raise PermissionDenied(Sentence(f"hub.needs-{facts.role_name(wanted)}", name=name))


def _account(
    connection: Connection, needs: Needs, actor: Actor, path: Mapping[str, str]
) -> AccountRow:
    if actor.user_id is None:
        raise Unauthenticated(Sentence("hub.sign-in-first"))
    name = path["account"]
    row = people.get(connection, name)
    if people.manages(connection, actor, row):
        return row
    is_member = row.kind == ORGANIZATION and people.role_in(connection, row.id, actor.user_id)
    if needs is Needs.MEMBER and is_member:
        return row
    raise PermissionDenied(Sentence("hub.not-yours", name=name))


def _check_limit(route: Route, actor: Actor) -> None:
    """A token that may not all things changes nothing about accounts, tokens and the hub."""
    if actor.user_id is None or (actor.limit is Role.OWNER and actor.scopes is None):
        return
    if actor.scopes is not None:
        raise Unauthenticated(Sentence("hub.bad-token"))
    is_of_repository = route.needs in _WANTED
    if not is_of_repository and (route.changes or route.needs is not Needs.ANYBODY):
        raise PermissionDenied(Sentence("hub.token-too-small"))
    if route.changes and actor.limit < Role.WRITER:
        raise PermissionDenied(Sentence("hub.token-too-small"))


async def _body(route: Route, request: web.Request) -> object:
    if route.body is None:
        return None
    if request.content_type != "application/json":
        raise InvalidArgument(Sentence("hub.json-only"))
    data = bytearray()
    async for piece in request.content.iter_any():
        data += piece
        if len(data) > MOST_BODY_BYTES:
            raise InvalidArgument(Sentence("hub.body-too-large"))
    try:
        return msgspec.json.decode(bytes(data), type=route.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(Sentence("hub.bad-body", problem=str(error)[:300])) from None


def _query(route: Route, request: web.Request) -> object:
    if route.query is None:
        return None
    try:
        values = {key: value for key, value in request.query.items() if value or key == "q"}
        query: object = msgspec.convert(values, route.query, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidArgument(Sentence("hub.bad-query", problem=str(error)[:300])) from None
    return query


def page_of(page: int, size: int) -> tuple[int, int]:
    """First and number of a page. Raises: InvalidArgument."""
    if not 1 <= page <= 100_000 or not 1 <= size <= 100:
        raise InvalidArgument(Sentence("hub.bad-page"))
    return (page - 1) * size, size
