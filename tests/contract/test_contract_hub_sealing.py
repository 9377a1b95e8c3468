"""Secrets in the database are sealed; processes with another key stay out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.support.hub_site import PASSWORD, Person, serving_site

from budu.base.errors import InvalidArgument
from budu.hub import sealing
from budu.hub.database import Database
from budu.hub.schema import settings, upstreams, webhooks
from budu.hub.sealing import Purpose

HOOK = {"name": "x", "url": "https://example.com/h", "secret": "hook-secret"}
MIRROR = {"url": "https://registry.example", "userName": "u", "password": "p4ss-word"}


async def furnish(data: Path, database_url: str) -> str:
    """A hub with a webhook and a mirror; a token of its token service."""
    async with serving_site(data, database_url) as site:
        ann, admin = await site.person("ann"), await site.admin()
        await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
        await ann.do("POST", "/repositories/ann/web/webhooks", HOOK)
        await admin.do("PUT", "/admin/upstreams/library", MIRROR)
        return str((await site.request("GET", "/token?service=s", headers={})).body["token"])


async def stored(database_url: str) -> list[str]:
    """The columns with secrets, as they lie there."""
    database = Database(database_url)
    try:
        queries = (
            sa.select(webhooks.c.secret),
            sa.select(upstreams.c.password),
            sa.select(settings.c.value).where(settings.c.key == sealing.TOKEN_KEY),
        )
        return await database.read(
            lambda c: [text for query in queries for text in c.execute(query).scalars()]
        )
    finally:
        database.close()


async def test_nothing_lies_in_plain(tmp_path: Path, database_url: str) -> None:
    data = tmp_path / "data"
    await furnish(data, database_url)
    found = await stored(database_url)
    assert len(found) == 3
    assert all(text.startswith("v1:") for text in found)
    assert "hook-secret" not in str(found)
    assert "p4ss-word" not in str(found)
    assert (data / "secret.key").stat().st_mode & 0o777 == 0o600
    async with serving_site(data, database_url) as site:
        opened = [
            site.hub.services.seal.open(text, purpose)
            for text, purpose in zip(found[:2], (Purpose.WEBHOOK, Purpose.UPSTREAM), strict=True)
        ]
    assert opened == ["hook-secret", "p4ss-word"]


async def test_a_process_with_another_key_stays_out(tmp_path: Path, database_url: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    token = await furnish(first, database_url)
    with pytest.raises(InvalidArgument, match="sealed with another key") as refused:
        async with serving_site(second, database_url):
            pass
    assert refused.value.hint is not None
    assert not (second / "secret.key").exists()
    shutil.copy(first / "secret.key", tmp_path / "shared.key")
    async with serving_site(second, database_url, secret_key=tmp_path / "shared.key") as site:
        assert site.hub.services.signer.read(token).expires_at
    assert not (second / "secret.key").exists()


async def test_a_hub_of_before_is_sealed_at_its_next_start(
    tmp_path: Path, database_url: str
) -> None:
    data = tmp_path / "data"
    token = await furnish(data, database_url)
    database = Database(database_url)
    async with serving_site(data, database_url) as site:
        [key] = [
            site.hub.services.seal.open(text, Purpose.TOKEN_KEY)
            for text in (await stored(database_url))[2:]
        ]
    is_key = settings.c.key == sealing.TOKEN_KEY
    for change in (
        sa.update(webhooks).values(secret="hook-secret"),
        sa.update(upstreams).values(password="p4ss-word"),
        sa.update(settings).where(is_key).values(value=key),
        sa.delete(settings).where(settings.c.key == "secret-key-mark"),
    ):
        await database.write(lambda c, change=change: c.execute(change).rowcount)
    database.close()
    (data / "secret.key").unlink()
    async with serving_site(data, database_url) as site:
        assert site.hub.services.signer.read(token).expires_at
    assert all(text.startswith("v1:") for text in await stored(database_url))


async def test_a_database_of_the_first_schema_is_brought_up_to_date(
    tmp_path: Path, database_url: str
) -> None:
    data = tmp_path / "data"
    await furnish(data, database_url)
    database = Database(database_url)
    old = [
        "UPDATE settings SET value = '1' WHERE key = 'schema'",
        "DELETE FROM settings WHERE key = 'secret-key-mark'",
        "UPDATE webhooks SET secret = 'hook-secret'",
        "UPDATE upstreams SET password = 'p4ss-word'",
        "UPDATE settings SET value = 'f00d' WHERE key = 'token-key'",
        "DROP TABLE retired_names",
        "DROP INDEX manifests_by_platform",
        "DROP INDEX tags_by_push",
        "DROP INDEX webhooks_by_repository",
        "ALTER TABLE blobs DROP COLUMN unpacked_bytes",
    ]
    if database_url.startswith("postgresql"):
        old.append("ALTER TABLE webhooks ALTER COLUMN secret TYPE varchar(20)")
    for statement in old:
        await database.write(lambda c, text=sa.text(statement): c.execute(text).rowcount)
    database.close()
    async with serving_site(data, database_url) as site:
        looked = await site.hub.services.database.read(
            lambda c: {index["name"] for index in sa.inspect(c).get_indexes("webhooks")}
        )
        assert "webhooks_by_repository" in looked
        ann = await Person(site, "ann").sign_in(PASSWORD)
        [hook] = (await ann.get("/repositories/ann/web/webhooks"))["results"]
        assert hook["hasSecret"]
        await ann.do("DELETE", "/accounts/ann", {"password": PASSWORD})
    assert all(text.startswith("v1:") for text in await stored(database_url))


async def test_who_lost_the_key_begins_anew(tmp_path: Path, database_url: str) -> None:
    data = tmp_path / "data"
    await furnish(data, database_url)
    (data / "secret.key").unlink()
    with pytest.raises(InvalidArgument):
        async with serving_site(data, database_url):
            pass
    database = Database(database_url)
    assert await database.write(sealing.forget) == 2
    database.close()
    async with serving_site(data, database_url) as site:
        ann = await Person(site, "ann").sign_in(PASSWORD)
        [hook] = (await ann.get("/repositories/ann/web/webhooks"))["results"]
        assert not hook["hasSecret"]
        mirror = await (await site.admin()).get("/admin/upstreams/library")
        assert not mirror["hasPassword"]
