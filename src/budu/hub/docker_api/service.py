"""Docker Hub's API: the routes, who may ask, and the answers.

Only an `Authorization` header tells who asks (Basic, `Bearer` or `JWT`), never a cookie, so nothing
here can be forged by a page of elsewhere. A slash at the end of a path may be left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import UNSET
from sqlalchemy import Connection

from budu.base.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from budu.base.messages import accepted_language
from budu.hub.access import Actor, Role
from budu.hub.accounts import people
from budu.hub.accounts.audit import Author
from budu.hub.accounts.signer import SITE
from budu.hub.docker_api import records, render
from budu.hub.http import client_address, json_response
from budu.hub.repositories import events, facts, settings, tags
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.repositories.search import Wanted
from budu.hub.sentences import Sentence
from budu.hub.services import Services
from budu.hub.site_api.errors import answer_error
from budu.hub.site_api.render import moment

LOGIN_LIFE_S = 86400
MOST_BODY_BYTES = 1 << 20
MOST_RESULTS = 100
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[object]]


class DockerApi:
    """The routes that Docker's clients know of Docker Hub beside the registry's."""

    def __init__(self, services: Services) -> None:
        self._hub = services

    def add_routes(self, app: web.Application) -> None:
        """Serve them; add them before the registry, which has everything else below /v2/."""
        for method, path, handler in self._routes():
            served = self._served(handler)
            app.router.add_route(method, path, served)
            app.router.add_route(method, path + "/", served)

    def _routes(self) -> tuple[tuple[str, str, Handler], ...]:
        one = "/{account}/{name}"
        places = ("/v2/repositories", "/v2/namespaces")
        lists = ("/v2/repositories/{account}", "/v2/namespaces/{account}/repositories")
        single = (f"{places[0]}{one}", "/v2/namespaces/{account}/repositories/{name}")
        return (
            ("GET", "/v1/_ping", self._ping),
            ("GET", "/v1/search", self._search_v1),
            ("GET", "/v2/search/repositories", self._search_v2),
            ("POST", "/v2/users/login", self._login),
            ("POST", "/v2/auth/token", self._login),
            ("GET", "/v2/user", self._profile),
            *(("GET", path, self._list) for path in lists),
            *(("GET", path, self._repository) for path in single),
            *(("PATCH", path, self._change) for path in single),
            *(("DELETE", path, self._delete) for path in single),
            *(("GET", f"{path}/tags", self._tags) for path in single),
            *(("GET", f"{path}/tags/{{tag}}", self._tag) for path in single),
            *(("DELETE", f"{path}/tags/{{tag}}", self._delete_tag) for path in single),
        )

    def _served(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                if any(
                    "\0" in value for value in (*request.match_info.values(), request.query_string)
                ):
                    raise InvalidArgument(Sentence("hub.bad-query", problem="NUL"))
                answer = await handler(request)
            except web.HTTPException:
                raise
            except Exception as error:  # the edge
                language = accepted_language(request.headers.get("Accept-Language", ""))
                return answer_error(request, error, language)
            return answer if isinstance(answer, web.Response) else json_response(answer)

        return serve

    async def _ping(self, _request: web.Request) -> object:
        return {"standalone": True}

    # Search

    async def _search_v1(self, request: web.Request) -> records.SearchV1:
        query, size = request.query.get("q", ""), _number(request, "n", default=25)
        page = _number(request, "page", default=1)
        found = (await self._hub.catalog.found(Wanted(query=query))).entries
        shown = found[(page - 1) * size : page * size]
        return records.SearchV1(
            query=query,
            num_results=len(found),
            num_pages=-(-len(found) // size),
            page=page,
            page_size=size,
            results=tuple(map(render.found, shown)),
        )

    async def _search_v2(self, request: web.Request) -> records.Page:
        query = request.query.get("query", "")
        found = (await self._hub.catalog.found(Wanted(query=query))).entries
        return self._page(request, found, render.found_v2)

    def _page(
        self, request: web.Request, found: Sequence[T], shown: Callable[[T], object]
    ) -> records.Page:
        page, size = _page_asked(request)
        first = (page - 1) * size
        results = tuple(shown(each) for each in found[first : first + size])
        return self._page_of(request, len(found), results)

    def _page_of(
        self, request: web.Request, count: int, results: tuple[object, ...]
    ) -> records.Page:
        page, size = _page_asked(request)
        return records.Page(
            count=count,
            next=self._page_url(request, page + 1) if page * size < count else None,
            previous=self._page_url(request, page - 1) if page > 1 else None,
            results=results,
        )

    def _page_url(self, request: web.Request, page: int) -> str:
        query = urlencode({**request.query, "page": page})
        return f"{self._hub.options.public_address}{request.path}?{query}"

    # Who asks

    async def _login(self, request: web.Request) -> object:
        given = await _body(request, records.Login)
        proof = await self._hub.credentials.prove(
            given.username or given.identifier,
            given.password or given.secret,
            address=self._address(request),
        )
        token = self._hub.signer.access_token(proof, service=SITE, access=None, life_s=LOGIN_LIFE_S)
        if request.path.rstrip("/").endswith("/auth/token"):
            return {"access_token": token}
        return {"token": token, "refresh_token": ""}

    def _address(self, request: web.Request) -> str:
        return client_address(request, self._hub.options.trusted_proxies)

    async def _actor(self, request: web.Request) -> Actor:
        header = request.headers.get("Authorization", "")
        return await self._hub.credentials.actor_of_header(header, address=self._address(request))

    def _author(self, request: web.Request, actor: Actor) -> Author:
        return Author(actor.name, self._address(request))

    async def _profile(self, request: web.Request) -> records.Profile:
        actor = await self._actor(request)
        if actor.user_id is None:
            raise Unauthenticated(Sentence("hub.sign-in-first"))
        row = await self._hub.database.read(lambda c: people.get(c, actor.name))
        return records.Profile(
            id=str(row.id),
            username=row.name,
            full_name=row.display_name,
            date_joined=moment(row.created_at),
        )

    async def _admitted(
        self, request: web.Request, wanted: Role
    ) -> tuple[RepositoryRow, Actor, Role]:
        """The repository of the path, if the asker may. Raises: the refusals."""
        actor = await self._actor(request)
        name = f"{request.match_info['account']}/{request.match_info['name']}"
        row, role = await self._hub.database.read(lambda c: facts.look(c, name, actor))
        if row is None or role is Role.NONE:
            raise NotFound(Sentence("hub.no-repository", name=name[:200]))
        if role < wanted and actor.user_id is None:
            raise Unauthenticated(Sentence("hub.sign-in-first"))
        if role < wanted:
            raise PermissionDenied(Sentence(f"hub.needs-{facts.role_name(wanted)}", name=name))
        return row, actor, role

    # Repositories

    async def _list(self, request: web.Request) -> records.Page:
        actor = await self._actor(request)
        account = request.match_info["account"]

        def query(connection: Connection) -> tuple[RepositoryRow, ...]:
            owner = people.get(connection, account)
            return facts.of_account(connection, owner.id, actor)

        rows = await self._hub.database.read(query)
        return self._page(request, rows, render.listed)

    async def _repository(self, request: web.Request) -> records.Repository:
        row, actor, role = await self._admitted(request, Role.READER)
        starred = await self._hub.database.read(
            lambda c: settings.is_starred(c, row, actor.user_id)
        )
        return render.repository(row, role, has_starred=starred)

    async def _change(self, request: web.Request) -> records.Repository:
        row, actor, _ = await self._admitted(request, Role.OWNER)
        given = await _body(request, records.Change)
        names = {"description": "summary", "full_description": "overview"}
        values = {
            names.get(key, key): value
            for key, value in msgspec.structs.asdict(given).items()
            if value is not UNSET
        }
        author = self._author(request, actor)
        await self._hub.database.write(lambda c: settings.change(c, row, values, author))
        self._hub.catalog.forget()
        return await self._repository(request)

    async def _delete(self, request: web.Request) -> web.Response:
        row, actor, _ = await self._admitted(request, Role.OWNER)
        author = self._author(request, actor)
        await self._hub.database.write(lambda c: settings.delete(c, row, author))
        self._hub.catalog.forget()
        return web.Response(status=202)

    # Tags

    async def _tags(self, request: web.Request) -> records.Page:
        row, _, _ = await self._admitted(request, Role.READER)
        word = request.query.get("name", "")
        page, size = _page_asked(request)
        first = (page - 1) * size
        count, shown = await self._hub.database.read(
            lambda c: tags.page(c, row, query=word, sort="pushed", first=first, count=size)
        )
        results = tuple(render.tag(tag, row) for tag in shown)
        return self._page_of(request, count, results)

    async def _tag(self, request: web.Request) -> records.Tag:
        row, _, _ = await self._admitted(request, Role.READER)
        name = request.match_info["tag"]
        return render.tag(await self._hub.database.read(lambda c: tags.get(c, row, name)), row)

    async def _delete_tag(self, request: web.Request) -> web.Response:
        row, actor, _ = await self._admitted(request, Role.OWNER)
        name, author = request.match_info["tag"], self._author(request, actor)
        options = self._hub.options
        await self._hub.database.write(lambda c: events.delete_tag(c, options, row, name, author))
        self._hub.deliveries.wake()
        return web.Response(status=204)


def _page_asked(request: web.Request) -> tuple[int, int]:
    """Which page, and of how many. Raises: InvalidArgument."""
    page = _number(request, "page", default=1, most=100_000)
    return page, _number(request, "page_size", default=10)


def _number(request: web.Request, name: str, *, default: int, most: int = MOST_RESULTS) -> int:
    """A number of the query, within its range as Docker Hub keeps it. Raises: InvalidArgument."""
    text = request.query.get(name, "") or str(default)
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidArgument(Sentence("hub.bad-query", problem=name))
    return min(max(int(text), 1), most)


async def _body(request: web.Request, kind: type[T]) -> T:
    data = await request.content.read(MOST_BODY_BYTES + 1)
    while len(data) <= MOST_BODY_BYTES and (more := await request.content.read(1 << 16)):
        data += more
    if len(data) > MOST_BODY_BYTES:
        raise InvalidArgument(Sentence("hub.body-too-large"))
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(Sentence("hub.bad-body", problem=str(error)[:300])) from None
