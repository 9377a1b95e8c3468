"""Docker Hub's own API: who may ask what, route by route; a route without a row here fails."""

from __future__ import annotations

import base64

import msgspec
import pytest
from tests.support.hub_site import PASSWORD, Reply, Site

ALL = "outsider stranger reader writer owner admin"
SIGNED_IN = "stranger reader writer owner admin"
READERS, OWNERS = "reader writer owner admin", "owner admin"
PLACES = ("/v2/repositories/{account}/{name}", "/v2/namespaces/{account}/repositories/{name}")
LOGIN = {"username": "owner", "password": PASSWORD}
SECRET = {"identifier": "owner", "secret": PASSWORD}

ROWS: dict[tuple[str, str], tuple[str, object]] = {
    ("GET", "/v1/_ping"): (ALL, None),
    ("GET", "/v1/search"): (ALL, None),
    ("GET", "/v2/search/repositories"): (ALL, None),
    ("POST", "/v2/users/login"): (ALL, LOGIN),
    ("POST", "/v2/auth/token"): (ALL, SECRET),
    ("GET", "/v2/user"): (SIGNED_IN, None),
    ("GET", "/v2/repositories/{account}"): (ALL, None),
    ("GET", "/v2/namespaces/{account}/repositories"): (ALL, None),
}
for place in PLACES:
    ROWS |= {
        ("GET", place): (READERS, None),
        ("PATCH", place): (OWNERS, {"description": "x"}),
        ("DELETE", place): (OWNERS, None),
        ("GET", f"{place}/tags"): (READERS, None),
        ("GET", f"{place}/tags/{{tag}}"): (READERS, None),
        ("DELETE", f"{place}/tags/{{tag}}"): (OWNERS, None),
    }
PREFIXES = ("/v1/", "/v2/repositories", "/v2/namespaces", "/v2/search", "/v2/us", "/v2/auth")


@pytest.fixture
async def shop(site: Site) -> Site:
    """acme has a private repository that a reader and a writer were granted."""
    people = {name: await site.person(name) for name in SIGNED_IN.split()[:-1]}
    owner = people["owner"]
    await owner.do("POST", "/organizations", {"name": "acme"})
    await owner.do("POST", "/repositories", {"account": "acme", "name": "shut", "isPrivate": True})
    await site.push("acme/shut", "1")
    for name in ("reader", "writer"):
        await owner.do("PUT", f"/repositories/acme/shut/grants/user:{name}", {"role": name})
    return site


async def ask(site: Site, name: str, method: str, path: str, body: object) -> Reply:
    """One request of somebody who signs in with it, or of nobody."""
    pair = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
    headers = {} if name == "outsider" else {"Authorization": f"Basic {pair}"}
    filled = path.format(account="acme", name="shut", tag="1")
    data = None if body is None else msgspec.json.encode(body)
    return await site.request(method, filled, data=data, headers=headers)


async def test_every_route_has_a_row(site: Site) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in site.hub.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith(PREFIXES)
    }
    plain = {
        (method, path) for method, path in served if not path.endswith("/") and method != "HEAD"
    }
    assert plain == ROWS.keys()
    assert served >= {(method, f"{path}/") for method, path in plain}  # as docker's clients ask


@pytest.mark.parametrize(("route", "row"), ROWS.items(), ids=lambda each: " ".join(map(str, each)))
async def test_who_may_ask(shop: Site, route: tuple[str, str], row: tuple[str, object]) -> None:
    (method, path), (allowed, body) = route, row
    may = allowed.split()
    for name in (each for each in ALL.split() if each not in may):
        reply = await ask(shop, name, method, path, body)
        assert reply.status in (401, 403, 404), (name, reply)
    for name in may if method == "GET" else may[:1]:
        reply = await ask(shop, name, method, path, body)
        assert reply.status < 300, (name, reply)


async def test_lists_show_what_one_may_read(shop: Site) -> None:
    for path in ("/v2/repositories/{account}", "/v2/namespaces/{account}/repositories"):
        seen = {
            name: (await ask(shop, name, "GET", path, None)).body["count"] for name in ALL.split()
        }
        assert seen == {name: int(name in READERS.split()) for name in ALL.split()}
