"""Small real accounts for the registry: users by name and password, tokens, rows of the database.

    accounts = HubAccounts(database)
    await accounts.add_user("ann", "secret")

`GET /token` gives a token to anybody; it names its user, or nobody. A repository whose name holds
`private` is made private.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from budu.base.errors import Internal, NotFound, PermissionDenied, Unauthenticated
from budu.hub import schema
from budu.hub.access import ANONYMOUS, Actor, Facts, Role, role_of
from budu.hub.database import Database
from budu.hub.registry.contract import Event, Repository, Upstream
from budu.hub.upsert import insert_into

_ROLES = {"reader": Role.READER, "writer": Role.WRITER, "owner": Role.OWNER}


class HubAccounts:
    """Guard and watcher of a registry; see `budu.hub.registry.contract`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users: dict[str, tuple[str, Actor]] = {}
        self._tokens: dict[str, Actor] = {}
        self.events: list[Event] = []
        self.quota_bytes: int | None = None

    async def add_user(self, name: str, password: str, *, is_admin: bool = False) -> Actor:
        """A user with an account."""
        number = await self.add_account(name, "user")
        actor = Actor(user_id=number, name=name, is_admin=is_admin)
        self._users[name] = (password, actor)
        return actor

    async def add_account(self, name: str, kind: str = "organization") -> int:
        """An account; its id. One that is there is used."""

        def add(connection: Connection) -> int:
            found = sa.select(schema.accounts.c.id).where(schema.accounts.c.name == name)
            number = connection.execute(found).scalar()
            if number is None:
                row = {"name": name, "kind": kind, "created_at": time.time()}
                done = connection.execute(sa.insert(schema.accounts).values(**row))
                number = done.inserted_primary_key[0]
            return int(number)

        return await self._database.write(add)

    async def add_upstream(self, account: str, url: str, **more: object) -> None:
        """Make an account a copy of another registry."""
        number = await self.add_account(account)
        row = {"account_id": number, "url": url, "fresh_s": 300.0, **more}
        await self._database.write(
            lambda c: c.execute(sa.insert(schema.upstreams).values(**row)).rowcount
        )

    async def move_upstream(self, account: str, url: str) -> None:
        """Let the account copy another registry."""
        number = await self.add_account(account)
        where = schema.upstreams.c.account_id == number
        change = sa.update(schema.upstreams).where(where).values(url=url)
        await self._database.write(lambda c: c.execute(change).rowcount)

    async def grant(self, repository: str, user: str, role: str) -> None:
        """A role for a user."""

        def add(connection: Connection) -> None:
            where = schema.repositories.c.name == repository
            number = connection.execute(sa.select(schema.repositories.c.id).where(where)).scalar()
            row = {"repository_id": number, "user_id": self._users[user][1].user_id, "role": role}
            connection.execute(sa.insert(schema.grants).values(**row))

        await self._database.write(add)

    async def change(self, repository: str, **values: object) -> None:
        """Settings of a repository."""
        where = schema.repositories.c.name == repository
        change = sa.update(schema.repositories).where(where).values(**values)
        await self._database.write(lambda c: c.execute(change).rowcount)

    async def identify(self, request: web.Request) -> Actor:
        """See `Guard.identify`."""
        header = request.headers.get("Authorization")
        if header is None:
            raise Unauthenticated("authentication required")
        return self._actor(header)

    async def require(self, request: web.Request, name: str, role: Role) -> Repository:
        """See `Guard.require`."""
        header = request.headers.get("Authorization")
        actor = self._actor(header) if header else ANONYMOUS
        if role > Role.READER:
            repository = await self._database.write(lambda c: self._made(c, name, actor))
        else:
            repository = await self._database.recall(
                ("repository", name, actor), lambda c: self._repository(c, name, actor)
            )
        if repository is None and await self._database.read(lambda c: self._owns(c, name, actor)):
            raise NotFound("repository name not known to registry", reference=name)
        if repository is None or repository.role < role:
            raise self._refusal(actor, name)
        return repository

    def _refusal(self, actor: Actor, name: str) -> Unauthenticated | PermissionDenied:
        if actor.user_id is None:
            return Unauthenticated("authentication required")
        return PermissionDenied("requested access to the resource is denied", reference=name)

    async def readable(self, request: web.Request, *, after: str, limit: int) -> list[str]:
        """See `Guard.readable`."""
        header = request.headers.get("Authorization")
        actor = self._actor(header) if header else ANONYMOUS

        def names(connection: Connection) -> list[str]:
            column = schema.repositories.c.name
            query = sa.select(column).where(column > after).order_by(column)
            return [
                name
                for name in connection.execute(query).scalars()
                if (found := self._repository(connection, name, actor)) and found.role
            ][:limit]

        return await self._database.read(names)

    async def room_for(self, repository: Repository, size_bytes: int) -> None:
        """See `Watcher.room_for`."""
        if self.quota_bytes is not None and size_bytes > self.quota_bytes:
            raise PermissionDenied("quota exceeded", reference=repository.name)

    async def happened(self, event: Event) -> None:
        """See `Watcher.happened`."""
        self.events.append(event)

    async def token(self, request: web.Request) -> web.Response:
        """`GET /token`."""
        header = request.headers.get("Authorization")
        try:
            actor = self._actor(header) if header else ANONYMOUS
        except Unauthenticated as error:
            return web.json_response({"details": error.message}, status=401)
        token = secrets.token_hex(16)
        self._tokens[token] = actor
        return web.json_response({"token": token, "expires_in": 300})

    def _actor(self, header: str) -> Actor:
        kind, _, text = header.partition(" ")
        if kind == "Bearer" and text in self._tokens:
            return self._tokens[text]
        if kind == "Basic":
            try:
                name, _, password = base64.b64decode(text).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                name = password = ""
            known = self._users.get(name)
            if known is not None and secrets.compare_digest(known[0], password):
                return known[1]
        raise Unauthenticated("incorrect username or password")

    def _made(self, connection: Connection, name: str, actor: Actor) -> Repository | None:
        found = self._repository(connection, name, actor)
        if found is not None or actor.user_id is None:
            return found
        account = self._account(connection, name)
        if not self._owns(connection, name, actor):
            return None
        now = time.time()
        row = {"account_id": account, "name": name, "categories": [], "synonyms": []}
        row |= {"created_at": now, "updated_at": now, "is_private": "private" in name}
        insert = insert_into(connection, schema.repositories).values(**row)
        connection.execute(insert.on_conflict_do_nothing())  # another push may have made it
        return self._repository(connection, name, actor)

    def _owns(self, connection: Connection, name: str, actor: Actor) -> bool:
        account = self._account(connection, name)
        return account is not None and (actor.is_admin or account == actor.user_id)

    def _account(self, connection: Connection, name: str) -> int | None:
        where = schema.accounts.c.name == name.partition("/")[0]
        return connection.execute(sa.select(schema.accounts.c.id).where(where)).scalar()

    def _repository(self, connection: Connection, name: str, actor: Actor) -> Repository | None:
        table = schema.repositories
        columns = (table.c.id, table.c.account_id, table.c.is_private, table.c.immutable_tags)
        row = connection.execute(sa.select(*columns).where(table.c.name == name)).first()
        account = row.account_id if row else self._account(connection, name)
        upstream = self._upstream(connection, account)
        if row is None:
            if upstream is None or account is None:
                return None
            return Repository(0, name, account, upstream=upstream, actor=actor, role=Role.READER)
        granted = self._granted(connection, row.id, actor)
        facts = Facts(row.is_private, account, frozenset({account}), granted)
        return Repository(
            id=row.id,
            name=name,
            account_id=account,
            is_private=row.is_private,
            immutable_tags=row.immutable_tags,
            upstream=upstream,
            actor=actor,
            role=role_of(actor, facts),
        )

    def _granted(self, connection: Connection, repository: int, actor: Actor) -> Role:
        query = sa.select(schema.grants.c.role).where(
            schema.grants.c.repository_id == repository, schema.grants.c.user_id == actor.user_id
        )
        role = connection.execute(query).scalar()
        return _ROLES[role] if role else Role.NONE

    def _upstream(self, connection: Connection, account: int | None) -> Upstream | None:
        query = sa.select(schema.upstreams).where(schema.upstreams.c.account_id == account)
        row = connection.execute(query).first()
        if row is None:
            return None
        if not row.url:
            raise Internal("an upstream without an address")
        return Upstream(row.url, row.user_name, row.password, row.fresh_s)
