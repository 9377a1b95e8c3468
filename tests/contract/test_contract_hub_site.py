"""The hub's site API over HTTP, the same over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard
from tests.support.hub_site import PASSWORD, Person, Site, serving_site
from tests.support.waiting import DEADLINE_S

from budu.base.errors import DataLoss
from budu.hub.registry.hashing import CountedHash
from budu.hub.repositories import facts, tags
from budu.hub.repositories.unpacked import measure
from budu.spec.digest import Digest

DAY_S = 86400.0
CONFIG = {
    "os": "linux",
    "architecture": "amd64",
    "created": "2026-01-01T00:00:00Z",
    "config": {
        "Entrypoint": ["httpd"],
        "Cmd": ["-D", "FOREGROUND"],
        "ExposedPorts": {"80/tcp": {}},
        "Env": ["PATH=/bin"],
    },
    "history": [
        {"created_by": "/bin/sh -c #(nop) ADD file:1 in / "},
        {"created_by": '/bin/sh -c #(nop)  CMD ["httpd"]', "empty_layer": True},
        {"created_by": "RUN /bin/sh -c apt-get update # buildkit"},
    ],
}


async def test_signing_up_in_and_out(site: Site) -> None:
    ann = site.nobody()
    made = await ann.do(
        "POST", "/accounts", {"name": "ann", "password": PASSWORD, "email": "a@b.c"}
    )
    assert made["user"]["name"] == "ann"
    assert (await ann.get("/session"))["user"]["email"] == "a@b.c"
    old = ann.cookie
    assert (await ann.do("DELETE", "/session"))["user"] is None
    ann.cookie = old
    assert (await ann.get("/session"))["user"] is None
    await Person(site, "ann").sign_in()


async def test_cookies_are_for_the_server_alone(site: Site) -> None:
    reply = await site.nobody().ask("POST", "/session", {"name": "admin", "password": PASSWORD})
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(("name", "password"), [("admin", "wrong-password"), ("nobody", PASSWORD)])
async def test_wrong_passwords_and_names_look_alike(site: Site, name: str, password: str) -> None:
    reply = await site.nobody(language="ko").ask(
        "POST", "/session", {"name": name, "password": password}
    )
    assert (reply.status, reply.body["code"]) == (401, "unauthenticated")
    assert reply.body["message"] == "이름이나 비밀번호가 맞지 않습니다."


async def test_guessing_is_stopped(site: Site) -> None:
    guesser = site.nobody()
    for number in range(10):
        await guesser.ask("POST", "/session", {"name": "admin", "password": f"guess-{number}"})
    reply = await guesser.ask("POST", "/session", {"name": "admin", "password": PASSWORD})
    assert (reply.status, reply.body["code"]) == (429, "too-many-attempts")
    assert int(reply.headers["Retry-After"]) > 0


async def test_accounts_are_not_made_by_the_hundred(site: Site) -> None:
    statuses = []
    for number in range(22):
        body = {"name": f"robot{number}", "password": PASSWORD}
        statuses.append((await site.nobody().ask("POST", "/accounts", body)).status)
    assert statuses == [201] * 20 + [429] * 2
    await (await site.admin()).do("POST", "/accounts", {"name": "human", "password": PASSWORD})


async def test_a_forged_request_changes_nothing(site: Site) -> None:
    ann = await site.person("ann")
    body = {"account": "ann", "name": "web"}
    for headers in (
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert (await ann.ask("POST", "/repositories", body, headers=headers)).status == 403
    form = {"Content-Type": "text/plain"}
    assert (await ann.ask("POST", "/repositories", body, headers=form)).status == 400
    assert (await ann.get("/accounts/ann/repositories"))["count"] == 0


async def test_a_name_is_taken_once(site: Site) -> None:
    await site.add_user("ann")
    names = ("ann", "bob", "bob", "bob")
    replies = await asyncio.gather(
        *(site.nobody().ask("POST", "/accounts", {"name": n, "password": PASSWORD}) for n in names)
    )
    assert sorted(reply.status for reply in replies) == [201, 409, 409, 409]


async def test_a_new_password_needs_the_old_and_ends_other_sessions(site: Site) -> None:
    ann = await site.person("ann")
    elsewhere = await Person(site, "ann").sign_in()
    new = {"password": "another-password"}
    assert (await ann.ask("PATCH", "/accounts/ann", {**new, "oldPassword": "no"})).status == 401
    await ann.do("PATCH", "/accounts/ann", {**new, "oldPassword": PASSWORD, "about": "me"})
    assert (await ann.get("/accounts/ann"))["about"] == "me"
    assert (await ann.get("/session"))["user"]["name"] == "ann"
    assert (await elsewhere.get("/session"))["user"] is None
    await Person(site, "ann").sign_in("another-password")


async def test_sign_up_can_be_closed(tmp_path: Path) -> None:
    async with serving_site(tmp_path, can_sign_up=False) as site:
        body = {"name": "ann", "password": PASSWORD}
        assert (await site.nobody().ask("POST", "/accounts", body)).status == 403
        await (await site.admin()).do("POST", "/accounts", body)
        await Person(site, "ann").sign_in()


async def test_repositories_are_made_changed_and_removed(site: Site) -> None:
    ann = await site.person("ann", display_name="Ann")
    made = await ann.do(
        "POST", "/repositories", {"account": "ann", "name": "web", "summary": "My web"}
    )
    assert (made["name"], made["role"], made["publisher"]) == ("ann/web", "owner", "Ann")
    values = {
        "overview": "# Hi",
        "overviewKo": "# 안녕",
        "summaryKo": "내 웹",
        "categories": ["web-servers"],
    }
    changed = await ann.do("PATCH", "/repositories/ann/web", values)
    assert changed["overviewHtml"] == "<h1>Hi</h1>\n"
    assert changed["editing"]["overviewKo"] == "# 안녕"
    korean = await site.nobody(language="ko").get("/repositories/ann/web")
    assert (korean["overviewHtml"], korean["summary"]) == ("<h1>안녕</h1>\n", "내 웹")
    assert (korean["role"], korean["editing"]) == ("reader", None)
    await ann.do("DELETE", "/repositories/ann/web")
    assert (await ann.ask("GET", "/repositories/ann/web")).status == 404


@pytest.mark.parametrize(
    "change",
    [{"categories": ["nonsense"]}, {"summary": "x" * 301}, {"product": "car"}, {"isPrivate": "yes"},
     {"categories": ["web-servers", "security", "networking", "monitoring-and-observability"]}],
)  # fmt: skip
async def test_wrong_settings_are_refused(site: Site, change: dict[str, object]) -> None:
    ann = await site.person("ann")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
    assert (await ann.ask("PATCH", "/repositories/ann/web", change)).status == 400


async def test_private_repositories_are_hidden(site: Site) -> None:
    ann, bob = await site.person("ann"), await site.person("bob")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "secret", "isPrivate": True})
    for other in (bob, site.nobody()):
        assert (await other.ask("GET", "/repositories/ann/secret")).status == 404
        assert (await other.get("/accounts/ann/repositories"))["count"] == 0
        assert (await other.get("/explore?q=secret"))["count"] == 0
    assert (await ann.get("/accounts/ann/repositories"))["count"] == 1
    await ann.do("PUT", "/repositories/ann/secret/grants/user:bob", {"role": "reader"})
    assert (await bob.get("/repositories/ann/secret"))["role"] == "reader"
    assert (await bob.get("/accounts/ann/repositories"))["count"] == 1
    await ann.do("DELETE", "/repositories/ann/secret/grants/user:bob")
    assert (await bob.ask("GET", "/repositories/ann/secret")).status == 404


async def test_explore_finds_and_filters(site: Site) -> None:
    admin = await site.admin()
    await site.push("library/httpd", "2.4", config=CONFIG)
    await site.push("admin/httpd", "latest")
    await admin.do("PATCH", "/repositories/library/httpd", {"categories": ["web-servers"]})
    found = await site.nobody().get("/explore?q=%EC%95%84%ED%8C%8C%EC%B9%98")
    assert [card["name"] for card in found["results"]] == ["library/httpd", "admin/httpd"]
    card = found["results"][0]
    assert (card["badge"], card["architectures"], card["publisher"]) == (
        "official",
        ["amd64"],
        "Official images",
    )
    found = await site.nobody().get("/explore?q=httpdd&official=true&architecture=amd64,arm64")
    assert (found["count"], found["corrected"]) == (1, "httpd")
    assert found["facets"]["category"] == [{"value": "web-servers", "count": 1}]
    categories = (await site.nobody(language="ko").get("/categories"))["results"]
    counted = {each["slug"]: (each["name"], each["count"]) for each in categories}
    assert len(counted) == 15
    assert counted["web-servers"] == ("웹 서버", 1)


async def test_stars_count_users_once(site: Site) -> None:
    ann, bob = await site.person("ann"), await site.person("bob")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
    path = "/repositories/ann/web/star"
    await ann.do("PUT", path)
    assert await ann.do("PUT", path) == {"stars": 1, "isStarred": True}
    assert await bob.do("PUT", path) == {"stars": 2, "isStarred": True}
    assert (await bob.get("/repositories/ann/web"))["isStarred"]
    assert await ann.do("DELETE", path) == {"stars": 1, "isStarred": False}
    assert (await site.nobody().ask("PUT", path)).status == 401


async def test_tags_are_listed_opened_and_removed(site: Site) -> None:
    ann = await site.person("ann")
    now = time.time()
    digest = await site.push("ann/web", "1.10", "latest", config=CONFIG, at=now, parts=2)
    await site.push("ann/web", "1.9", at=now - 100)
    signature = await site.push(
        "ann/web", subject=digest, artifact_type="application/vnd.dev.cosign.artifact.sig.v1+json"
    )
    listed = await site.nobody().get("/repositories/ann/web/tags?sort=name")
    assert [tag["name"] for tag in listed["results"]] == ["1.9", "1.10", "latest"]
    opened = await site.nobody().get("/repositories/ann/web/tags/latest")
    image = opened["images"][0]
    assert (opened["tag"]["digest"], image["platform"]) == (digest, "linux/amd64")
    assert [layer["command"] for layer in image["layers"]] == [
        "ADD file:1 in /",
        'CMD ["httpd"]',
        "RUN apt-get update",
    ]
    assert [layer["digest"] is None for layer in image["layers"]] == [False, True, False]
    assert image["dockerfile"].splitlines()[-1] == "RUN apt-get update"
    assert image["settings"]["exposedPorts"] == ["80/tcp"]
    assert [(each["digest"], each["kind"]) for each in image["referrers"]] == [
        (signature, "signature")
    ]
    await ann.do("PATCH", "/repositories/ann/web", {"immutableTags": "1.*"})
    answer = await ann.do(
        "POST", "/repositories/ann/web/tags/delete", {"tags": ["latest", "1.9", "no"]}
    )
    assert answer["deleted"] == ["latest"]
    assert [each["tag"] for each in answer["refused"]] == ["1.9", "no"]
    assert (await ann.ask("DELETE", "/repositories/ann/web/tags/1.10")).status == 409
    assert (await ann.get("/repositories/ann/web/tags"))["count"] == 2


async def test_a_tag_tells_what_it_takes_unpacked(site: Site) -> None:
    await site.add_user("ann")
    await site.push("ann/web", "1", config=CONFIG, parts=3)
    nobody, path = site.nobody(), "/repositories/ann/web/tags/1"
    first = (await nobody.get(path))["images"][0]
    assert (first["unpackedBytes"], first["isMeasuring"]) == (None, True)
    deadline = time.monotonic() + DEADLINE_S
    while (image := (await nobody.get(path))["images"][0])["isMeasuring"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert image["unpackedBytes"] == sum(layer["sizeBytes"] for layer in image["layers"])


@pytest.mark.parametrize(
    ("packed", "size"),
    [
        (gzip.compress(b"x" * 300_000), 300_000),
        (gzip.compress(b"a" * 1000) + gzip.compress(b"b" * 500), 1500),
        (zstandard.compress(b"y" * 200_000), 200_000),
        (b"", 0),
        (gzip.compress(b"x" * 100_000)[:-20], None),
    ],
    ids=["gzip", "members", "zstd", "empty", "cut off"],
)
async def test_layers_are_measured(site: Site, packed: bytes, size: int | None) -> None:
    services, digest = site.hub.services, Digest.of(packed)
    upload = await services.blobs.begin()
    await services.blobs.append(upload, 0, pieces(packed), CountedHash())
    await services.blobs.commit(upload, digest)
    if size is not None:
        assert await measure(services.blobs, digest) == size
        return
    with pytest.raises(DataLoss):
        await measure(services.blobs, digest)


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    """Bytes as they might come."""
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


@pytest.mark.parametrize("sort", ["pushed", "name", "size", "pulled"])
@pytest.mark.parametrize("word", ["", "1.*", "1.1"])
async def test_pages_of_tags_follow_each_other(site: Site, sort: str, word: str) -> None:
    await site.add_user("ann")
    for number in range(12):
        await site.push("ann/web", f"1.{number}", at=100.0 + number % 5, parts=1 + number % 3)
    await site.push("ann/web", "latest", at=50.0)
    row = await site.hub.services.database.read(lambda c: facts.find(c, "ann/web"))
    assert row is not None
    every = await site.hub.services.database.read(lambda c: tags.every(c, row))
    wanted = [tag.name for tag in tags.ordered(every, query=word, sort=sort)]
    found: list[str] = []
    for page in range(1, 5):
        path = f"/repositories/ann/web/tags?sort={sort}&q={word}&page={page}&pageSize=4"
        answer = await site.nobody().get(path)
        assert answer["count"] == len(wanted)
        found += [tag["name"] for tag in answer["results"]]
    assert found == wanted
    assert len(wanted) in (13, 12, 3)


async def test_retention_tells_before_it_takes(site: Site) -> None:
    ann = await site.person("ann")
    now = time.time()
    for number in range(5):
        await site.push("ann/web", f"nightly-{number}", at=now - (number + 1) * DAY_S)
    await site.push("ann/web", "stable", at=now - 900 * DAY_S)
    rules = {"rules": [{"pattern": "nightly-*", "keepLast": 2}], "protected": ["*-4"]}
    path = "/repositories/ann/web/retention"
    preview = await ann.do("POST", f"{path}/preview", rules)
    assert [each["tag"] for each in preview["deletes"]] == ["nightly-3", "nightly-2"]
    assert preview["keeps"] == 4
    assert (await ann.get(path)) == {"rules": [], "protected": []}
    saved = await ann.do("PUT", path, rules)
    assert (await ann.get(path)) == saved
    for bad in ({"rules": [{"pattern": "*"}]}, {"rules": [{"keepLast": -1}]}):
        assert (await ann.ask("PUT", path, bad)).status == 400


async def test_tokens_do_what_their_scope_allows(site: Site) -> None:
    ann = await site.person("ann")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web", "isPrivate": True})
    made = {
        scope: await ann.do("POST", "/tokens", {"name": scope, "scope": scope})
        for scope in ("read", "write", "admin")
    }
    listed = (await ann.get("/tokens"))["results"]
    assert [token["name"] for token in listed] == ["admin", "write", "read"]
    assert not [token for token in listed if "secret" in token]
    nobody = site.nobody()

    async def status(scope: str, method: str, path: str, body: object = None) -> int:
        headers = {"Authorization": f"Bearer {made[scope]['secret']}"}
        return (await nobody.ask(method, path, body, headers=headers)).status

    assert await status("read", "GET", "/repositories/ann/web") == 200
    assert await status("read", "PUT", "/repositories/ann/web/star") == 403
    assert await status("write", "PATCH", "/repositories/ann/web", {"summary": "x"}) == 403
    assert await status("write", "GET", "/tokens") == 403
    assert await status("admin", "PATCH", "/repositories/ann/web", {"summary": "x"}) == 200
    assert await status("admin", "POST", "/tokens", {"name": "more"}) == 201
    await ann.do("DELETE", f"/tokens/{made['admin']['token']['id']}")
    assert await status("admin", "GET", "/tokens") == 401
    reply = await nobody.ask(
        "POST", "/session", {"name": "ann", "password": made["read"]["secret"]}
    )
    assert reply.status == 400


async def test_organizations_teams_and_grants(site: Site) -> None:
    ann, bob, eve = [await site.person(name) for name in ("ann", "bob", "eve")]
    await ann.do("POST", "/organizations", {"name": "acme", "displayName": "Acme"})
    await ann.do("POST", "/repositories", {"account": "acme", "name": "web", "isPrivate": True})
    team, grant = "/organizations/acme/teams/dev", "/repositories/acme/web/grants/team:dev"
    assert (await ann.ask("PUT", f"{team}/members/bob")).status == 404
    await ann.do("PUT", team, {"about": "Developers"})
    assert (await ann.ask("PUT", f"{team}/members/bob")).status == 409
    await ann.do("PUT", "/organizations/acme/members/bob", {"role": "member"})
    await ann.do("PUT", f"{team}/members/bob")
    assert (await bob.ask("GET", "/repositories/acme/web")).status == 404
    await ann.do("PUT", grant, {"role": "writer"})
    assert (await bob.get("/repositories/acme/web"))["role"] == "writer"
    assert (await bob.get("/organizations/acme/teams"))["results"][0]["members"] == ["bob"]
    assert (await eve.ask("GET", "/organizations/acme/teams")).status == 403
    assert (await ann.ask("DELETE", "/organizations/acme/members/ann")).status == 409
    await ann.do("DELETE", "/organizations/acme/members/bob")
    assert (await bob.ask("GET", "/repositories/acme/web")).status == 404


async def test_everything_is_noted_without_secrets(site: Site) -> None:
    ann = await site.person("ann")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
    secret = (await ann.do("POST", "/tokens", {"name": "ci"}))["secret"]
    hook = {"name": "x", "url": "https://example.com/h", "secret": "hook-secret"}
    await ann.do("POST", "/repositories/ann/web/webhooks", hook)
    noted = (await ann.get("/audit"))["results"]
    assert [entry["action"] for entry in noted[:3]] == [
        "webhook.create",
        "token.create",
        "repository.create",
    ]
    assert noted[0]["address"] == "127.0.0.1"
    assert secret not in str(noted)
    assert "hook-secret" not in str(noted)
    bob = await site.person("bob")
    assert (await bob.ask("GET", "/audit?account=ann")).status == 403
    assert (await bob.ask("GET", "/audit?account=*")).status == 403
    assert (await (await site.admin()).get("/audit?account=*"))["count"] >= 4


async def test_the_admin_rules_accounts_but_not_himself_away(site: Site) -> None:
    admin, ann = await site.admin(), await site.person("ann")
    listed = await admin.get("/admin/accounts?q=an")
    assert [each["name"] for each in listed["results"]] == ["ann"]
    changed = await admin.do(
        "PATCH", "/admin/accounts/ann", {"isVerified": True, "quotaBytes": 1000}
    )
    assert (changed["isVerified"], changed["quotaBytes"], changed["usedBytes"]) == (True, 1000, 0)
    for change in ({"isAdmin": False}, {"isDisabled": True}):
        assert (await admin.ask("PATCH", "/admin/accounts/admin", change)).status == 409
    await admin.do("PATCH", "/admin/accounts/ann", {"isDisabled": True})
    assert (await ann.get("/session"))["user"] is None
    reply = await ann.ask("POST", "/session", {"name": "ann", "password": PASSWORD})
    assert reply.status == 401


async def test_upstreams_keep_their_password_to_themselves(site: Site) -> None:
    admin = await site.admin()
    path = "/admin/upstreams/library"
    body = {"url": "https://registry-1.docker.io/", "userName": "u", "password": "p4ss"}
    made = await admin.do("PUT", path, body)
    assert made["url"] == "https://registry-1.docker.io"
    again = await admin.do("PUT", path, {"url": "https://registry-1.docker.io", "freshS": 60.0})
    assert again["hasPassword"]
    assert "p4ss" not in str([again, await admin.get("/audit?account=*")])
    await admin.do("DELETE", path)
    assert (await admin.ask("GET", path)).status == 404


async def test_odd_requests_get_right_answers(site: Site) -> None:
    ann = await site.person("ann")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
    refused = {
        ("POST", "/session"): b"{",
        ("POST", "/repositories"): b"[]",
        ("PATCH", "/repositories/ann/web"): b'{"summary": 5}',
        ("POST", "/tokens"): b'{"name": "\\u0000"}',
    }
    for (method, path), body in refused.items():
        reply = await ann.ask(method, path, body)
        assert (reply.status, reply.body["code"]) == (400, "invalid-argument"), (method, path)
    assert (await ann.ask("POST", "/session", b"x" * (2 << 20))).status == 400
    for query in ("page=0", "page=x", "pageSize=101", "sort=age", "official=perhaps"):
        assert (await ann.ask("GET", f"/explore?{query}")).status == 400, query
    for path in ("/nowhere", "/repositories/ann", "/repositories/ann/web/webhooks/abc",
                 "/repositories/ann/web/webhooks/" + "9" * 30):  # fmt: skip
        assert (await ann.ask("GET", path)).status == 404, path


INJECTIONS = (
    "' OR 1=1 --",
    "%",
    "_",
    "%25",
    "../../etc/passwd",
    "..%2f..%2fetc",
    "\\",
    '"><script>',
    "\u202e",
    "a\nSet-Cookie: x=1",
    "${jndi:x}",
    "{{7*7}}",
    "a" * 5000,
    "가" * 500,
)


@pytest.mark.parametrize("text", INJECTIONS)
async def test_names_and_terms_inject_nothing(site: Site, text: str) -> None:
    from urllib.parse import quote

    ann = await site.person("ann")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
    word = quote(text, safe="")
    explored = await ann.ask("GET", f"/explore?q={word}")
    assert explored.status == 200
    assert explored.headers["Content-Type"].startswith("application/json")
    assert explored.headers["X-Content-Type-Options"] == "nosniff"
    assert (await ann.ask("GET", f"/accounts/{word}")).status in (404,)
    assert (await ann.ask("GET", f"/repositories/{word}/web")).status == 404
    assert (await ann.ask("GET", f"/repositories/ann/web/tags/{word}")).status == 404
    assert (await ann.get(f"/repositories/ann/web/tags?q={word}"))["count"] == 0
    for body in ({"account": "ann", "name": text}, {"account": text, "name": "x"}):
        assert (await ann.ask("POST", "/repositories", body)).status in (400, 404)
    assert (await ann.ask("POST", "/accounts", {"name": text, "password": PASSWORD})).status == 400
    admin = await site.admin()
    assert (await admin.get(f"/admin/accounts?q={word}"))["count"] == 0


async def test_nul_is_refused_everywhere(site: Site) -> None:
    ann = await site.person("ann")
    await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
    for path in ("/explore?q=a%00b", "/accounts/a%00b", "/repositories/ann/web/tags?q=%00"):
        assert (await ann.ask("GET", path)).status == 400, path
    for body in ({"overview": "a\0b"}, {"summary": "\0"}):
        reply = await ann.ask("PATCH", "/repositories/ann/web", body)
        assert reply.status in (200, 400)
    assert (
        await ann.ask("POST", "/accounts", {"name": "a\0b", "password": PASSWORD})
    ).status == 400


async def test_two_processes_are_one_hub(site: Site, tmp_path: Path, database_url: str) -> None:
    ann = await site.person("ann")
    secret = (await ann.do("POST", "/tokens", {"name": "x", "scope": "admin"}))["secret"]
    token = (await site.request("GET", "/token?service=s", headers=_basic("ann", secret))).body[
        "token"
    ]
    async with serving_site(tmp_path / "data", database_url) as second:
        there = Person(second, "ann")
        there.cookie, there.csrf = ann.cookie, ann.csrf
        await there.do("POST", "/repositories", {"account": "ann", "name": "web"})
        assert (await ann.get("/repositories/ann/web"))["role"] == "owner"
        assert second.hub.services.signer.read(token).proof is not None
        await ann.do("DELETE", "/session")
        assert (await there.get("/session"))["user"] is None


def _basic(name: str, password: str) -> dict[str, str]:
    import base64

    value = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {value}"}
