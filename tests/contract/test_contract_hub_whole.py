"""The registry with real accounts: who may pull and push, quotas, counts; Docker Hub's API."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.support.hub_site import PASSWORD, Person, Reply, Site, serving_site
from tests.support.waiting import DEADLINE_S

from budu.hub.registry.paths import Kind, parse_path
from budu.hub.registry.service import HANDLERS
from budu.hub.schema import deliveries
from budu.spec.digest import Digest

OCI = "application/vnd.oci.image.manifest.v1+json"
WHO = ("outsider", "stranger", "reader", "writer", "owner", "admin")


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    """The header of who signs in with each request; nobody's is empty."""
    if name in ("", "outsider"):
        return {}
    value = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {value}"}


async def bearer(site: Site, name: str, challenge: str) -> dict[str, str]:
    """The header that a challenge leads to, as docker does it."""
    found = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    assert found["realm"].endswith("/token")
    query = f"service={found['service']}&scope={found.get('scope', '')}"
    reply = await site.request("GET", f"/token?{query}", headers=basic(name))
    return {"Authorization": f"Bearer {reply.body['token']}"}


@pytest.fixture
async def shop(site: Site) -> Site:
    """acme has a private and a public repository."""
    people = {name: await site.person(name) for name in ("stranger", "reader", "writer", "owner")}
    owner = people["owner"]
    await owner.do("POST", "/organizations", {"name": "acme"})
    for name in ("shut", "open"):
        body = {"account": "acme", "name": name, "isPrivate": name == "shut"}
        await owner.do("POST", "/repositories", body)
        await site.push(f"acme/{name}", "1")
    for name in ("reader", "writer"):
        await owner.do("PUT", f"/repositories/acme/shut/grants/user:{name}", {"role": name})
    return site


ALL = "outsider stranger reader writer owner admin"
READERS, WRITERS, OWNERS = "reader writer owner admin", "writer owner admin", "owner admin"
REGISTRY = (
    ("GET", "/v2/", "stranger reader writer owner admin"),
    ("GET", "/v2/_catalog", ALL),
    ("GET", "/v2/acme/shut/manifests/1", READERS),
    ("HEAD", "/v2/acme/shut/manifests/1", READERS),
    ("GET", "/v2/acme/shut/manifests/{manifest}", READERS),
    ("GET", "/v2/acme/shut/blobs/{blob}", READERS),
    ("HEAD", "/v2/acme/shut/blobs/{blob}", READERS),
    ("GET", "/v2/acme/shut/tags/list", READERS),
    ("GET", "/v2/acme/shut/referrers/{manifest}", READERS),
    ("GET", "/v2/acme/open/manifests/1", ALL),
    ("GET", "/v2/acme/open/tags/list", ALL),
    ("POST", "/v2/acme/shut/blobs/uploads/", WRITERS),
    ("GET", "{upload}", WRITERS),
    ("PATCH", "{upload}", WRITERS),
    ("PUT", "{upload}?digest={empty}", WRITERS),
    ("DELETE", "{upload}", WRITERS),
    ("PUT", "/v2/acme/shut/manifests/2", WRITERS),
    ("POST", "/v2/acme/open/blobs/uploads/", OWNERS),
    ("POST", "/v2/acme/new/blobs/uploads/", OWNERS),
    ("POST", "/v2/stranger/new/blobs/uploads/", "stranger admin"),
    ("POST", "/v2/library/new/blobs/uploads/", "admin"),
    ("DELETE", "/v2/acme/shut/manifests/1", OWNERS),
    ("DELETE", "/v2/acme/shut/manifests/{manifest}", OWNERS),
    ("DELETE", "/v2/acme/shut/blobs/{loose}", OWNERS),
)


def test_every_route_of_the_registry_has_a_row() -> None:
    filled = {"upload": f"/v2/acme/shut/blobs/uploads/{'0' * 32}", "empty": "x"}
    filled |= dict.fromkeys(("blob", "loose", "manifest"), Digest.of(b""))
    rows = {
        (parse_path(path.format(**filled).partition("?")[0]).kind, m) for m, path, _ in REGISTRY
    }
    routes = {(kind, method) for kind, methods in HANDLERS.items() for method in methods}
    assert rows - {(Kind.MANIFEST, "HEAD"), (Kind.BLOB, "HEAD")} == routes


async def placeholders(shop: Site) -> dict[str, str]:
    """What stands in the paths: things of acme/shut."""
    owner = basic("owner")
    manifest = await shop.request("HEAD", "/v2/acme/shut/manifests/1", headers=owner)
    whole = await shop.request("GET", "/v2/acme/shut/manifests/1", headers=owner)
    loose = b"nobody names this"
    path = f"/v2/acme/shut/blobs/uploads/?digest={Digest.of(loose)}"
    assert (await shop.request("POST", path, data=loose, headers=owner)).status == 201
    upload = await shop.request("POST", "/v2/acme/shut/blobs/uploads/", headers=owner)
    return {
        "manifest": manifest.headers["Docker-Content-Digest"],
        "blob": whole.body["config"]["digest"],
        "loose": Digest.of(loose),
        "empty": Digest.of(b""),
        "upload": upload.headers["Location"],
    }


async def document(shop: Site) -> bytes:
    """The manifest that rows push once more."""
    headers = basic("owner")
    found = await shop.request("GET", "/v2/acme/shut/manifests/1", headers=headers)
    return msgspec.json.encode(found.body)


@pytest.mark.parametrize(("method", "path", "allowed"), REGISTRY)
async def test_who_may_ask_the_registry(shop: Site, method: str, path: str, allowed: str) -> None:
    may = allowed.split()
    body = await document(shop) if method == "PUT" and "manifests" in path else None
    kind = {"Content-Type": OCI} if body else {}
    path = path.format(**await placeholders(shop))

    async def ask(headers: dict[str, str]) -> Reply:
        return await shop.request(method, path, data=body, headers={**headers, **kind})

    for name in (*(each for each in WHO if each not in may), may[0]):
        plain = await ask(basic(name))
        assert (plain.status < 300) == (name in may), (name, plain)
        assert plain.status in (200, 201, 202, 204, 401, 403), (name, plain)
    for name in WHO:
        first = await ask({})
        if first.status == 401 and path != "/v2/":  # who has a token of nobody's may see that path
            again = await ask(await bearer(shop, name, first.headers["WWW-Authenticate"]))
            is_let_through = again.status < 300 or again.status == 404  # it is done already
            assert is_let_through == (name in may), (name, again)


async def test_what_is_hidden_looks_like_what_is_not_there(shop: Site) -> None:
    for name in ("outsider", "stranger"):
        answers = [
            await shop.request("GET", f"/v2/acme/{each}/manifests/1", headers=basic(name))
            for each in ("shut", "absent")
        ]
        assert answers[0].status == answers[1].status
        assert answers[0].body == answers[1].body


async def test_the_front_door_asks_for_a_name(shop: Site) -> None:
    nobody = await shop.request("GET", "/v2/", headers={})
    assert nobody.status == 401
    header = await bearer(shop, "", nobody.headers["WWW-Authenticate"])
    assert (await shop.request("GET", "/v2/", headers=header)).status == 200
    assert (await shop.request("GET", "/v2/", headers=basic("reader"))).status == 200
    assert (await shop.request("GET", "/v2/", headers=basic("reader", "wrong-one"))).status == 401


async def test_behind_a_balancer_clients_are_sent_to_its_address(tmp_path: Path) -> None:
    async with serving_site(tmp_path, address="https://hub.example/", trusted_proxies=1) as site:
        challenge = (await site.request("GET", "/v2/", headers={})).headers["WWW-Authenticate"]
        assert challenge == 'Bearer realm="https://hub.example/token",service="hub.example"'
        ann = await site.person("ann")
        forwarded = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
        body = {"account": "ann", "name": "web"}
        made = await ann.ask("POST", "/repositories", body, headers=forwarded)
        assert made.body["pullCommand"] == "docker pull hub.example/ann/web"
        assert (await ann.get("/audit"))["results"][0]["address"] == "203.0.113.9"
        signed_in = await site.nobody().ask(
            "POST", "/session", {"name": "ann", "password": PASSWORD}
        )
        assert "Secure" in signed_in.headers["Set-Cookie"]


async def test_a_grant_taken_back_is_felt_at_once(shop: Site) -> None:
    path = "/v2/acme/shut/manifests/1"
    owner = await Person(shop, "owner").sign_in()
    assert (await shop.request("GET", path, headers=basic("reader"))).status == 200
    await owner.do("DELETE", "/repositories/acme/shut/grants/user:reader")
    assert (await shop.request("GET", path, headers=basic("reader"))).status == 403
    assert (await shop.request("GET", "/v2/acme/open/manifests/1", headers={})).status == 200
    await owner.do("PATCH", "/repositories/acme/open", {"isPrivate": True})
    assert (await shop.request("GET", "/v2/acme/open/manifests/1", headers={})).status == 401


async def test_the_catalogue_shows_what_one_may_read(shop: Site) -> None:
    seen = {}
    for name in WHO:
        reply = await shop.request("GET", "/v2/_catalog", headers=basic(name))
        seen[name] = reply.body["repositories"]
    assert seen["outsider"] == seen["stranger"] == ["acme/open"]
    assert seen["reader"] == seen["owner"] == seen["admin"] == ["acme/open", "acme/shut"]


async def push(
    site: Site, repository: str, tag: str, data: bytes, headers: dict[str, str]
) -> Reply:
    """Push an image by the registry's API; the last answer."""
    config = msgspec.json.encode({"os": "linux", "architecture": "arm64", "data": data.hex()[:8]})
    for blob in (config, data):
        path = f"/v2/{repository}/blobs/uploads/?digest={Digest.of(blob)}"
        reply = await site.request("POST", path, data=blob, headers=headers)
        if reply.status == 202:
            place = reply.headers["Location"]
            place = place[place.index("/v2/") :]
            join = "&" if "?" in place else "?"
            put = f"{place}{join}digest={Digest.of(blob)}"
            reply = await site.request("PUT", put, data=blob, headers=headers)
        if reply.status != 201:
            return reply
    kinds = {config: "config.v1+json", data: "layer.v1.tar"}
    parts = [
        {
            "mediaType": f"application/vnd.oci.image.{kind}",
            "digest": str(Digest.of(blob)),
            "size": len(blob),
        }
        for blob, kind in kinds.items()
    ]
    document = {"schemaVersion": 2, "mediaType": OCI, "config": parts[0], "layers": parts[1:]}
    path = f"/v2/{repository}/manifests/{tag}"
    typed = {**headers, "Content-Type": OCI}
    return await site.request("PUT", path, data=msgspec.json.encode(document), headers=typed)


async def test_a_push_makes_a_repository_and_is_told(shop: Site) -> None:
    owner = await Person(shop, "owner").sign_in()
    assert (await push(shop, "owner/app", "1", b"x" * 1000, basic("owner"))).status == 201
    made = await owner.get("/repositories/owner/app")
    assert (made["tagCount"], made["architectures"], bool(made["pushedAt"])) == (1, ["arm64"], True)
    hook = {"name": "ci", "url": "https://example.invalid"}
    await owner.do("POST", "/repositories/owner/app/webhooks", hook)
    assert (await push(shop, "owner/app", "2", b"y" * 1000, basic("owner"))).status == 201
    query = sa.select(deliveries.c.payload)
    [told] = await shop.hub.services.database.read(lambda c: [*c.execute(query).scalars()])
    assert msgspec.json.decode(told)["push_data"]["tag"] == "2"
    tags = await owner.get("/repositories/owner/app/tags")
    assert {tag["pushedBy"] for tag in tags["results"]} == {"owner"}
    noted = [entry["action"] for entry in (await owner.get("/audit"))["results"]]
    assert noted.count("tag.push") == 2


async def test_a_token_of_the_site_may_push_what_its_scope_says(shop: Site) -> None:
    owner = await Person(shop, "owner").sign_in()
    for scope, status in (("read", 403), ("write", 201)):
        made = await owner.do("POST", "/tokens", {"name": scope, "scope": scope})
        headers = basic("owner", made["secret"])
        assert (await push(shop, f"owner/{scope}", "1", b"z", headers)).status == status


async def test_immutable_tags_do_not_move(shop: Site) -> None:
    owner = await Person(shop, "owner").sign_in()
    assert (await push(shop, "owner/app", "v1", b"1", basic("owner"))).status == 201
    await owner.do("PATCH", "/repositories/owner/app", {"immutableTags": "v*"})
    refused = await push(shop, "owner/app", "v1", b"2", basic("owner"))
    assert 400 <= refused.status < 500
    assert (await push(shop, "owner/app", "latest", b"2", basic("owner"))).status == 201


async def test_a_full_account_is_refused_with_a_sentence(shop: Site) -> None:
    admin = await shop.admin()
    await admin.do("PATCH", "/admin/accounts/owner", {"quotaBytes": 5000})
    assert (await push(shop, "owner/app", "1", b"a" * 4000, basic("owner"))).status == 201
    refused = await push(shop, "owner/app", "2", b"b" * 4000, basic("owner"))
    assert (refused.status, refused.body["errors"][0]["code"]) == (403, "DENIED")
    assert "has used 4" in refused.body["errors"][0]["message"]
    await admin.do("PATCH", "/admin/accounts/owner", {"quotaBytes": None})
    assert (await push(shop, "owner/app", "2", b"b" * 4000, basic("owner"))).status == 201


async def test_pulls_are_counted(shop: Site) -> None:
    for _ in range(3):
        await shop.request("GET", "/v2/acme/open/manifests/1", headers=basic("reader"))
    deadline = time.monotonic() + DEADLINE_S
    nobody = shop.nobody()
    while (await nobody.get("/repositories/acme/open"))["pulls"] < 3:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert (await nobody.get("/repositories/acme/open/tags"))["results"][0]["pulledAt"]


async def test_pulls_are_told_to_who_wants_them(shop: Site) -> None:
    owner = await Person(shop, "owner").sign_in()
    hook = {"name": "ci", "url": "https://example.invalid", "events": ["pull"]}
    await owner.do("POST", "/repositories/acme/open/webhooks", hook)
    await shop.request("GET", "/v2/acme/open/manifests/1", headers={})
    deadline = time.monotonic() + DEADLINE_S
    query = sa.select(deliveries.c.payload)
    database = shop.hub.services.database
    while not (found := await database.read(lambda c: [*c.execute(query).scalars()])):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    told = msgspec.json.decode(found[0])
    assert (told["event"], told["push_data"]["tag"]) == ("pull", "1")


# Docker Hub's own API


async def test_searches_of_docker(shop: Site) -> None:
    await shop.push("library/httpd", "2.4")
    admin = await shop.admin()
    await admin.do("PATCH", "/repositories/library/httpd", {"summary": "The Apache HTTP Server"})
    old = await shop.request("GET", "/v1/search?q=apache&n=25", headers={})
    assert old.body["results"][0] == {
        "name": "httpd",
        "description": "The Apache HTTP Server",
        "star_count": 0,
        "is_official": True,
        "is_automated": False,
        "is_trusted": False,
    }
    new = await shop.request("GET", "/v2/search/repositories/?query=o&page_size=1", headers={})
    assert new.body["count"] >= 1
    assert new.body["results"][0]["repo_name"]
    assert (await shop.request("GET", "/v1/search?q=shut", headers={})).body["results"] == []
    assert (await shop.request("GET", "/v1/search?q=x&n=abc", headers={})).status == 400


async def login(site: Site, name: str) -> dict[str, str]:
    """The header of who signed in as hub-tool does."""
    body = msgspec.json.encode({"username": name, "password": PASSWORD})
    headers = {"Content-Type": "application/json"}
    reply = await site.request("POST", "/v2/users/login/", data=body, headers=headers)
    return {"Authorization": f"JWT {reply.body['token']}"}


async def test_repositories_of_docker_hub(shop: Site) -> None:
    one = "/v2/repositories/acme/shut/"
    assert (await shop.request("GET", one, headers={})).status == 404
    reader, owner = await login(shop, "reader"), await login(shop, "owner")
    found = (await shop.request("GET", one, headers=reader)).body
    assert (found["namespace"], found["name"], found["is_private"]) == ("acme", "shut", True)
    assert found["permissions"] == {"read": True, "write": False, "admin": False}
    texts = msgspec.json.encode({"full_description": "# Hi", "description": "short"})
    assert (await shop.request("PATCH", one, data=texts, headers=reader)).status == 403
    changed = await shop.request("PATCH", one, data=texts, headers=owner)
    assert (changed.body["full_description"], changed.body["description"]) == ("# Hi", "short")
    listed = await shop.request("GET", "/v2/namespaces/acme/repositories", headers={})
    assert [each["name"] for each in listed.body["results"]] == ["open"]
    mine = await shop.request("GET", "/v2/repositories/acme/?page_size=1", headers=owner)
    assert (mine.body["count"], len(mine.body["results"])) == (2, 1)
    assert "page=2" in mine.body["next"]


async def test_tags_of_docker_hub(shop: Site) -> None:
    owner = await login(shop, "owner")
    path = "/v2/namespaces/acme/repositories/open/tags"
    found = (await shop.request("GET", path, headers={})).body
    [tag] = found["results"]
    assert (tag["name"], tag["images"][0]["architecture"]) == ("1", "amd64")
    single = await shop.request("GET", "/v2/repositories/acme/open/tags/1/", headers={})
    assert single.body == tag
    assert (await shop.request("DELETE", f"{path}/1", headers={})).status == 401
    assert (await shop.request("DELETE", f"{path}/1", headers=owner)).status == 204
    assert (await shop.request("GET", f"{path}/1", headers=owner)).status == 404
    assert (await shop.request("GET", "/v2/user/", headers=owner)).body["username"] == "owner"


async def test_login_of_docker_hub_refuses(shop: Site) -> None:
    bodies: list[tuple[Any, int]] = [
        ({"username": "owner", "password": "wrong-password"}, 401),
        ([], 400),
        ({"username": 5}, 400),
    ]
    for body, status in bodies:
        reply = await shop.request(
            "POST", "/v2/users/login", data=msgspec.json.encode(body), headers={}
        )
        assert reply.status == status
