"""A whole hub in this process, and people who speak to its API over HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import Connection

from budu.hub.access import Actor
from budu.hub.accounts import people, sessions
from budu.hub.accounts.audit import HUB
from budu.hub.accounts.passwords import hash_password
from budu.hub.compose import Hub, running
from budu.hub.options import Options, ScryptCost
from budu.hub.repositories import facts, settings
from budu.hub.schema import blob_links, blobs, manifest_references, manifests, tags
from budu.spec.digest import Digest

CHEAP = ScryptCost(n=16, r=1, p=1)
PASSWORD = "a-good-password"
_PLATFORM = ("linux", "amd64")


@dataclass
class Reply:
    """An answer of the API."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Person:
    """Somebody with a browser: cookies, the token against forged requests, a language."""

    def __init__(self, site: Site, name: str = "", *, language: str = "en") -> None:
        self._site = site
        self.name = name
        self.language = language
        self.cookie = ""
        self.csrf = ""

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request to `/api/v1`."""
        all_headers = {"Accept-Language": self.language, **(headers or {})}
        if self.cookie and "Authorization" not in all_headers:
            all_headers["Cookie"] = f"{sessions.COOKIE}={self.cookie}"
            all_headers.setdefault("X-CSRF-Token", self.csrf)
        if body is not None:
            all_headers.setdefault("Content-Type", "application/json")
        data = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        reply = await self._site.request(method, f"/api/v1{path}", data=data, headers=all_headers)
        if sessions.COOKIE in reply.headers.get("Set-Cookie", ""):
            self.cookie = reply.headers["Set-Cookie"].partition("=")[2].partition(";")[0].strip('"')
            self.csrf = reply.body["csrfToken"]
        return reply

    async def get(self, path: str) -> Any:
        """The body of what must succeed."""
        return await self.do("GET", path)

    async def do(self, method: str, path: str, body: object = None) -> Any:
        """The body of what must succeed."""
        reply = await self.ask(method, path, body)
        assert reply.status < 300, (method, path, reply.status, reply.body)
        return reply.body

    async def sign_in(self, password: str = PASSWORD) -> Person:
        """Begin a session."""
        await self.do("POST", "/session", {"name": self.name, "password": password})
        return self


@dataclass
class Site:
    """A hub that answers."""

    hub: Hub
    url: str
    client: aiohttp.ClientSession

    async def request(
        self, method: str, path: str, *, data: bytes | None = None, headers: Mapping[str, str]
    ) -> Reply:
        """One request to any path."""
        async with self.client.request(
            method, self.url + path, data=data, headers=headers, allow_redirects=False
        ) as response:
            raw = await response.read()
            is_json = response.content_type.endswith("json")
            body = msgspec.json.decode(raw) if is_json and raw else raw
            return Reply(response.status, body, response.headers.copy())

    async def person(self, name: str, **more: Any) -> Person:
        """A new user who has signed in."""
        await self.add_user(name, **more)
        return await Person(self, name).sign_in()

    async def add_user(self, name: str, **more: Any) -> int:
        """A new user."""
        stored = hash_password(PASSWORD, CHEAP)
        return await self.hub.services.database.write(
            lambda c: people.add(c, name, kind="user", password=stored, author=HUB, **more)
        )

    async def admin(self) -> Person:
        """The hub's admin, signed in."""
        return await Person(self, "admin").sign_in()

    def nobody(self, **more: Any) -> Person:
        """Somebody without an account."""
        return Person(self, **more)

    async def push(
        self, repository: str, *names: str, config: object = None, at: float | None = None,
        parts: int = 1, subject: str | None = None, artifact_type: str = "",
    ) -> str:  # fmt: skip
        """An image as a push leaves it, with a layer of its own for each part; its digest."""
        seed = f"{repository}{names}{at}{subject}"
        document = config or {"os": "linux", "architecture": "amd64", "history": []}
        config_bytes = msgspec.json.encode(document)
        layers = [f"{seed}/{number}".encode() for number in range(parts)]
        stored = self.hub.services.blobs
        for data in (config_bytes, *layers):
            upload = await stored.begin()
            await stored.append(upload, 0, _one(data), _NoHash())
            await stored.commit(upload, Digest.of(data))
        return await self.hub.services.database.write(
            lambda c: _push(
                c, repository, names, config_bytes, layers,
                at=time.time() if at is None else at, subject=subject, artifact_type=artifact_type,
            )
        )  # fmt: skip


class _NoHash:
    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        del data


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _push(
    connection: Connection, repository: str, names: tuple[str, ...], config: bytes,
    layers: list[bytes], *, at: float, subject: str | None, artifact_type: str,
) -> str:  # fmt: skip
    account = people.get(connection, repository.partition("/")[0])
    settings.ensure(connection, account.id, repository, HUB)
    row, _ = facts.look(connection, repository, Actor(1, "admin", is_admin=True))
    assert row is not None
    parts = [_descriptor(config, "config"), *(_descriptor(each, "layer") for each in layers)]
    payload = msgspec.json.encode(
        {"schemaVersion": 2, "config": parts[0], "layers": parts[1:], "at": at}
    )
    digest = Digest.of(payload)
    for part in parts:
        known = connection.execute(sa.select(blobs).where(blobs.c.digest == part["digest"])).first()
        if known is None:
            values = {"digest": part["digest"], "size_bytes": part["size"], "used_at": at}
            connection.execute(sa.insert(blobs).values(**values))
        link = {"repository_id": row.id, "digest": part["digest"]}
        linked = sa.select(blob_links).where(
            blob_links.c.repository_id == row.id, blob_links.c.digest == part["digest"]
        )
        if connection.execute(linked).first() is None:
            connection.execute(sa.insert(blob_links).values(**link, linked_at=at))
        reference = {"manifest": digest, "kind": "blob"}
        connection.execute(sa.insert(manifest_references).values(**link, **reference))
    connection.execute(
        sa.insert(manifests).values(
            repository_id=row.id,
            digest=digest,
            media_type="application/vnd.oci.image.manifest.v1+json",
            artifact_type=artifact_type,
            payload=payload,
            subject=subject,
            annotations={},
            platform="" if artifact_type else "/".join(_PLATFORM),
            image_bytes=sum(int(part["size"]) for part in parts),
            pushed_at=at,
        )
    )
    for name in names:
        where = (tags.c.repository_id == row.id, tags.c.name == name)
        connection.execute(sa.delete(tags).where(*where))
        values = {"repository_id": row.id, "name": name, "digest": digest}
        connection.execute(sa.insert(tags).values(**values, pushed_at=at, pushed_by="ann"))
    return digest


def _descriptor(data: bytes, kind: str) -> dict[str, Any]:
    media_type = f"application/vnd.oci.image.{kind}.v1+json"
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data)}


@contextlib.asynccontextmanager
async def serving_site(data: Path, database_url: str = "", **more: Any) -> AsyncIterator[Site]:
    """A hub on loopback until the block ends; the admin's password is `PASSWORD`."""
    options = Options(data=data, port=0, database_url=database_url, scrypt=CHEAP, **more)
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running(options, admin_password=PASSWORD))
        runner = web.AppRunner(hub.app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        )
        yield Site(hub, f"http://127.0.0.1:{runner.addresses[0][1]}", client)
