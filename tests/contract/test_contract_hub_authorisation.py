"""Who may ask what, route by route: a route without a row here fails.

Asked are an outsider (nobody signed in), a stranger (signed in, nothing to do with it), a reader, a
writer and an owner of a private repository of an organization, and the hub's admin. The reader and
the writer are the organization's members. A row tells who gets through; the others are refused
with 401, 403 or 404.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.hub_site import PASSWORD, Person, Reply, Site, serving_site

from budu.hub.site_api.routes import ROUTES
from budu.hub.site_api.routing import Route

EVERYBODY = "outsider stranger reader writer owner admin"
SIGNED_IN = "stranger reader writer owner admin"
READERS = "reader writer owner admin"
MEMBERS = "reader writer owner admin"
OWNERS = "owner admin"
ADMIN = "admin"
NEW = {"password": PASSWORD}
REPOSITORY = "/repositories/{account}/{name}"

ROWS: dict[tuple[str, str], tuple[str, object]] = {
    ("GET", "/session"): (EVERYBODY, None),
    ("POST", "/session"): (EVERYBODY, {"name": "owner", **NEW}),
    ("DELETE", "/session"): (EVERYBODY, None),
    ("POST", "/accounts"): (EVERYBODY, {"name": "new-{who}", **NEW}),
    ("GET", "/accounts/{account}"): (EVERYBODY, None),
    ("PATCH", "/accounts/{account}"): (OWNERS, {"about": "x"}),
    ("DELETE", "/accounts/{account}"): (OWNERS, NEW),
    ("GET", "/accounts/{account}/repositories"): (EVERYBODY, None),
    ("GET", "/explore"): (EVERYBODY, None),
    ("GET", "/categories"): (EVERYBODY, None),
    ("POST", "/repositories"): (OWNERS, {"account": "acme", "name": "new-{who}"}),
    ("GET", REPOSITORY): (READERS, None),
    ("PATCH", REPOSITORY): (OWNERS, {"summary": "x"}),
    ("DELETE", REPOSITORY): (OWNERS, None),
    ("PUT", f"{REPOSITORY}/star"): (READERS, None),
    ("DELETE", f"{REPOSITORY}/star"): (READERS, None),
    ("GET", f"{REPOSITORY}/tags"): (READERS, None),
    ("POST", f"{REPOSITORY}/tags/delete"): (OWNERS, {"tags": ["latest"]}),
    ("GET", f"{REPOSITORY}/tags/{{tag}}"): (READERS, None),
    ("DELETE", f"{REPOSITORY}/tags/{{tag}}"): (OWNERS, None),
    ("GET", f"{REPOSITORY}/webhooks"): (OWNERS, None),
    ("POST", f"{REPOSITORY}/webhooks"): (OWNERS, {"name": "x", "url": "https://example.com"}),
    ("PATCH", f"{REPOSITORY}/webhooks/{{id}}"): (OWNERS, {"name": "y"}),
    ("DELETE", f"{REPOSITORY}/webhooks/{{id}}"): (OWNERS, None),
    ("GET", f"{REPOSITORY}/webhooks/{{id}}/deliveries"): (OWNERS, None),
    ("POST", f"{REPOSITORY}/webhooks/{{id}}/test"): (OWNERS, None),
    ("GET", f"{REPOSITORY}/retention"): (OWNERS, None),
    ("PUT", f"{REPOSITORY}/retention"): (OWNERS, {"rules": []}),
    ("POST", f"{REPOSITORY}/retention/preview"): (OWNERS, {"rules": []}),
    ("GET", f"{REPOSITORY}/grants"): (OWNERS, None),
    ("PUT", f"{REPOSITORY}/grants/{{subject}}"): (OWNERS, {"role": "reader"}),
    ("DELETE", f"{REPOSITORY}/grants/{{subject}}"): (OWNERS, None),
    ("GET", "/tokens"): (SIGNED_IN, None),
    ("POST", "/tokens"): (SIGNED_IN, {"name": "x"}),
    ("DELETE", "/tokens/{id}"): ("owner", None),  # it is the owner's
    ("POST", "/markdown"): (SIGNED_IN, {"text": "x"}),
    ("POST", "/organizations"): (SIGNED_IN, {"name": "org-{who}"}),
    ("GET", "/organizations/{account}/members"): (MEMBERS, None),
    ("PUT", "/organizations/{account}/members/{user}"): (OWNERS, {"role": "member"}),
    ("DELETE", "/organizations/{account}/members/{user}"): (OWNERS, None),
    ("GET", "/organizations/{account}/teams"): (MEMBERS, None),
    ("PUT", "/organizations/{account}/teams/{team}"): (OWNERS, {"about": "x"}),
    ("DELETE", "/organizations/{account}/teams/{team}"): (OWNERS, None),
    ("PUT", "/organizations/{account}/teams/{team}/members/{user}"): (OWNERS, None),
    ("DELETE", "/organizations/{account}/teams/{team}/members/{user}"): (OWNERS, None),
    ("GET", "/audit"): (OWNERS, None),  # of the organization
    ("GET", "/admin/accounts"): (ADMIN, None),
    ("PATCH", "/admin/accounts/{account}"): (ADMIN, {"isVerified": True}),
    ("POST", "/admin/sweep"): (ADMIN, None),
    ("GET", "/admin/upstreams"): (ADMIN, None),
    ("GET", "/admin/upstreams/{account}"): (ADMIN, None),
    ("PUT", "/admin/upstreams/{account}"): (ADMIN, {"url": "https://example.com"}),
    ("DELETE", "/admin/upstreams/{account}"): (ADMIN, None),
}


def test_every_route_has_a_row() -> None:
    assert {(route.method, route.path) for route in ROUTES} == ROWS.keys()


async def furnish(site: Site) -> tuple[dict[str, Person], dict[str, str]]:
    """People, and what paths are filled in with."""
    who = {name: await site.person(name) for name in ("stranger", "reader", "writer", "owner")}
    who |= {"outsider": site.nobody(), "admin": await site.admin()}
    owner = who["owner"]
    await owner.do("POST", "/organizations", {"name": "acme"})
    await owner.do("POST", "/repositories", {"account": "acme", "name": "web", "isPrivate": True})
    await site.push("acme/web", "latest")
    await owner.do("PUT", "/organizations/acme/teams/dev", {})
    for name in ("reader", "writer"):
        await owner.do("PUT", f"/organizations/acme/members/{name}", {"role": "member"})
        await owner.do("PUT", f"/repositories/acme/web/grants/user:{name}", {"role": name})
    await owner.do("PUT", "/organizations/acme/teams/dev/members/reader")
    hook = {"name": "h", "url": "https://example.com"}
    made = await owner.do("POST", "/repositories/acme/web/webhooks", hook)
    token = await owner.do("POST", "/tokens", {"name": "t"})
    await who["admin"].do("PUT", "/admin/upstreams/acme", {"url": "https://example.com"})
    filled = {"account": "acme", "name": "web", "tag": "latest", "subject": "user:reader"}
    filled |= {"user": "reader", "team": "dev", "hook": made["id"], "token": token["token"]["id"]}
    return who, {key: str(value) for key, value in filled.items()}


@dataclass(frozen=True)
class Furnished:
    """A hub at rest: its folder, everybody's cookies, and what paths are filled in with."""

    folder: Path
    cookies: dict[str, tuple[str, str]]
    filled: dict[str, str]

    @contextlib.asynccontextmanager
    async def copy(self, folder: Path) -> AsyncIterator[dict[str, Person]]:
        """The people of a hub that runs on a copy."""
        shutil.copytree(self.folder, folder)
        async with serving_site(folder) as site:
            yield {name: self._person(site, name) for name in EVERYBODY.split()}

    def _person(self, site: Site, name: str) -> Person:
        person = Person(site, name)
        person.cookie, person.csrf = self.cookies[name]
        return person


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """A hub with an organization, made once."""
    folder = tmp_path_factory.mktemp("furnished") / "data"

    async def make() -> Furnished:
        async with serving_site(folder) as site:
            who, filled = await furnish(site)
            cookies = {name: (each.cookie, each.csrf) for name, each in who.items()}
            return Furnished(folder, cookies, filled)

    return asyncio.run(make())


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_who_may_ask(tmp_path: Path, furnished: Furnished, route: Route) -> None:
    allowed, body = ROWS[(route.method, route.path)]
    first, *others = allowed.split()
    async with furnished.copy(tmp_path / "first") as who:
        for name in who.keys() - {first, *others}:
            reply = await _ask(who[name], route, furnished.filled, body)
            assert reply.status in (401, 403, 404), (name, reply)
        reply = await _ask(
            who[first], route, furnished.filled, body
        )  # the refusals changed nothing
        assert reply.status == route.status, (first, reply)
    for name in others:
        async with furnished.copy(tmp_path / name) as who:
            reply = await _ask(who[name], route, furnished.filled, body)
            assert reply.status == route.status, (name, reply)


async def _ask(person: Person, route: Route, filled: dict[str, str], body: object) -> Reply:
    kind = "token" if route.path.startswith("/tokens") else "hook"
    path = route.path.format(**filled, id=filled[kind])
    if route.path == "/audit":
        path += "?account=acme"
    if isinstance(body, dict) and "{who}" in str(body.get("name")):
        body = {**body, "name": body["name"].format(who=person.name)}
    return await person.ask(route.method, path, body)
