"""The registry's `Guard`: who asks, and what may he do with a repository.

A pull asks the same with each blob, so two answers are remembered: for two seconds who a header
stands for, and for one that he may read a repository. That long a revoked token or grant may go on;
what this process changes is felt at once. What needs more than reading is asked each time.
"""

from __future__ import annotations

import time
from collections import OrderedDict

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from budu.base.errors import BuduError, NotFound, PermissionDenied, Unauthenticated
from budu.hub.access import ANONYMOUS, Actor, Role
from budu.hub.accounts import people
from budu.hub.accounts.audit import Author
from budu.hub.accounts.credentials import Credentials
from budu.hub.accounts.throttle import TooManyAttempts
from budu.hub.database import Database
from budu.hub.http import client_address
from budu.hub.options import Options
from budu.hub.registry.contract import Repository, Upstream
from budu.hub.registry.errors import TooManyRequests
from budu.hub.repositories import facts, settings, upstreams
from budu.hub.repositories.catalog import Catalog
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.schema import repositories
from budu.hub.sealing import Purpose, Seal

REMEMBERED_S = 2.0
READABLE_S = 1.0
_MOST = 4096
_DENIED = "requested access to the resource is denied"
_SIGN_IN = "authentication required"


class AccountGuard:
    """Authentication and authorisation of registry requests."""

    def __init__(
        self,
        database: Database,
        credentials: Credentials,
        catalog: Catalog,
        seal: Seal,
        options: Options,
    ) -> None:
        self._database = database
        self._credentials = credentials
        self._catalog = catalog
        self._seal = seal
        self._options = options
        self._actors: OrderedDict[tuple[str, int], tuple[Actor, float]] = OrderedDict()
        self._readable: OrderedDict[tuple[str, str, int], tuple[Repository, float]] = OrderedDict()

    async def identify(self, request: web.Request) -> Actor:
        """Who asks. Raises: Unauthenticated for wrong and for none; TooManyRequests."""
        if "Authorization" not in request.headers:
            raise Unauthenticated(_SIGN_IN)
        return await self._actor(request)

    async def _actor(self, request: web.Request) -> Actor:
        header = request.headers.get("Authorization", "")
        if not header:
            return ANONYMOUS
        now = time.monotonic()
        key = header, self._catalog.generation
        known = self._actors.get(key)
        if known is not None and known[1] > now:
            return known[0]
        address = client_address(request, self._options.trusted_proxies)
        try:
            actor = await self._credentials.actor_of_header(header, address=address)
        except TooManyAttempts as error:
            raise TooManyRequests(str(error), retry_after_s=error.retry_after_s) from None
        self._actors[key] = actor, now + REMEMBERED_S
        while len(self._actors) > _MOST:
            self._actors.popitem(last=False)
        return actor

    async def require(self, request: web.Request, name: str, role: Role) -> Repository:
        """The repository, when the asker is at least `role` to it.

        Raises: Unauthenticated, PermissionDenied, NotFound.
        """
        key = (request.headers.get("Authorization", ""), name, self._catalog.generation)
        known = self._readable.get(key) if role is Role.READER else None
        if known is not None and known[1] > time.monotonic():
            return known[0]
        actor = await self._actor(request)
        found = await self._database.read(lambda c: self._seen(c, actor, name, role))
        if found is not None:
            if role is Role.READER and found.id:
                self._remember(key, found)
            return found
        author = Author(actor.name, client_address(request, self._options.trusted_proxies))
        made = await self._database.write(lambda c: self._made(c, actor, name, author=author))
        self._catalog.forget()
        return made

    def _remember(self, key: tuple[str, str, int], found: Repository) -> None:
        self._readable[key] = found, time.monotonic() + READABLE_S
        while len(self._readable) > _MOST:
            self._readable.popitem(last=False)

    async def readable(self, request: web.Request, *, after: str, limit: int) -> list[str]:
        """Names of repositories that the asker may read, in byte order, behind `after`."""
        actor = await self._actor(request)
        names = repositories.c.name
        if self._database.engine.dialect.name == "postgresql":
            names = sa.collate(names, "C")  # type: ignore[assignment]  # the same column, ordered otherwise
        query = (
            sa.select(repositories.c.name)
            .where(facts.visible_to(actor), names > after)
            .order_by(names)
            .limit(limit)
        )
        found = await self._database.read(lambda c: [*c.execute(query).scalars()])
        scopes = actor.scopes
        return found if not scopes else [name for name in found if name in scopes]

    def _seen(
        self, connection: Connection, actor: Actor, name: str, wanted: Role
    ) -> Repository | None:
        """The repository as the actor sees it; None: he may make it, and has to.

        Raises: the refusals.
        """
        row, role = facts.look(connection, name, actor)
        if row is not None:
            _check(actor, name, role, wanted)
            return self._repository(connection, row, actor, role)
        role = facts.role_in_new(connection, actor, name)
        if wanted >= Role.WRITER:
            _check(actor, name, role, wanted)
            return None
        account = people.find(connection, name.partition("/")[0])
        upstream = self._upstream(connection, account.id) if account is not None else None
        if account is not None and upstream is not None and role >= wanted:
            return Repository(0, name, account.id, upstream=upstream, actor=actor, role=role)
        if role >= Role.READER:  # his own account: nothing is hidden from him
            raise NotFound(f"repository name not known to registry: {name}")
        raise _refusal(actor)

    def _made(
        self, connection: Connection, actor: Actor, name: str, *, author: Author
    ) -> Repository:
        account = people.get(connection, name.partition("/")[0])
        settings.ensure(connection, account.id, name, author)
        row, role = facts.look(connection, name, actor)
        assert row is not None
        return self._repository(connection, row, actor, role)

    def _repository(
        self, connection: Connection, row: RepositoryRow, actor: Actor, role: Role
    ) -> Repository:
        return Repository(
            id=row.id,
            name=row.name,
            account_id=row.account_id,
            is_private=row.is_private,
            immutable_tags=row.immutable_tags,
            upstream=self._upstream(connection, row.account_id),
            actor=actor,
            role=role,
        )

    def _upstream(self, connection: Connection, account_id: int) -> Upstream | None:
        row = upstreams.find(connection, account_id)
        if row is None:
            return None
        return Upstream(
            row.url,
            row.user_name,
            self._seal.open(row.password, Purpose.UPSTREAM),
            fresh_s=row.fresh_s,
        )


def _check(actor: Actor, name: str, role: Role, wanted: Role) -> None:
    if role < wanted:
        raise _refusal(actor)


def _refusal(actor: Actor) -> BuduError:
    """The same words whether the repository exists or not.

    A token of the token service that does not name the repository asks for another one, even from
    who signed in: clients answer that challenge by themselves.
    """
    if actor.user_id is None or actor.scopes is not None:
        return Unauthenticated(_SIGN_IN)
    return PermissionDenied(_DENIED)
