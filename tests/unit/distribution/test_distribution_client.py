"""The registry client against registries that fail, mirrors, and TLS."""

from __future__ import annotations

import asyncio

import pytest
from distribution_client import ANN, Pauses, connected, open_repository, raised, read
from tests.fakes.registry import FakeRegistry
from tests.fakes.tls import server_context

from budu.base.errors import (
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from budu.distribution.auth import ANONYMOUS
from budu.distribution.hosts import HostsConfig, hosts_config
from budu.spec.reference import parse_reference


async def test_server_errors_are_tried_again(fake: FakeRegistry) -> None:
    image = fake.add_image("team/app", "1")
    pauses = Pauses()
    async with connected(pauses=pauses) as registries:
        repository = await open_repository(registries, fake)
        fake.faults.server_errors = 2
        assert (await repository.resolve()).digest == image.digest
    assert pauses == [0.5, 1.0]


async def test_a_lasting_server_error_is_reported(fake: FakeRegistry) -> None:
    fake.add_image("team/app", "1")
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        fake.faults.server_errors = 100
        error = await raised(Unavailable, repository.resolve())
    assert error.message == "received unexpected HTTP status: 500 Internal Server Error"
    assert error.hint is not None
    assert error.hint.key == "distribution.registry-broken"


async def test_retry_after_is_obeyed(fake: FakeRegistry) -> None:
    image = fake.add_image("team/app", "1")
    pauses = Pauses()
    async with connected(pauses=pauses) as registries:
        repository = await open_repository(registries, fake)
        fake.faults.retry_after = ["7"]
        assert (await repository.resolve()).digest == image.digest
    assert pauses == [7.0]


@pytest.mark.parametrize("asked", ["", "21600"])
async def test_a_rate_limit_is_reported_at_once(fake: FakeRegistry, asked: str) -> None:
    pauses = Pauses()
    async with connected(pauses=pauses) as registries:
        repository = await open_repository(registries, fake)
        await registries.session(
            (await registries.endpoints(fake.address))[1], credentials=ANONYMOUS, scope=""
        ).ping()
        fake.faults.retry_after = [asked] * 10
        error = await raised(ResourceExhausted, repository.resolve())
    assert error.message == "toomanyrequests: You have reached your pull rate limit."
    assert pauses == []


async def test_mirrors_are_asked_first_and_without_credentials() -> None:
    async with FakeRegistry(auth="basic").serving() as closed, FakeRegistry().serving() as mirror:
        image = mirror.add_image("library/httpd", "latest")
        mirrors = [f"http://{closed.address}", f"http://{mirror.address}"]
        async with connected(hosts_config(mirrors=mirrors)) as registries:
            reference = parse_reference("httpd").with_default_tag()
            repository = await registries.repository(reference, credentials=ANN)
            assert (await repository.resolve()).digest == image.digest
            assert len(await read(repository, image.blobs[0])) > 0
    assert closed.requests
    for request in closed.requests + mirror.requests:
        assert "Authorization" not in request.headers


async def test_a_mirror_that_lacks_the_image_is_passed_over() -> None:
    async with FakeRegistry().serving() as empty, FakeRegistry().serving() as full:
        image = full.add_image("library/httpd", "latest")
        mirrors = ["http://127.0.0.1:1", f"http://{empty.address}", f"http://{full.address}"]
        async with connected(hosts_config(mirrors=mirrors)) as registries:
            reference = parse_reference("httpd").with_default_tag()
            repository = await registries.repository(reference)
            assert (await repository.resolve()).digest == image.digest
            asked = len(empty.requests)
            await read(repository, image.config_digest)
    assert len(empty.requests) == asked


async def test_a_refused_connection_is_dockers_sentence() -> None:
    async with connected() as registries:
        repository = await registries.repository(parse_reference("127.0.0.1:1/a/b:1"))
        error = await raised(Unavailable, repository.resolve())
    assert error.message == (
        'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'
    )
    assert error.hint is not None
    assert error.hint.key == "distribution.connection-refused"


async def test_plain_http_where_tls_is_wanted(fake: FakeRegistry) -> None:
    hosts = HostsConfig(insecure_networks=())
    async with connected(hosts) as registries:
        repository = await open_repository(registries, fake)
        error = await raised(Unavailable, repository.resolve())
    assert error.message == (
        f'Get "https://{fake.address}/v2/": http: server gave HTTP response to HTTPS client'
    )
    assert error.hint is not None
    assert error.hint.key == "distribution.plain-http"


async def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    hosts = HostsConfig(insecure_networks=())
    fake = FakeRegistry(tls=server_context())
    async with fake.serving(), connected(hosts) as registries:
        repository = await open_repository(registries, fake)
        error = await raised(Unavailable, repository.resolve())
    assert error.message == (
        f'Get "https://{fake.address}/v2/": tls: failed to verify certificate: '
        "x509: certificate signed by unknown authority"
    )


async def test_an_insecure_registry_with_tls_is_never_asked_in_the_clear() -> None:
    fake = FakeRegistry(tls=server_context())
    async with fake.serving(), connected() as registries:
        image = fake.add_image("team/app", "1")
        repository = await open_repository(registries, fake)
        assert (await repository.resolve()).digest == image.digest
        missing = await open_repository(registries, fake, "team/app:2")
        error = await raised(NotFound, missing.resolve())
    assert error.message.startswith("manifest for")


async def test_what_once_spoke_tls_is_not_asked_in_the_clear_later() -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    fake = FakeRegistry(auth="basic", tls=server_context())
    async with connected() as registries:
        async with fake.serving():
            fake.add_image("team/app", "1")
            repository = await open_repository(registries, fake, credentials=ANN)
            await repository.resolve()
        host, _, port = fake.address.partition(":")
        async with await asyncio.start_server(listen, host, int(port), reuse_address=True):
            await raised(Unavailable, repository.resolve())
    assert heard
    assert not any(b"HTTP/1.1" in data for data in heard)


async def test_an_authority_of_certs_d_is_trusted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from tests.fakes.tls import CERTIFICATE

    folder = tmp_path_factory.mktemp("certs.d")
    fake = FakeRegistry(tls=server_context())
    async with fake.serving():
        (folder / fake.address).mkdir()
        (folder / fake.address / "ca.crt").write_text(CERTIFICATE)
        image = fake.add_image("team/app", "1")
        hosts = HostsConfig(insecure_networks=(), certs_dirs=(str(folder),))
        async with connected(hosts) as registries:
            repository = await open_repository(registries, fake)
            assert (await repository.resolve()).digest == image.digest


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (b"", "EOF"),
        (b"garbage\r\n\r\n", "net/http: HTTP/1.x transport connection broken: malformed response"),
    ],
)
async def test_a_server_that_speaks_no_http(reply: bytes, sentence: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, connected() as registries:
        repository = await registries.repository(parse_reference(f"127.0.0.1:{port}/a:1"))
        error = await raised(Unavailable, repository.resolve())
    assert error.message == f'Get "http://127.0.0.1:{port}/v2/": {sentence}'
    assert error.hint is not None
    assert error.hint.key == "distribution.cut-off"
