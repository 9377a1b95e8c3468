"""The registry client against a real registry on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.fakes.registry import FakeRegistry
from tests.fakes.tls import server_context

from budu.base.errors import (
    BuduError,
    DataLoss,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from budu.distribution.auth import ANONYMOUS, Credentials
from budu.distribution.client import Registries
from budu.distribution.errors import RequestFailed
from budu.distribution.hosts import HostsConfig, hosts_config
from budu.distribution.login import login
from budu.distribution.repository import MANIFEST_LIMIT, Repository
from budu.distribution.retry import RetryPolicy
from budu.spec.digest import Digest
from budu.spec.image import MEDIA_OCI_INDEX, MEDIA_OCI_MANIFEST, Descriptor
from budu.spec.reference import parse_reference

ANN = Credentials(username="ann", password="secret")
EVE = Credentials(username="ann", password="wrong")


class Pauses(list[float]):
    """A clock that does not wait, but remembers."""

    async def sleep(self, seconds: float) -> None:
        self.append(seconds)


@asynccontextmanager
async def connected(
    hosts: HostsConfig | None = None, pauses: Pauses | None = None
) -> AsyncIterator[Registries]:
    sleep = (pauses if pauses is not None else Pauses()).sleep
    registries = Registries(hosts or hosts_config(), retry=RetryPolicy(attempts=3, sleep=sleep))
    try:
        yield registries
    finally:
        await registries.close()


async def open_repository(
    registries: Registries,
    fake: FakeRegistry,
    name: str = "team/app:1",
    credentials: Credentials = ANONYMOUS,
) -> Repository:
    reference = parse_reference(f"{fake.address}/{name}")
    return await registries.repository(reference, credentials=credentials)


async def read(repository: Repository, digest: str, offset: int = 0) -> bytes:
    async with await repository.open_blob(digest, offset=offset) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


async def raised(kind: type[BuduError], action: Awaitable[object]) -> BuduError:
    with pytest.raises(kind) as caught:
        await action
    assert type(caught.value) is kind
    return caught.value


@pytest.fixture
async def fake() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry().serving() as registry:
        yield registry


async def test_a_tag_resolves_to_its_descriptor(fake: FakeRegistry) -> None:
    image = fake.add_image("team/app", "1")
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        assert await repository.resolve() == Descriptor(
            media_type=MEDIA_OCI_MANIFEST, digest=image.digest, size=image.size
        )


async def test_resolving_costs_no_manifest_download(fake: FakeRegistry) -> None:
    fake.add_image("team/app", "1")
    async with connected() as registries:
        await (await open_repository(registries, fake)).resolve()
    assert fake.paths("manifests", method="HEAD") == ["/v2/team/app/manifests/1"]
    assert fake.paths("manifests", method="GET") == []


async def test_a_registry_without_digest_header_is_read_and_hashed(fake: FakeRegistry) -> None:
    image = fake.add_image("team/app")
    index = fake.add_index("team/app", "1", [image])
    fake.faults.without_digest_header = True
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        descriptor = await repository.resolve()
        assert (descriptor.digest, descriptor.media_type) == (index, MEDIA_OCI_INDEX)
        assert Digest.of(await repository.fetch_manifest(descriptor)) == index
    assert fake.paths("manifests") == ["/v2/team/app/manifests/1"]


async def test_an_unknown_tag_hints_at_near_ones(fake: FakeRegistry) -> None:
    fake.add_image("team/app", "latest")
    fake.add_image("team/app", "2.4")
    async with connected() as registries:
        repository = await open_repository(registries, fake, "team/app:lastest")
        error = await raised(NotFound, repository.resolve())
    assert error.message == (
        f"manifest for {fake.address}/team/app:lastest not found: "
        "manifest unknown: manifest unknown"
    )
    assert error.hint is not None
    assert error.hint.key == "distribution.tag-near"
    assert error.hint.values["first"] == "latest"


async def test_an_unknown_repository_is_dockers_sentence(fake: FakeRegistry) -> None:
    async with connected() as registries:
        repository = await open_repository(registries, fake, "no/such:1")
        error = await raised(NotFound, repository.resolve())
    assert error.message == (
        f"repository {fake.address}/no/such not found: "
        "name unknown: repository name not known to registry"
    )


async def test_a_manifest_with_a_changed_byte_is_refused(fake: FakeRegistry) -> None:
    image = fake.add_image("team/app", "1")
    fake.faults.wrong_bytes.add(image.digest)
    descriptor = Descriptor(digest=image.digest, size=image.size)
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        error = await raised(DataLoss, repository.fetch_manifest(descriptor))
    assert error.message.startswith(f"content verification failed for digest {image.digest}")


async def test_another_manifest_under_a_pinned_digest_is_refused(fake: FakeRegistry) -> None:
    one, other = fake.add_image("team/app", "1"), fake.add_image("team/app", "2", layers=[])
    fake.manifests["team/app", one.digest] = fake.manifests["team/app", other.digest]
    async with connected() as registries:
        repository = await open_repository(registries, fake, f"team/app@{one.digest}")
        error = await raised(DataLoss, repository.resolve())
        assert one.digest in error.message
        await raised(DataLoss, repository.fetch_manifest(Descriptor(digest=one.digest, size=1)))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/json",
    ],
)
async def test_schema1_is_refused(fake: FakeRegistry, media_type: str) -> None:
    fake.add_manifest("team/app", "1", b'{"schemaVersion": 1, "fsLayers": []}', media_type)
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        error = await raised(InvalidArgument, repository.resolve())
    assert "schema 1 support has been removed" in error.message


@pytest.mark.parametrize("body", [b"not json", b'{"schemaVersion": 2}', b"[]", b"\xff\xfe"])
async def test_a_document_that_is_no_manifest_is_refused(fake: FakeRegistry, body: bytes) -> None:
    fake.add_manifest("team/app", "1", body, "application/json")
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        await raised(InvalidArgument, repository.resolve())


async def test_a_blob_is_read_whole_and_from_an_offset(fake: FakeRegistry) -> None:
    data = bytes(range(256)) * 1000
    digest = fake.add_blob(data)
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        assert await read(repository, digest) == data
        assert await read(repository, digest, 100_000) == data[100_000:]
    assert fake.requests[-1].headers["Range"] == "bytes=100000-"


@pytest.mark.parametrize("fault", ["ignore_ranges", "refuse_ranges"])
async def test_an_offset_works_without_range_support(fake: FakeRegistry, fault: str) -> None:
    data = bytes(range(256)) * 1000
    digest = fake.add_blob(data)
    setattr(fake.faults, fault, True)
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        assert await read(repository, digest, 100_000) == data[100_000:]


async def test_a_broken_blob_stream_is_told(fake: FakeRegistry) -> None:
    digest = fake.add_blob(b"x" * 100_000)
    fake.faults.drop_after[digest] = 50_000
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        with pytest.raises(RequestFailed, match="EOF"):
            await read(repository, digest)


async def test_a_missing_blob_is_not_found(fake: FakeRegistry) -> None:
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        error = await raised(NotFound, repository.open_blob("sha256:" + "0" * 64))
    assert error.message == "blob unknown: blob unknown to registry"


async def test_a_manifest_beyond_the_limit_is_refused(fake: FakeRegistry) -> None:
    """By tag and by digest, and before all of it is read."""
    text = "a" * MANIFEST_LIMIT
    body = json.dumps({"schemaVersion": 2, "config": {}, "annotations": {"a": text}}).encode()
    digest = fake.add_manifest("team/app", "huge", body, MEDIA_OCI_MANIFEST)
    async with connected() as registries:
        for name in (f"{fake.address}/team/app:huge", f"{fake.address}/team/app@{digest}"):
            repository = await registries.repository(parse_reference(name))
            descriptor = await repository.resolve()
            error = await raised(DataLoss, repository.fetch_manifest(descriptor))
            assert f"larger than {MANIFEST_LIMIT} bytes" in error.message


async def test_a_config_beyond_the_limit_is_refused(fake: FakeRegistry) -> None:
    digest = fake.add_blob(b"x" * 2000)
    async with connected() as registries:
        repository = await open_repository(registries, fake)
        descriptor = Descriptor(digest=digest, size=2000)
        assert len(await repository.fetch_blob(descriptor)) == 2000
        await raised(DataLoss, repository.fetch_blob(descriptor, limit=1000))


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
