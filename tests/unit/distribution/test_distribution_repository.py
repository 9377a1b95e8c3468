"""One name at a real registry on loopback: descriptors, manifests, blobs."""

from __future__ import annotations

import json

import pytest
from distribution_client import connected, open_repository, raised, read
from tests.fakes.registry import FakeRegistry

from budu.base.errors import (
    DataLoss,
    InvalidArgument,
    NotFound,
)
from budu.distribution.errors import RequestFailed
from budu.distribution.repository import MANIFEST_LIMIT
from budu.spec.digest import Digest
from budu.spec.image import MEDIA_OCI_INDEX, MEDIA_OCI_MANIFEST, Descriptor
from budu.spec.reference import parse_reference


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
