"""Accounts and organizations that are deleted: what goes, what stays, who gets the name."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest
import sqlalchemy as sa
from tests.support.hub_site import PASSWORD, Person, Site

from budu.hub.accounts import people, retired
from budu.hub.accounts.audit import HUB
from budu.hub.schema import accounts, blob_links, retired_names
from budu.spec.digest import Digest

SHOWN = {"password": PASSWORD}


@pytest.fixture
async def ann(site: Site) -> Person:
    """Somebody with a repository, a token and a star."""
    ann, bob = await site.person("ann"), await site.person("bob")
    await bob.do("POST", "/repositories", {"account": "bob", "name": "web"})
    await ann.do("PUT", "/repositories/bob/web/star")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
    await site.push("ann/web", "latest")
    return ann


async def test_an_account_goes_after_its_password(site: Site, ann: Person) -> None:
    elsewhere = await Person(site, "ann").sign_in()
    token = (await ann.do("POST", "/tokens", {"name": "x", "scope": "admin"}))["secret"]
    for wrong in ("no", "", token):
        reply = await ann.ask("DELETE", "/accounts/ann", {"password": wrong})
        assert reply.status in (401, 403), wrong
    assert (await ann.get("/session"))["user"]["name"] == "ann"
    reply = await ann.ask("DELETE", "/accounts/ann", SHOWN)
    assert (reply.status, reply.body["user"]) == (200, None)
    assert "hub_session=" in reply.headers["Set-Cookie"]
    assert (await elsewhere.get("/session"))["user"] is None
    nobody = site.nobody()
    for path in ("/accounts/ann", "/accounts/ann/repositories", "/repositories/ann/web"):
        assert (await nobody.ask("GET", path)).status == 404, path
    assert (await nobody.get("/repositories/bob/web"))["stars"] == 0
    assert (await nobody.ask("POST", "/session", {"name": "ann", **SHOWN})).status == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert (await nobody.ask("GET", "/tokens", headers=headers)).status == 401
    assert (await site.request("GET", "/v2/ann/web/manifests/latest", headers={})).status == 401


async def test_its_blobs_go_with_the_sweep_and_those_of_others_stay(
    site: Site, ann: Person
) -> None:
    services = site.hub.services
    mine = await site.push("ann/alone", "1", at=1.0)
    await site.push("bob/web", "1", at=1.0)
    digests = await services.database.read(
        lambda c: {*c.execute(sa.select(blob_links.c.digest)).scalars()}
    )
    assert (await ann.ask("DELETE", "/accounts/ann", SHOWN)).status == 200
    left = await services.database.read(
        lambda c: {*c.execute(sa.select(blob_links.c.digest)).scalars()}
    )
    assert left < digests
    await (await site.admin()).do("POST", "/admin/sweep")
    old = [digest for digest in digests - left if await services.blobs.size(Digest(digest)) is None]
    assert old
    for digest in left:
        assert await services.blobs.size(Digest(digest)) is not None
    assert mine


async def test_the_name_is_given_to_nobody_at_once(site: Site, ann: Person) -> None:
    await ann.do("DELETE", "/accounts/ann", SHOWN)
    bob = await Person(site, "bob").sign_in()
    new = {"name": "ann", **SHOWN}
    for reply in (
        await site.nobody().ask("POST", "/accounts", new),
        await bob.ask("POST", "/organizations", {"name": "ann"}),
    ):
        assert (reply.status, reply.body["code"]) == (409, "already-exists")
        assert "given up lately" in reply.body["message"]
    change = sa.update(retired_names).values(retired_at=retired_names.c.retired_at - retired.HELD_S)
    await site.hub.services.database.write(lambda c: c.execute(change).rowcount)
    second = site.nobody()
    assert (await second.do("POST", "/accounts", new))["user"]["name"] == "ann"
    noted = (await second.get("/audit"))["results"]
    assert [entry["action"] for entry in noted] == ["user.create"]


async def test_an_admin_may_give_the_name_again(site: Site, ann: Person) -> None:
    await ann.do("DELETE", "/accounts/ann", SHOWN)
    admin = await site.admin()
    await admin.do("POST", "/accounts", {"name": "ann", "password": "another-password"})
    await Person(site, "ann").sign_in("another-password")
    assert (await ann.get("/session"))["user"] is None


async def test_the_audit_log_keeps_what_was(site: Site, ann: Person) -> None:
    await ann.do("DELETE", "/accounts/ann", SHOWN)
    noted = (await (await site.admin()).get("/audit?account=ann"))["results"]
    assert (noted[0]["action"], noted[0]["actor"]) == ("user.delete", "ann")
    assert noted[0]["detail"] == {"repositories": 1}
    assert "repository.create" in {entry["action"] for entry in noted}
    assert PASSWORD not in str(noted)


async def test_an_owner_deletes_an_organization(site: Site, ann: Person) -> None:
    bob = await Person(site, "bob").sign_in()
    await ann.do("POST", "/organizations", {"name": "acme"})
    await ann.do("PUT", "/organizations/acme/members/bob", {"role": "member"})
    await ann.do("PUT", "/organizations/acme/teams/dev", {})
    await ann.do("POST", "/repositories", {"account": "acme", "name": "web"})
    reply = await bob.ask("DELETE", "/accounts/acme", SHOWN)
    assert (reply.status, reply.body["code"]) == (403, "permission-denied")
    assert (await ann.ask("DELETE", "/accounts/acme", {"password": "no"})).status == 401
    session = await ann.do("DELETE", "/accounts/acme", SHOWN)
    assert (session["user"]["name"], session["user"]["organizations"]) == ("ann", [])
    for path in ("/repositories/acme/web", "/accounts/acme", "/organizations/acme/members"):
        assert (await ann.ask("GET", path)).status == 404, path
    assert (await ann.ask("POST", "/organizations", {"name": "acme"})).status == 409


async def test_nobody_leaves_an_organization_without_owner(site: Site, ann: Person) -> None:
    await ann.do("POST", "/organizations", {"name": "acme"})
    await ann.do("PUT", "/organizations/acme/members/bob", {"role": "member"})
    reply = await ann.ask("DELETE", "/accounts/ann", SHOWN)
    assert (reply.status, reply.body["code"]) == (409, "conflict")
    assert "acme" in reply.body["message"]
    await ann.do("PUT", "/organizations/acme/members/bob", {"role": "owner"})
    await ann.do("DELETE", "/accounts/ann", SHOWN)
    bob = await Person(site, "bob").sign_in()
    members = (await bob.get("/organizations/acme/members"))["results"]
    assert [member["name"] for member in members] == ["bob"]


async def test_what_the_hub_needs_stays(site: Site, ann: Person) -> None:
    admin = await site.admin()
    for name in ("admin", "library"):
        reply = await admin.ask("DELETE", f"/accounts/{name}", SHOWN)
        assert (reply.status, reply.body["code"]) == (409, "conflict"), name
    assert (await ann.ask("DELETE", "/accounts/bob", SHOWN)).status == 403
    session = await admin.do("DELETE", "/accounts/ann", SHOWN)
    assert session["user"]["name"] == "admin"
    assert (await ann.get("/session"))["user"] is None


async def test_ids_are_not_given_twice(site: Site, ann: Person) -> None:
    database = site.hub.services.database

    async def highest() -> int:
        query = sa.select(sa.func.max(accounts.c.id))
        return int(await database.read(lambda c: c.execute(query).scalar_one()))

    await site.add_user("last")
    before = await highest()
    last = await Person(site, "last").sign_in()
    await last.do("DELETE", "/accounts/last", SHOWN)
    await database.write(lambda c: people.add(c, "next", kind="user", author=HUB))
    assert await highest() > before


async def test_a_push_into_what_was_deleted_meanwhile_is_refused(site: Site, ann: Person) -> None:
    pair = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    data = b"layer" * 1000
    begun = await site.request("POST", "/v2/ann/web/blobs/uploads/", headers=headers)
    going, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield data[:1000]
        going.set()
        await go_on.wait()
        yield data[1000:]

    place = site.url + begun.headers["Location"]
    async with aiohttp.ClientSession(headers=headers) as client:
        query = {"digest": str(Digest.of(data))}
        put = asyncio.create_task(client.put(place, params=query, data=body()))
        await going.wait()
        await ann.do("DELETE", "/accounts/ann", SHOWN)
        go_on.set()
        async with await put as answer:
            told = await answer.json()
    assert (answer.status, told["errors"][0]["code"]) == (404, "NAME_UNKNOWN")
    again = await site.request("POST", "/v2/ann/web/blobs/uploads/", headers=headers)
    assert again.status == 401
