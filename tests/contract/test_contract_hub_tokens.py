"""The token service: what Docker's clients ask it, over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from tests.support.hub_site import PASSWORD, Reply, Site


async def ask(
    site: Site, *scopes: str, user: str = "", password: str = PASSWORD, **more: str
) -> Reply:
    """`GET /token`."""
    query = urlencode([("service", "hub"), *(("scope", each) for each in scopes), *more.items()])
    headers = {}
    if user:
        value = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {value}"
    return await site.request("GET", f"/token?{query}", headers=headers)


def access(reply: Reply) -> dict[str, list[str]]:
    """What a token allows, by repository."""
    assert reply.status == 200, reply
    claims: dict[str, Any] = jwt.decode(reply.body["token"], options={"verify_signature": False})
    return {each["name"]: each["actions"] for each in claims["access"]}


@pytest.fixture
async def shop(site: Site) -> Site:
    """ann has a public and a private repository."""
    ann = await site.person("ann")
    await site.add_user("bob")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "open"})
    await ann.do("POST", "/repositories", {"account": "ann", "name": "shut", "isPrivate": True})
    return site


ALL = ("repository:ann/open:pull,push", "repository:ann/shut:pull,push,delete")


async def test_a_token_names_what_is_allowed_and_no_more(shop: Site) -> None:
    assert access(await ask(shop, *ALL)) == {"ann/open": ["pull"]}
    assert access(await ask(shop, *ALL, user="bob")) == {"ann/open": ["pull"]}
    assert access(await ask(shop, *ALL, user="ann")) == {
        "ann/open": ["pull", "push"],
        "ann/shut": ["pull", "push", "delete"],
    }
    assert access(await ask(shop, " ".join(ALL), user="admin")) == access(
        await ask(shop, *ALL, user="ann")
    )


async def test_a_repository_that_a_push_makes(shop: Site) -> None:
    scope = "repository:{}:pull,push"
    for name, allowed in {
        "ann/new": True,
        "bob/new": False,
        "library/new": False,
        "nobody/new": False,
        "ann/UPPER": False,
        "ann/a/b": False,
        "ann": False,
        "ann/../x": False,
    }.items():
        found = access(await ask(shop, scope.format(name), user="ann"))
        assert (name in found) == allowed, name


async def test_wrong_credentials_are_told(shop: Site) -> None:
    for user, password in (("ann", "wrong-password"), ("nobody", PASSWORD), ("library", PASSWORD)):
        reply = await ask(shop, *ALL, user=user, password=password)
        assert (reply.status, reply.body["errors"][0]["code"]) == (401, "UNAUTHORIZED")
    bad = await shop.request("GET", "/token", headers={"Authorization": "Basic !!!"})
    assert bad.status == 401


async def test_personal_tokens_narrow(shop: Site) -> None:
    from tests.support.hub_site import Person

    ann = await Person(shop, "ann").sign_in()
    for scope, actions in (("read", ["pull"]), ("write", ["pull", "push"])):
        made = await ann.do("POST", "/tokens", {"name": scope, "scope": scope})
        found = access(await ask(shop, *ALL, user="ann", password=made["secret"]))
        assert found["ann/shut"] == actions
        wrong = await ask(shop, *ALL, user="bob", password=made["secret"])
        assert wrong.status == 401
        await ann.do("DELETE", f"/tokens/{made['token']['id']}")
        assert (await ask(shop, *ALL, user="ann", password=made["secret"])).status == 401


async def post(site: Site, **form: str) -> Reply:
    """`POST /token`."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await site.request("POST", "/token", data=urlencode(form).encode(), headers=headers)


async def test_a_refresh_token_stands_for_the_password_until_it_changes(shop: Site) -> None:
    from tests.support.hub_site import Person

    first = await post(
        shop, grant_type="password", username="ann", password=PASSWORD, service="hub",
        access_type="offline", scope=ALL[1],
    )  # fmt: skip
    assert access(first)["ann/shut"] == ["pull", "push", "delete"]
    refresh = {"grant_type": "refresh_token", "refresh_token": first.body["refresh_token"]}
    again = await post(shop, **refresh, service="hub", scope=ALL[1])
    assert access(again) == access(first)
    asked = await ask(shop, user="ann", offline_token="true")
    assert asked.body["refresh_token"]
    header = {"Authorization": f"Bearer {first.body['refresh_token']}"}
    assert (await shop.request("GET", "/api/v1/tokens", headers=header)).status == 401
    ann = await Person(shop, "ann").sign_in()
    change = {"password": "another-password", "oldPassword": PASSWORD}
    await ann.do("PATCH", "/accounts/ann", change)
    assert (await post(shop, **refresh, service="hub")).status == 401
    assert (await post(shop, grant_type="magic")).status == 400


async def test_a_registry_token_does_not_open_the_site(shop: Site) -> None:
    token = (await ask(shop, *ALL, user="ann")).body["token"]
    headers = {"Authorization": f"Bearer {token}"}
    reply = await shop.request("GET", "/api/v1/tokens", headers=headers)
    assert reply.status == 401


async def test_one_password_shown_many_times_at_once(shop: Site) -> None:
    replies = await asyncio.gather(*(ask(shop, *ALL, user="ann") for _ in range(20)))
    assert {reply.status for reply in replies} == {200}
    wrong = (ask(shop, *ALL, user="ann", password="wrong-one") for _ in range(15))
    statuses = [reply.status for reply in await asyncio.gather(*wrong)]
    assert sorted(statuses) == [401] * 10 + [429] * 5
    assert (await ask(shop, *ALL, user="ann")).status == 200
