"""How the client is let in: tokens, passwords, sign-in."""

from __future__ import annotations

import msgspec
import pytest
from distribution_client import ANN, EVE, connected, open_repository, raised, read
from tests.fakes.registry import FakeRegistry

from budu.base.errors import (
    NotFound,
    Unauthenticated,
    Unavailable,
)
from budu.distribution.auth import Credentials
from budu.distribution.login import login


async def test_authorization_is_not_sent_to_the_redirected_host() -> None:
    async with FakeRegistry(auth="token").serving() as fake, connected() as registries:
        digest = fake.add_blob(b"stored elsewhere")
        fake.faults.redirect_blobs = True
        repository = await open_repository(registries, fake)
        assert await read(repository, digest, 7) == b"elsewhere"
    asked, stored = fake.requests[-2:]
    assert (asked.server, stored.server) == ("registry", "storage")
    assert "Authorization" in asked.headers
    assert "Authorization" not in stored.headers
    assert stored.headers["Range"] == "bytes=7-"
    assert stored.path.endswith("?signature=a%2Fb")


async def test_an_anonymous_token_is_fetched_once_and_reused() -> None:
    async with FakeRegistry(auth="token").serving() as fake, connected() as registries:
        fake.add_image("team/app", "1")
        for _ in range(2):
            await (await open_repository(registries, fake)).resolve()
    tokens = [r for r in fake.requests if r.path.startswith("/token")]
    assert len(tokens) == 1
    assert tokens[0].path == "/token?service=fake&scope=repository%3Ateam%2Fapp%3Apull"
    assert "Authorization" not in tokens[0].headers


async def test_a_token_is_fetched_with_the_password() -> None:
    async with FakeRegistry(auth="token").serving() as fake, connected() as registries:
        fake.add_image("team/app", "1")
        await (await open_repository(registries, fake, credentials=ANN)).resolve()
    token = next(r for r in fake.requests if r.path.startswith("/token"))
    assert token.headers["Authorization"] == ANN.basic
    assert "account=ann" in token.path


async def test_an_identity_token_is_exchanged_by_post() -> None:
    async with FakeRegistry(auth="token").serving() as fake, connected() as registries:
        fake.add_image("team/app", "1")
        credentials = Credentials(username="<token>", identity_token="refresh-me")
        await (await open_repository(registries, fake, credentials=credentials)).resolve()
    token = next(r for r in fake.requests if r.path.startswith("/token"))
    assert token.method == "POST"
    assert token.form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-me",
        "service": "fake",
        "scope": "repository:team/app:pull",
        "client_id": "docker",
    }


async def test_a_revoked_token_is_replaced() -> None:
    async with FakeRegistry(auth="token").serving() as fake, connected() as registries:
        digest = fake.add_blob(b"data")
        repository = await open_repository(registries, fake)
        assert await read(repository, digest) == b"data"
        fake.tokens_issued += 10
        assert await read(repository, digest) == b"data"
    assert len([r for r in fake.requests if r.path.startswith("/token")]) == 2


async def test_a_wrong_password_at_the_token_server() -> None:
    async with FakeRegistry(auth="token").serving() as fake, connected() as registries:
        repository = await open_repository(registries, fake, credentials=EVE)
        error = await raised(Unauthenticated, repository.resolve())
    assert error.message == (
        f'Get "http://{fake.address}/v2/": unauthorized: incorrect username or password'
    )
    assert error.hint is not None
    assert error.hint.key == "distribution.login-refused"


async def test_a_repository_that_the_token_does_not_open() -> None:
    fake = FakeRegistry(auth="token", hidden=["team/app"])
    async with fake.serving(), connected() as registries:
        repository = await open_repository(registries, fake)
        error = await raised(NotFound, repository.resolve())
    assert error.message == (
        f"pull access denied for {fake.address}/team/app, repository does not exist or may "
        "require 'docker login': denied: requested access to the resource is denied"
    )


async def test_basic_authentication() -> None:
    async with FakeRegistry(auth="basic").serving() as fake, connected() as registries:
        image = fake.add_image("team/app", "1")
        repository = await open_repository(registries, fake, credentials=ANN)
        assert (await repository.resolve()).digest == image.digest
        stranger = await open_repository(registries, fake)
        error = await raised(Unauthenticated, stranger.resolve())
        assert error.message.endswith("no basic auth credentials")
        refused = await open_repository(registries, fake, credentials=EVE)
        error = await raised(Unauthenticated, refused.resolve())
        assert error.message == "unauthorized: authentication required"


async def test_a_registry_token_is_sent_as_it_is() -> None:
    async with FakeRegistry(auth="token").serving() as fake, connected() as registries:
        fake.add_image("team/app", "1")
        credentials = Credentials(registry_token="let-me-in-0")
        await (await open_repository(registries, fake, credentials=credentials)).resolve()
    assert not [r for r in fake.requests if r.path.startswith("/token")]


@pytest.mark.parametrize("auth", ["none", "basic", "token"])
async def test_login_succeeds(auth: str) -> None:
    async with FakeRegistry(auth=auth).serving() as fake, connected() as registries:
        credentials = msgspec.structs.replace(ANN, server_address=fake.address)
        result = await login(registries, credentials)
    assert result.status == "Login Succeeded"
    assert result.identity_token == ("refresh-me" if auth == "token" else "")


@pytest.mark.parametrize(
    ("auth", "sentence"),
    [
        ("token", 'Get "http://{}/v2/": unauthorized: incorrect username or password'),
        ("basic", "login attempt to http://{}/v2/ failed with status: 401 Unauthorized"),
    ],
)
async def test_login_refused(auth: str, sentence: str) -> None:
    async with FakeRegistry(auth=auth).serving() as fake, connected() as registries:
        credentials = msgspec.structs.replace(EVE, server_address=f"http://{fake.address}/v2/")
        error = await raised(Unauthenticated, login(registries, credentials))
    assert error.message == sentence.format(fake.address)
    assert "wrong" not in error.message


async def test_login_at_a_registry_that_is_not_there() -> None:
    credentials = msgspec.structs.replace(ANN, server_address="127.0.0.1:1")
    async with connected() as registries:
        error = await raised(Unavailable, login(registries, credentials))
    assert error.message.endswith("dial tcp 127.0.0.1:1: connect: connection refused")
